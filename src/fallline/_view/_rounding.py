"""Shorter numbers for drawn curves; numbers that are shown as text are never rounded."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats
from fallline._store import plain


def significant(values: Floats, digits: int = 6) -> Floats:
    """Every value rounded to so many significant digits; NaN and ±inf stay as they are.

    >>> significant(np.array([123456.789, 0.000123456789, -2.0]))
    array([ 1.23457e+05,  1.23457e-04, -2.00000e+00])
    """
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(np.abs(values)))
        power = digits - 1 - np.where(np.isfinite(exponent), exponent, 0.0)
        rounded = np.where(
            power >= 0,
            np.round(values * 10.0**power) / 10.0**power,
            np.round(values / 10.0**-power) * 10.0**-power,
        )
    return np.where(np.isfinite(rounded), rounded, values)


def within(values: Floats, low: Floats, high: Floats, digits: int = 6) -> Floats:
    """Values rounded to a decimal place that resolves the range ``low`` … ``high`` to so many digits.

    A curve that hardly moves above a high floor keeps its shape, which significant digits would flatten.
    ``low`` and ``high`` broadcast against ``values``.
    """
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(high - low))
        places = digits - 1 - exponent
        power = 10.0**places
        rounded = np.round(values * power) / power
    usable = np.isfinite(rounded) & (np.abs(places) <= 15)
    return np.where(usable, rounded, values)


def spelled(values: NDArray[Any]) -> list[Any]:
    """The values as nested lists, those that are not finite as JSON spells them.

    So the rest of a payload need not be searched for what JSON cannot write.

    >>> spelled(np.array([[1.0, np.inf]]))
    [[1.0, 'Infinity']]
    """
    held: list[Any] = values.tolist()
    if values.dtype == np.object_ or bool(np.isfinite(values).all()):
        return held
    return cast(list[Any], plain(held))
