"""Numbers in words: the one place that writes them for people, for every room that has sentences of its own."""

import math

MINUS = "−"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
HALF_UNIT = 2.0**-52
"""What a share near 1 may be off by, as a double."""
MOST_DECIMALS = 12
MANY_TIMES = 10
"""From so many times a whole on a share is no percentage."""
ROUNDED = 2.0**-20
"""What float32 leaves of a share that is 1."""
MOST_REACH_DIGITS = 6
"""A reach nearer to 1 or 2 than that is said to be there."""
PICTURES = {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
"""Of control characters, which would steer a terminal."""
STOPPED = "Stopped by Ctrl-C."
"""What a command says that was interrupted and has nothing to show."""


def number(value: float, digits: int = 4) -> str:
    """A measurement, to ``digits`` significant figures.

    >>> number(-168.4123), number(2.5e-5), number(48_230_123.0), number(float("inf"))
    ('−168.4', '2.5×10⁻⁵', '4.823×10⁷', '∞')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else MINUS + "∞"
    if value == 0:
        return "0"
    rounded = f"{value:.{digits - 1}e}"
    mantissa, _, power = rounded.partition("e")
    exponent = int(power)
    if -4 <= exponent < 6:
        decimals = max(0, digits - 1 - exponent)
        return f"{float(rounded):,.{decimals}f}".replace("-", MINUS)
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}×10{str(exponent).translate(RAISED)}".replace("-", MINUS)


def short(value: float) -> str:
    """As :func:`number` without trailing zeros: for what a person chose, such as a learning rate.

    >>> short(0.01), short(0.5), short(1.0), short(25000.0), short(0.012345)
    ('0.01', '0.5', '1', '25,000', '0.012345')
    """
    return _without_zeros(number(value, 6))


def written(value: float, digits: int = 4) -> str:
    """Four significant figures, or ``digits``, without trailing zeros: for a rate that was measured.

    >>> written(0.01), written(0.0123456), written(2.92e-5), written(1330.0), written(-3.77912e-05)
    ('0.01', '0.01235', '2.92×10⁻⁵', '1,330', '−3.779×10⁻⁵')
    """
    return _without_zeros(number(value, digits))


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text and "×" not in text else text


def percent(share: float) -> str:
    """A share as a percentage that is neither over- nor understated, however near it is to all.

    >>> percent(0.3425), percent(0.005), percent(0.99951), percent(1.0), percent(1.06)
    ('34 %', '0.5 %', '99.95 %', '100 %', '106 %')
    >>> percent(0.999999), percent(0.999999999), percent(1.00001)
    ('99.9999 %', '99.9999999 %', '100.001 %')
    """
    value = 100 * share
    if not math.isfinite(value):
        return f"{number(value)} %"
    if share != 1 and abs(value - 100) < 1:
        return f"{_beside_all(share)} %"
    if 0 < abs(value) < 0.001:
        return f"{number(value, 1)} %"
    if abs(value) >= 10 or value == 0:
        return f"{value:,.0f} %".replace("-", MINUS)
    return f"{float(f'{value:.1g}' if abs(value) < 0.095 else f'{value:.1f}'):g} %".replace("-", MINUS)


def _beside_all(share: float) -> str:
    """A percentage within 1 of 100: two decimals, or as many as the first figure of what is missing, rounded away."""
    missing = 100 * max(abs(1 - share) - HALF_UNIT, HALF_UNIT)
    decimals = min(MOST_DECIMALS, max(2, -math.floor(math.log10(missing))))
    units = math.ceil(missing * 10**decimals) * (1 if share < 1 else -1)
    return f"{100 - units / 10**decimals:.{decimals}f}".rstrip("0").rstrip(".")


def percent_below(share: float, bound: float) -> str:
    """A share that is below another one: with as many decimals, rounded down, as show that it is.

    >>> percent_below(0.9, 0.99), percent_below(0.98985, 0.99), percent_below(0.98999, 0.99)
    ('90 %', '98.98 %', '98.999 %')
    """
    told = percent(share)
    if told != percent(bound) or not share < bound:
        return told
    decimals = min(MOST_DECIMALS, max(2, math.ceil(-math.log10(100 * (bound - share)))))
    return f"{math.floor(100 * share * 10**decimals) / 10**decimals:.{decimals}f}".rstrip("0").rstrip(".") + " %"


LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def rough(value: float) -> str:
    """A large number in words, two significant figures.

    >>> rough(8_302_114), rough(137.8), rough(5_312)
    ('8.3 million', '138', '5,300')
    """
    if not math.isfinite(value) or value >= 1e15:
        return number(value, 2)
    for size, word in LARGE:
        if value >= 0.9995 * size:
            return f"{float(f'{value / size:.2g}'):,g} {word}"
    return f"{float(f'{value:.3g}' if value < 1000 else f'{value:.2g}'):,.0f}" if value >= 10 else f"{value:.2g}"


def part_of(share: float, whole: str) -> str:
    """A share of something; in times where it is ten times that, or more.

    >>> part_of(0.342, "it"), part_of(12.09, "it"), part_of(1_143_239.02, "the limit"), part_of(1 + 2e-7, "it")
    ('34 % of it', '12 times it', '1.1 million times the limit', '100 % of it')
    """
    return f"{multiple(share)} {whole}" if share >= MANY_TIMES else f"{multiple(share)} of {whole}"


def multiple(share: float) -> str:
    """A share without what it is of: a percentage, or so many times.

    >>> multiple(0.342), multiple(12.09), multiple(1 + 2e-7)
    ('34 %', '12 times', '100 %')
    """
    if share >= MANY_TIMES:
        return f"{rough(share)} times"
    return percent(1.0 if abs(share - 1) < ROUNDED else share)


def reach_number(value: float, digits: int = 2) -> str:
    """A reach; near 1 and 2, where it matters, with as many figures as show the side.

    >>> reach_number(3.14), reach_number(2.04), reach_number(1.97), reach_number(0.9996), reach_number(2.0)
    ('3.1', '2.04', '1.97', '0.9996', '2.0')
    """
    for more in range(digits, MOST_REACH_DIGITS + 1):
        text = number(value, more)
        if not (value != 1 and text.rstrip("0") == "1.") and not (value != 2 and text.rstrip("0") == "2."):
            return text
    return number(value, digits)


def count(value: float, thing: str = "") -> str:
    """How many, with its noun in the right number.

    >>> count(1, "step"), count(12_345, "row"), count(0, "epoch")
    ('1 step', '12,345 rows', '0 epochs')
    """
    plural = "" if value == 1 or not thing else "es" if thing.endswith(("s", "tch")) else "s"
    return f"{value:,.0f} {thing}{plural}".strip()


def megabytes(size: int) -> str:
    """Bytes in MB (10⁶ bytes), below that in kB or bytes.

    >>> megabytes(94_371_840), megabytes(1_500_000), megabytes(12_288), megabytes(8)
    ('94 MB', '1.5 MB', '12 kB', '8 bytes')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            value = size / unit
            return f"{value:,.0f} {name}" if value >= 10 else f"{value:.2g} {name}"
    return count(size, "byte")


def layer_in_words(name: str) -> str:
    """A layer in a sentence: with its noun where the name is only a number.

    >>> layer_in_words("0"), layer_in_words("2.1"), layer_in_words("layer4.conv1")
    ('layer 0', 'layer 2.1', 'layer4.conv1')
    """
    return visible(name) if any(letter.isalpha() for letter in name) else visible(f"layer {name}".rstrip())


def visible(text: str) -> str:
    """Somebody's own text without control characters: pictures of them in their place.

    >>> visible("conv\x1b[2J")
    'conv␛[2J'
    """
    return text.translate(PICTURES)


def not_finite(value: float) -> str:
    """NaN and infinity in words.

    >>> not_finite(float("nan"))
    'not a number (NaN)'
    """
    if math.isnan(value):
        return "not a number (NaN)"
    return "infinite" if value > 0 else "minus infinity"
