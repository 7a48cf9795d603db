"""Where between two rates something begins, by further real runs."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fallline._records import Floats, Mask

MOST_ROUNDS = 8
"""Of 16 rates: enough for a gap of 600 decades."""
RATES = 16
CLOSE = 1e-3
"""A gap is narrow enough where its ends differ by less than this part."""


class Begin(NamedTuple):
    """From which rate on something holds."""

    rate: float
    resolution: float
    """How far the nearest rates where it holds and where it does not lie apart, as a part of them."""


def first_of_all(flags: Mask) -> int | None:
    """The index from which every flag is set, None where the last one is not.

    >>> first_of_all(np.array([True, False, True, True]))
    2
    """
    if not flags.size or not flags[-1]:
        return None
    unset = np.flatnonzero(~flags)
    return int(unset[-1]) + 1 if unset.size else 0


def begins_at(begun: Callable[[Floats], Mask], low: float, high: float, rounds: int = MOST_ROUNDS) -> Begin:
    """From where on ``begun`` holds, between ``low``, where it does not, and ``high``, where it does.

    Each round runs 16 rates in between, evenly in the logarithm, until the gap is below a thousandth; the result is
    its middle.

    >>> begin = begins_at(lambda rates: rates > 0.5, 1e-6, 1e6)
    >>> round(begin.rate, 3), begin.resolution < 1e-3
    (0.5, True)
    """
    bottom, top = math.log(low), math.log(high)
    for _ in range(rounds):
        if top - bottom <= CLOSE:
            break
        places = np.linspace(bottom, top, RATES + 2)
        first = first_of_all(begun(np.exp(places[1:-1])))
        first = RATES if first is None else first
        bottom, top = float(places[first]), float(places[first + 1])
    return Begin(math.exp((bottom + top) / 2), math.expm1(min(top - bottom, 700.0)))
