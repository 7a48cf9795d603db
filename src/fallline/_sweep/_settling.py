"""Whether a run still comes lower at its end, and where it hovers if not; docs/semantics.md#zones."""

import numpy as np

from fallline._records import Floats, Mask

ERRORS = 3
"""Standard errors that the end of a run must gain on what was before it."""
ROUNDING = 1e-12
"""Of the starting excess: below it, losses do not tell anything."""


def still_falls(losses: Floats) -> Mask:
    """[B] whether the last quarter or the last half of each run [S, B] came lower than the one before, beyond scatter.

    The rule of a single run's *stalled* (docs/semantics.md#outcome), for many at once. A run that is not finite does
    not fall.
    """
    finite = np.isfinite(losses).all(axis=0)
    path = np.where(finite, losses, 0.0)
    spans = (max(1, (len(path) - 1) // 4), max(1, (len(path) - 1) // 2))
    falls = np.zeros(path.shape[1], dtype=bool)
    for span in spans:
        now, before = path[-span:], path[-2 * span : -span]
        with np.errstate(all="ignore"):  # losses beyond 1e154 have squares that are infinite
            gain = np.median(before, axis=0) - np.median(now, axis=0)
            scatter = 1.25 * np.std(now, axis=0) * np.sqrt(2 / span)
            rounding = 8 * np.finfo(np.float64).eps * np.abs(path[-1])
            falls |= gain > np.maximum(ERRORS * scatter, rounding)
            falls |= (np.diff(now, axis=0) < 0).all(axis=0) & (now[0] - now[-1] > rounding)  # step by step, no scatter
    return falls & finite


def hovers_at(losses: Floats, floor: float) -> Floats:
    """[B] the median excess of the last quarter where a run [S, B] cycles without coming lower, else NaN.

    A run that stands still does not cycle, and neither does one that ends within rounding of the floor.
    """
    quarter = max(2, (len(losses) - 1) // 4)
    with np.errstate(all="ignore"):
        last = losses[-quarter:]
        excess = np.median(last, axis=0) - floor
        moving = np.ptp(last, axis=0)
        rounding = np.maximum(ROUNDING * (losses[0] - floor), 64 * np.finfo(np.float64).eps * abs(floor))
        cycles = np.isfinite(losses).all(axis=0) & (moving > rounding) & (excess > rounding)
    return np.where(cycles & ~still_falls(losses), excess, np.nan)


def saturates_from(losses: Floats) -> int | None:
    """The index from which on all rates make the same run [S, B]: their optimizer caps its steps. None where not.

    >>> saturates_from(np.array([[4.0, 4.0, 4.0], [3.0, 1.0, 1.0]]))
    1
    """
    same = np.isclose(losses, losses[:, -1:], rtol=1e-9, atol=0.0).all(axis=0) & (np.ptp(losses, axis=0) > 0)
    others = np.flatnonzero(~same)
    first = int(others[-1]) + 1 if others.size else 0
    return first if first < losses.shape[1] - 1 else None


def still_plunges(losses: Floats) -> bool:
    """Whether the run [S, B] that ended lowest fell as fast in its last quarter as in the one before: no bottom seen.

    Such a loss has no floor, or none that these runs came near.
    """
    ends = losses[-1]
    if np.isneginf(losses).any():
        return True
    if len(losses) < 9 or not np.isfinite(ends).any():
        return False
    run = losses[:, int(np.argmin(np.where(np.isfinite(ends), ends, np.inf)))]
    quarter = (len(run) - 1) // 4
    with np.errstate(all="ignore"):
        last, before = run[-1 - quarter] - run[-1], run[-1 - 2 * quarter] - run[-1 - quarter]
        return bool(last >= 0.99 * before and last > 0.1 * (run[0] - run[-1]))
