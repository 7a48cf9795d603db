"""How the numbers of one step are written: places, signs, equations that hold as they stand; large and small counts."""

import math
from decimal import Decimal
from itertools import product

from fallline._wording import MINUS, count, multiple, number, part_of, percent, reach_number, rough, short

MOST_NAMED = 1_000
"""A model of more parameters has none of them named one by one for programs."""
LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")

__all__ = [
    "MINUS",
    "MOST_NAMED",
    "as_number",
    "count",
    "difference",
    "in_brackets",
    "listed",
    "multiple",
    "number",
    "part_of",
    "percent",
    "place",
    "places",
    "reach_number",
    "rough",
    "short",
    "signed",
    "spelled",
]


def signed(value: float) -> str:
    """A change, always with its sign.

    >>> signed(3.5), signed(-3.5), signed(0.0)
    ('+3.500', '−3.500', '0')
    """
    text = number(value)
    return text if value <= 0 or math.isnan(value) else f"+{text}"


def in_brackets(value: float) -> str:
    """A factor in a product: brackets where it is negative.

    >>> in_brackets(-2.0), in_brackets(2.0)
    ('(−2.000)', '2.000')
    """
    return _bracketed(number(value))


def place(value: float) -> str:
    """A parameter's value: four decimals where it is of ordinary size, so that small moves can be seen.

    >>> place(-0.46068), place(1.22331), place(52_310.5)
    ('−0.4607', '1.2233', '52,310')
    """
    if math.isfinite(value) and 1e-3 <= abs(value) < 1e3:
        return f"{value:.4f}".replace("-", MINUS)
    return number(value)


def places(before: float, after: float) -> tuple[str, str]:
    """Two values of one parameter, with as many more digits as it takes to tell them apart.

    >>> places(2.08951, 2.08953), places(0.5, 0.75)
    (('2.08951', '2.08953'), ('0.5000', '0.7500'))
    """
    shown = place(before), place(after)
    digits = 6
    while shown[0] == shown[1] and before != after and digits <= 17:
        shown = number(before, digits), number(after, digits)
        digits += 1
    return shown


def difference(before: float, rate: float, slope: float, after: float) -> str:
    """``before − rate × slope = after`` with just enough digits that it holds as it is written.

    Where rounding in the training dtype keeps the written numbers apart, "≈" says so.

    >>> difference(-0.24888, 0.01, -160.415009, 1.355266)
    '−0.2489 − 0.01 × (−160.42) = 1.3553'
    """
    here, there = places(before, after)
    more = [(number(before, digits), number(after, digits)) for digits in (6, 7)]
    for (left, right), digits in product([(here, there), *more], range(4, 9)):
        if _holds(left, short(rate), number(slope, digits), right):
            return f"{left} {MINUS} {short(rate)} × {_bracketed(number(slope, digits))} = {right}"
    return f"{here} {MINUS} {short(rate)} × {in_brackets(slope)} ≈ {there}"


def _holds(here: str, rate: str, slope: str, there: str) -> bool:
    """Does the arithmetic of the written numbers give the written result, rounded to its last digit?"""
    if not all(math.isfinite(as_number(text)) for text in (here, rate, slope, there)):
        return False
    before, factor, by, after = (Decimal(_typed(text)) for text in (here, rate, slope, there))
    off = abs(before - factor * by - after)
    return off == 0 if after == 0 else 2 * off <= Decimal(1).scaleb(int(after.as_tuple().exponent))


def as_number(text: str) -> float:
    """A written number read back; NaN where it is not a plain one.

    >>> as_number("−1,395.5"), as_number("2.5×10⁻⁵")
    (-1395.5, 2.5e-05)
    """
    try:
        return float(_typed(text))
    except ValueError:
        return math.nan


def _typed(text: str) -> str:
    """A written number as it is typed: −2.5×10⁻⁵ is -2.5e-5."""
    return text.replace(MINUS, "-").replace(",", "").replace("×10", "e").translate(LOWERED)


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith(MINUS) else text


def listed(parts: list[str]) -> str:
    """Parts of a sentence joined as speech does.

    >>> listed(["w", "b"]), listed(["a", "b", "c"])
    ('w and b', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def spelled(value: int) -> str:
    """Small counts as words.

    >>> spelled(5), spelled(195)
    ('five', '195')
    """
    return SMALL[value] if 0 <= value < len(SMALL) else f"{value:,}"
