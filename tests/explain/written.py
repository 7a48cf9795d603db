"""Equations in sentences, read back and done again with the written digits alone."""

import math
import re
from decimal import Decimal

from fallline._explain._numbers import as_number

SIZE = r"(?:[\d,]*\.?\d+(?:×10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?|∞)"
NUMBER = rf"([−+]?{SIZE}|NaN)"
EQUATION = re.compile(rf"{NUMBER} − {NUMBER} × (\(?{NUMBER}\)?) ([=≈]) {NUMBER}")


def read(text: str) -> float:
    """A written number back as a float, infinity and NaN too."""
    return as_number(text.replace("∞", "inf").strip("()"))


def exact(text: str) -> Decimal:
    """The written digits and nothing else."""
    mantissa, _, power = text.strip("()").replace("−", "-").replace(",", "").partition("×10")
    return Decimal(mantissa).scaleb(int(as_number(power)) if power else 0)


def unit(text: str) -> float:
    """The place value of the last digit shown."""
    return float(_unit(text))


def _unit(text: str) -> Decimal:
    """The same, where a float would be 0."""
    return Decimal(1).scaleb(int(exact(text).as_tuple().exponent))


def holds_as_written(equation: str) -> bool:
    """Does ``a − r × s = c`` hold, rounded to the last digit of c? False where it says "≈"."""
    parts = EQUATION.fullmatch(equation)
    assert parts, equation
    before, rate, slope, _, sign, after = parts.groups()
    if sign == "≈" or not all(map(math.isfinite, map(read, (before, rate, slope, after)))):
        return False
    off = abs(exact(before) - exact(rate) * exact(slope) - exact(after))
    return off == 0 if exact(after) == 0 else off <= Decimal("0.500001") * _unit(after)
