"""Numbers as a sweep's sentences write them; what a person reads of other rooms is worded in ``_explain``."""

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def written(value: float) -> str:
    """Four significant digits, a true minus sign, powers of ten spelled out.

    >>> written(0.02919411), written(-3.77912e-05), written(2e13)
    ('0.02919', '−3.779×10⁻⁵', '2×10¹³')
    """
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    power = f"×10{str(int(exponent)).translate(SUPERSCRIPT)}" if exponent else ""
    return f"{mantissa}{power}".replace("-", "−")


def percent(part: float) -> str:
    """A part as percent, with as many digits as it takes to tell it from 100 %.

    >>> percent(0.99), percent(0.9999), percent(0.5), percent(1.25)
    ('99 %', '99.99 %', '50 %', '120 %')
    """
    shown = next((text for digits in range(2, 12) if float(text := f"{100 * part:.{digits}g}") < 100), None)
    return f"{written(float(shown if part < 1 and shown is not None else f'{100 * part:.2g}'))} %"


def counted(steps: int) -> str:
    """``1 step``, ``1,000 steps``.

    >>> counted(1), counted(1000)
    ('1 step', '1,000 steps')
    """
    return f"{steps:,} step{'s' if steps != 1 else ''}"


def not_finite(value: float) -> str:
    """NaN and infinity in words.

    >>> not_finite(float("nan"))
    'not a number (NaN)'
    """
    if value != value:  # noqa: PLR0124  (NaN alone differs from itself)
        return "not a number (NaN)"
    return "infinite" if value > 0 else "minus infinity"
