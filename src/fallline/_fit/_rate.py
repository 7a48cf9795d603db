"""A learning rate that was chosen, and how it is rounded."""

import math
from typing import NamedTuple


class Rate(NamedTuple):
    """A learning rate and the sentence that says where it comes from."""

    value: float
    reason: str


def rounded_down(value: float, digits: int = 3) -> float:
    """To so many significant digits, never up by more than a millionth (the rounding of float32 columns).

    >>> rounded_down(0.013199), rounded_down(0.013199, 4)
    (0.0131, 0.01319)
    """
    places = digits - 1 - math.floor(math.log10(value))
    return float(f"{math.floor(value * 10.0**places * (1 + 1e-6)) * 10.0**-places:.{digits}g}")
