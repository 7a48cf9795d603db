"""Where between two rates something begins, by further real runs."""

from collections.abc import Callable

import numpy as np

from fallline._records import Floats, Mask

ROUNDS = 2
RATES = 16


def first_of_all(flags: Mask) -> int | None:
    """The index from which every flag is set, None where the last one is not.

    >>> first_of_all(np.array([True, False, True, True]))
    2
    """
    if not flags.size or not flags[-1]:
        return None
    unset = np.flatnonzero(~flags)
    return int(unset[-1]) + 1 if unset.size else 0


def begins_at(begun: Callable[[Floats], Mask], low: float, high: float, rounds: int = ROUNDS) -> float:
    """The rate from which ``begun`` holds, between ``low``, where it does not, and ``high``, where it does.

    Each round runs 16 rates in between; the result is the middle of the last gap, (high/low − 1)/17^rounds wide.

    >>> round(begins_at(lambda rates: rates > 0.5, 0.4, 0.6), 3)
    0.5
    """
    for _ in range(rounds):
        rates = np.geomspace(low, high, RATES + 2)
        flags = np.concatenate(([False], begun(rates[1:-1]), [True]))
        first = first_of_all(flags)
        first = len(rates) - 1 if first is None else first
        low, high = float(rates[first - 1]), float(rates[first])
    return float(np.sqrt(low * high))
