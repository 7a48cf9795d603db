"""What the losses of runs come to: steps to the goal, what is left, and who diverged."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._records import Counts, Floats, FloorKind, Mask
from fallline._sweep import has_diverged, steps_until

EPS = float(np.finfo(np.float64).eps)


class Judged(NamedTuple):
    """Runs at B rates from the starts of K seeds, judged as a sweep judges them."""

    steps: Floats
    """[B, K] steps to the goal, reached for good; ∞ where it was not, or the run diverged."""
    excess: Floats
    """[B, K] final loss above the floor, NaN or ∞ where it is."""
    diverged: Mask
    """[B, K]"""


def judge(losses: Floats, *, goal: float, floor: float, measured_at: Counts) -> Judged:
    """Judge runs by their losses [B, K, M]; docs/semantics.md#zones for the words.

    >>> judge(np.array([[[8.0, 4.0, 0.05, 0.04]], [[8.0, 0.01, 4.0, 9.0]]]), goal=0.99, floor=0.0,
    ...       measured_at=np.arange(4)).steps
    array([[ 2.],
           [inf]])
    """
    shape = losses.shape[:2]
    runs = losses.reshape(-1, losses.shape[2]).T
    diverged = has_diverged(runs, floor)
    steps = np.where(diverged, np.inf, steps_until(runs, goal, floor, measured_at))
    with np.errstate(all="ignore"):
        excess = losses[..., -1] - floor
    return Judged(steps.reshape(shape), np.asarray(excess), diverged.reshape(shape))


def floor_of(known: float | None, losses: Sequence[Floats]) -> tuple[float, FloorKind]:
    """The loss that excess is measured from: the optimum's where it is known, else the lowest that any run saw."""
    if known is not None:
        return known, FloorKind.OPTIMUM
    lowest = [float(np.min(seen[np.isfinite(seen)])) for seen in losses if np.isfinite(seen).any()]
    return (min(lowest) if lowest else 0.0), FloorKind.LOWEST_SEEN


def rounding_of(start_losses: Floats, floor: float) -> Floats:
    """[K] an excess that is smaller is rounding: four units of the larger of floor and starting loss."""
    return np.asarray(4 * EPS * np.maximum(np.abs(start_losses), abs(floor)))
