"""Whether a run still comes lower at its end, and where it hovers if not; docs/semantics.md#zones."""

from typing import NamedTuple

import numpy as np

from fallline._problem import has_stalled
from fallline._records import Floats, Mask

ROUNDING = 1e-12
"""Of the starting excess: below it, losses do not tell anything."""
SAME = 1e-9
"""Of a run's own size: runs that stay closer to each other are one."""


class Hovering(NamedTuple):
    """The excess of the last quarter of a run that cycles without coming lower, NaN where it does not."""

    middle: Floats
    """[B]"""
    highest: Floats
    """[B]"""


def still_falls(losses: Floats) -> Mask:
    """[B] whether each run [S, B] is finite and has not stalled (:func:`fallline._problem.has_stalled`)."""
    return np.asarray(np.isfinite(losses).all(axis=0) & ~has_stalled(losses))


def hovers_at(losses: Floats, floor: float) -> Hovering:
    """Where runs [S, B] stay that cycle without coming lower.

    A run that stands still does not cycle, and neither does one that ends within rounding of the floor.
    """
    quarter = max(2, (len(losses) - 1) // 4)
    with np.errstate(all="ignore"):
        last = losses[-quarter:]
        middle, highest = np.median(last, axis=0) - floor, np.max(last, axis=0) - floor
        rounding = np.maximum(ROUNDING * (losses[0] - floor), 64 * np.finfo(np.float64).eps * abs(floor))
        cycles = has_stalled(losses) & (np.ptp(last, axis=0) > rounding) & (middle > rounding)
    return Hovering(np.where(cycles, middle, np.nan), np.where(cycles, highest, np.nan))


def saturates_from(trajectories: Floats) -> int | None:
    """The index from which on all rates make the same run [S, B, P]: their optimizer caps its steps. None where not.

    >>> saturates_from(np.array([[[4.0], [4.0], [4.0]], [[3.0], [1.0], [1.0]]]))
    1
    """
    last = trajectories[:, -1:]
    with np.errstate(all="ignore"):
        apart = np.abs(trajectories - last).max(axis=(0, 2))
        same = (apart <= SAME * np.abs(last).max()) & (np.ptp(trajectories, axis=0) > 0).any(axis=-1)
    others = np.flatnonzero(~same)
    first = int(others[-1]) + 1 if others.size else 0
    return first if first < trajectories.shape[1] - 1 else None


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
