"""A loss that falls for ever has no lowest value, so no goal: said at once where it is known, else once it is seen."""

from collections.abc import Sequence

import numpy as np

from fallline._compare._tuning import Tried
from fallline._errors import OptionError
from fallline._formulas import Formula
from fallline._problem import SweptProblem
from fallline._wording import number

NO_GOAL = "without a lowest loss there is no goal to count steps to. Compare on a surface that has a bottom."
DEEP = 1e6
"""A loss this many times its starting size below 0 …"""
STILL_FALLING = 1e-3
"""… that in its last step came lower by this part of itself or more has no bottom in sight."""


def demand_a_bottom(problem: SweptProblem) -> None:
    """Refuse a formula that is known to have no lowest value.

    Raises:
        OptionError: it has none.
    """
    if isinstance(problem.objective, Formula) and problem.objective.falls_for_ever:
        raise OptionError(f"{problem.formula} falls for ever: {NO_GOAL}")


def demand_a_lowest_loss(problem: SweptProblem, tried: Sequence[Tried]) -> None:
    """Refuse a loss that was seen to fall and fall.

    Raises:
        OptionError: a run went far below where it started, and was still falling when it ended.
    """
    if problem.objective.floor is not None:
        return
    losses = np.concatenate([np.array(one.losses).reshape(-1, np.shape(one.losses)[-1]) for one in tried])
    if falls_and_falls(losses):
        lowest = float(losses[np.isfinite(losses)].min())
        what = "The loss" if problem.formula is None else problem.formula
        raise OptionError(f"In a trial run {what} came to {number(lowest, 2)} and was still falling: {NO_GOAL}")


def falls_and_falls(losses: np.ndarray) -> bool:
    """Is there a run among losses [R, M] that went far below 0 and never came to rest?

    >>> falls_and_falls(np.array([[1.0, -1e3, -1e9]])), falls_and_falls(np.array([[1.0, -1e9, -1e9]]))
    (True, False)
    """
    with np.errstate(all="ignore"):
        size = np.maximum(1.0, np.abs(losses[:, 0]))
        finite = np.where(np.isfinite(losses), losses, np.inf)
        lowest = finite.min(axis=1)
        last = finite.argmin(axis=1)
        before = losses[np.arange(len(losses)), np.maximum(0, last - 1)]
        falling = before - lowest >= STILL_FALLING * np.abs(lowest)
        at_end = (last == losses.shape[1] - 1) | ~np.isfinite(losses[:, -1])
        return bool((at_end & falling & (lowest < -DEEP * size)).any())
