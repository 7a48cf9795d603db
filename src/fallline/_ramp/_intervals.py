"""Numbers of several seeds, and of several rules, put together. Rates are averaged in the logarithm."""

from collections.abc import Sequence

import numpy as np

from fallline._records import RateInterval


def interval_of(values: Sequence[float | None]) -> RateInterval | None:
    """Lowest, middle and highest of those that are there.

    >>> interval_of([0.1, None, 0.001])
    RateInterval(low=0.001, middle=0.01, high=0.1, seeds=2)
    """
    found = [value for value in values if value is not None]
    if not found:
        return None
    return RateInterval(min(found), middle_of(found), max(found), len(found))


def middle_of(rates: Sequence[float]) -> float:
    """The middle one; of two middle ones the geometric mean.

    >>> middle_of([1.0, 10.0, 1e6]), round(middle_of([1.0, 100.0]), 9)
    (10.0, 10.0)
    """
    rising = sorted(rates)
    if len(rising) % 2:
        return rising[len(rising) // 2]
    return float(np.sqrt(rising[len(rising) // 2 - 1]) * np.sqrt(rising[len(rising) // 2]))
