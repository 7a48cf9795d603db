"""One further run beside those of a sweep: the zone of its rate, by the criterion of the sweep."""

from typing import NamedTuple

import numpy as np

from fallline._loss_function import LossFunction
from fallline._quadratic import Quadratic
from fallline._records import Floats, LimitKind, SweepResult, Zone
from fallline._sweep._crossing import crossed_along_steps, crossed_on_quadratic, crosses_valley
from fallline._sweep._zones import TIMES_THE_FEWEST, has_diverged, runs_away, steps_until


class Beside(NamedTuple):
    """What a further run says of its rate."""

    rate: float
    zone: Zone
    steps_to_goal: int | None
    """None where the goal was not reached."""
    crosses_valley: bool | None
    """None where that is not defined."""


def beside(result: SweepResult, objective: LossFunction, rate: float, path: Floats, losses: Floats) -> Beside:
    """The zone of a run of the swept descent at any constant rate; docs/semantics.md#zones.

    The goal, the floor and the fewest steps (of the just right rates) are the sweep's; where the goal is not reached as
    soon as that, or beyond rates that missed it, the side of the interval on which the rate lies says whether it creeps
    or bounces.

    Args:
        result: of the same problem, start, optimizer and number of steps.
        objective: the loss that was swept.
        rate: of the run.
        path: [T + 1, P] where it was before its first step and after each.
        losses: [T + 1] of all rows there.

    >>> import fallline as fl
    >>> from fallline._sweep import objective_of
    >>> swept = fl.sweep()
    >>> at = 20
    >>> found = beside(swept, objective_of(swept), swept.rates[at], swept.trajectories[:, at], swept.losses[:, at])
    >>> found.zone == swept.zone_of_each[at], found.steps_to_goal == swept.steps_to_goal[at]
    (True, True)
    """
    column = losses[:, None]
    steps = _steps_to_goal(result, column)
    told = any(each is not None for each in result.crosses_valley)  # not of mini-batches
    crosses = _crosses(objective, path, steps) if told else None
    if _diverged(result, rate, column):
        return Beside(rate, Zone.DIVERGING, None, crosses)
    of_each = zip(result.steps_to_goal, result.zone_of_each, strict=True)
    inside = [needed for needed, zone in of_each if zone is Zone.JUST_RIGHT and needed is not None]
    fast = bool(inside) and steps is not None and steps <= TIMES_THE_FEWEST * min(inside)
    if fast and _is_near_interval(result, rate):
        return Beside(rate, Zone.JUST_RIGHT, steps, crosses)
    return Beside(rate, Zone.TOO_SMALL if _creeps(result, rate) else Zone.BOUNCING, steps, crosses)


def _is_near_interval(result: SweepResult, rate: float) -> bool:
    """Whether no rate between this one and the interval was found to be anything but just right.

    A lone fast run beyond rates that fail is luck, as it is among the sweep's own.
    """
    right = [at for at, zone in enumerate(result.zone_of_each) if zone is Zone.JUST_RIGHT]
    below = -np.inf if right[0] == 0 else result.rates[right[0] - 1]
    above = np.inf if right[-1] == len(result.rates) - 1 else result.rates[right[-1] + 1]
    return bool(below < rate < above)


def _creeps(result: SweepResult, rate: float) -> bool:
    """Whether the rate lies below those that bounce; below the interval where none there does."""
    place, first = int(np.searchsorted(result.rates, rate)), _bounces_from(result)
    measured = place < len(result.rates) and bool(result.rates[place] == rate)
    return place < first or (place == first and not measured)


def _steps_to_goal(result: SweepResult, column: Floats) -> int | None:
    if not result.bottom_seen:
        return None
    needed = float(steps_until(column, result.goal, result.floor, np.arange(len(column)))[0])
    return int(needed) if np.isfinite(needed) else None


def _diverged(result: SweepResult, rate: float, column: Floats) -> bool:
    """Not finite, or above its start, unless it is in mid-swing below a provable limit; or plunging for ever."""
    limit = next((mark for mark in result.landmarks if mark.name == "stability limit"), None)
    provable = limit is not None and limit.kind is LimitKind.PROVABLE and rate < limit.predicted
    swings = provable and bool(np.isfinite(column).all())
    if bool(has_diverged(column, result.floor)[0]) and not swings:
        return True
    return not result.bottom_seen and bool(runs_away(column)[0])


def _bounces_from(result: SweepResult) -> int:
    """The index from which rates bounce: that of the interval where none below it does."""
    moving = (Zone.JUST_RIGHT, Zone.BOUNCING)
    return next((at for at, zone in enumerate(result.zone_of_each) if zone in moving), len(result.rates))


def _crosses(objective: LossFunction, path: Floats, steps: int | None) -> bool | None:
    quadratic = objective if isinstance(objective, Quadratic) else getattr(objective, "quadratic", None)
    run = path[:, None, :]
    if isinstance(quadratic, Quadratic):
        return crosses_valley(*crossed_on_quadratic(quadratic, run), (steps,))[0]
    with np.errstate(all="ignore"):
        gradients = objective.gradient(path)[:, None, :]
    return crosses_valley(*crossed_along_steps(run, gradients), (steps,))[0]
