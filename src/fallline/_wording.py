"""Numbers in words: the one place that writes them for people, for every room that has sentences of its own."""

import math

MINUS = "−"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
HALF_UNIT = 2.0**-52
"""What a share near 1 may be off by, as a double."""
MOST_DECIMALS = 12
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
    rounded = float(f"{value:.{digits}g}")
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if -4 <= exponent < 6:
        return (
            f"{rounded:,.{max(0, digits - 1 - exponent)}f}".replace("-", MINUS)
            if exponent < digits - 1
            else (f"{rounded:,.0f}".replace("-", MINUS))
        )
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}×10{str(int(power)).translate(RAISED)}".replace("-", MINUS)


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


def count(value: float, thing: str = "") -> str:
    """How many, with its noun in the right number.

    >>> count(1, "step"), count(12_345, "row"), count(0, "epoch")
    ('1 step', '12,345 rows', '0 epochs')
    """
    plural = "" if value == 1 or not thing else "es" if thing.endswith(("s", "tch")) else "s"
    return f"{value:,.0f} {thing}{plural}".strip()


def layer_in_words(name: str) -> str:
    """A layer in a sentence: with its noun where the name is only a number.

    >>> layer_in_words("0"), layer_in_words("2.1"), layer_in_words("layer4.conv1")
    ('layer 0', 'layer 2.1', 'layer4.conv1')
    """
    return name if any(letter.isalpha() for letter in name) else f"layer {name}".rstrip()


def not_finite(value: float) -> str:
    """NaN and infinity in words.

    >>> not_finite(float("nan"))
    'not a number (NaN)'
    """
    if math.isnan(value):
        return "not a number (NaN)"
    return "infinite" if value > 0 else "minus infinity"
