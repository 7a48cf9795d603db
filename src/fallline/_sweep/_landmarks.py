"""Rates that theory names, and where the runs put them; docs/semantics.md#zones."""

import math
from dataclasses import dataclass

import numpy as np

from fallline._curvature import Limit
from fallline._problem import limit_at
from fallline._quadratic import Quadratic
from fallline._records import Floats, Landmark, LimitKind, Mask, Zone
from fallline._sweep._crossing import components, reverses_sharpest
from fallline._sweep._refine import CLOSE, MOST_ROUNDS, Begin, begins_at, first_of_all
from fallline._sweep._runs import Runner, Runs
from fallline._sweep._zones import Judgement, has_diverged

FEWEST_STEPS = 200
"""A run that is judged by its growth is at least this long: just above the limit, growth is slow."""
MEMORY = 10
"""Times 1/(1 − β): so many steps, until what a heavy ball does at first no longer counts."""
MOST_STEPS = 20_000
"""A limit that needs more is not measured."""
MOST_RATES = 64
"""Of those swept, in a first look at which of them grow."""
FINER = 33
"""Rates between two, to find the one that ends lowest."""
SHORT = 50
"""Steps that show which way the sharpest direction goes."""
ROUND = 1.1
"""A bowl rounder than this has no flattest direction to wait for."""
MEANINGFUL = 1e-12
"""Of the starting excess: below it, which rate ends lowest is rounding."""


@dataclass(frozen=True)
class Found:
    """What was found of limits."""

    landmarks: tuple[Landmark, ...]
    limit: Begin | None
    """Where the runs put it."""


def find_landmarks(
    runner: Runner, runs: Runs, judgement: Judgement, limit: Limit | None, *, bottom_seen: bool, refine: bool
) -> Found:
    """The landmarks of a sweep whose limit is known beforehand, and the measured limit of any.

    Where no bottom was seen, runs that fall for ever would be taken for unstable ones: nothing is measured.
    """
    quadratic = runner.problem.quadratic if runner.batch_size is None else None
    measured = None
    if bottom_seen:
        measured = _measured_limit(runner, runs, judgement, limit, quadratic, refine=refine)
    marks = []
    if limit is not None:
        marks.append(_limit_mark(limit, measured))
    if quadratic is not None and _is_plain(runner):
        marks += _landmarks_of_plain_descent(runner, runs, quadratic, refine=refine)
    return Found(tuple(marks), measured)


def frozen_landmarks(
    runner: Runner, judgement: Judgement, rates: Floats, measured: Begin | None, at: Floats, diagonal: Floats
) -> tuple[Landmark, ...]:
    """The threshold of an adaptive optimizer whose preconditioner is held as it was at the end of a run.

    Beside it the lowest rate from which on no run reaches the goal, if the runs there cycle without coming lower.

    Args:
        measured: from where on runs diverge.
        at: [P] the parameters at the end of the recommended run.
        diagonal: [P] the preconditioner there.
    """
    limit = limit_at(runner.problem, runner.optimizer, runner.options, at=at, preconditioner=diagonal)
    if limit is None or limit.kind is not LimitKind.FROZEN:
        return ()
    marks = [_limit_mark(limit, measured)]
    first = first_of_all(np.array([steps is None for steps in judgement.steps_to_goal]))
    if first is not None and first > 0 and np.isfinite(judgement.hovering.middle[first]):
        gap = float(rates[first] / rates[first - 1]) - 1
        marks.append(Landmark("misses the goal", limit.value, float(rates[first]), LimitKind.FROZEN, gap))
    return tuple(marks)


def _limit_mark(limit: Limit, measured: Begin | None) -> Landmark:
    rate, resolution = (None, None) if measured is None else measured
    return Landmark("stability limit", limit.value, rate, limit.kind, resolution)


def _measured_limit(
    runner: Runner, runs: Runs, judgement: Judgement, limit: Limit | None, quadratic: Quadratic | None, *, refine: bool
) -> Begin | None:
    """From where on all runs diverge.

    On a quadratic with a provable limit it is growth along the sharpest eigenvector that counts, in runs that are long
    enough to show it, and not where a run of the sweep happened to end.
    """
    if quadratic is not None and limit is not None and limit.kind is LimitKind.PROVABLE:
        return _growth_begins(runner, runs, quadratic, refine=refine)

    def diverges(rates: Floats) -> Mask:
        losses = runner.run(rates).losses
        diverged = np.array([has_diverged(run, judgement.floor) for run in losses])
        return np.asarray(np.sort(diverged, axis=0)[len(diverged) // 2])

    first = first_of_all(np.array([zone is Zone.DIVERGING for zone in judgement.zones]))
    if first is None or first == 0:
        return None
    low, high = float(runs.rates[first - 1]), float(runs.rates[first])
    if not refine or runner.optimizer == "LBFGS":  # thousands of evaluations for one more digit
        return Begin(high, high / low - 1)
    return begins_at(diverges, low, high) if runs.batched else begins_at(diverges, low, high, rounds=1)


def _growth_begins(runner: Runner, runs: Runs, quadratic: Quadratic, *, refine: bool) -> Begin | None:
    """From where on the component along the sharpest eigenvector grows."""
    momentum = runner.options.get("momentum")
    beta = float(momentum) if isinstance(momentum, float | int) else 0.0
    steps = FEWEST_STEPS if not 0 < beta < 1 else max(FEWEST_STEPS, math.ceil(MEMORY / (1 - beta)))
    if steps > MOST_STEPS:
        return None

    def grows(rates: Floats) -> Mask:
        return _grows(quadratic, runner.run(rates, steps, first_seed_only=True).trajectories[0])

    if runner.steps >= steps:
        rates, flags = runs.rates, _grows(quadratic, runs.trajectories[0])
    else:
        every = -(-len(runs.rates) // MOST_RATES)
        rates = np.unique(np.append(runs.rates[::every], runs.rates[-1]))
        flags = grows(rates)
    first = first_of_all(flags)
    if first is None or first == 0:
        return None
    low, high = float(rates[first - 1]), float(rates[first])
    return begins_at(grows, low, high) if refine else Begin(high, high / low - 1)


def _grows(quadratic: Quadratic, trajectories: Floats) -> Mask:
    """[B] whether steps along the sharpest eigenvector are longer in the last quarter than in the one before.

    Steps, because weight decay ends beside the optimum.
    """
    with np.errstate(all="ignore"):
        steps = np.abs(np.diff(components(quadratic, trajectories)[..., 0], axis=0))
    quarter = max(1, len(steps) // 4)
    last, before = steps[-quarter:].max(axis=0), steps[-2 * quarter : -quarter].max(axis=0)
    return np.asarray(~np.isfinite(last) | ((before > 0) & (last > before)))


def _is_plain(runner: Runner) -> bool:
    extras = ("momentum", "nesterov", "maximize", "weight_decay")
    return runner.optimizer == "SGD" and not any(runner.options.get(key) for key in extras)


def _landmarks_of_plain_descent(runner: Runner, runs: Runs, quadratic: Quadratic, *, refine: bool) -> list[Landmark]:
    """1/λ, past which the sharpest direction is crossed at each step; 2/(λmax + λmin), the best after many steps."""
    values = quadratic.eigenvalues
    if not values[0] > 0:
        return []
    crosses, fastest = float(1 / values[0]), float(2 / (values[0] + values[-1]))
    marks = [_plain_mark("crosses the valley", crosses, _crossing_begins(runner, runs, quadratic, refine=refine))]
    if values[-1] > 0 and values[0] > ROUND * values[-1]:
        found = _lowest_end(runner, runs, quadratic, refine=refine)
        marks.append(_plain_mark("fastest in the long run", fastest, found))
    return marks


def _plain_mark(name: str, predicted: float, measured: Begin | None) -> Landmark:
    rate, resolution = (None, None) if measured is None else measured
    return Landmark(name, predicted, rate, None, resolution)


def _crossing_begins(runner: Runner, runs: Runs, quadratic: Quadratic, *, refine: bool) -> Begin | None:
    first = first_of_all(reverses_sharpest(quadratic, runs.trajectories[0, : SHORT + 1]))
    if first is None or first == 0:
        return None
    low, high = float(runs.rates[first - 1]), float(runs.rates[first])
    if not refine:
        return Begin(high, high / low - 1)
    steps = min(runner.steps, SHORT)

    def reverses(rates: Floats) -> Mask:
        return reverses_sharpest(quadratic, runner.run(rates, steps, first_seed_only=True).trajectories[0])

    return begins_at(reverses, low, high)


def _lowest_end(runner: Runner, runs: Runs, quadratic: Quadratic, *, refine: bool) -> Begin | None:
    """The rate that ends lowest, if it lies between others and above rounding, and the run is a long one.

    In fewer than κ/4 steps the flattest direction has hardly moved at any rate, and others decide.
    """
    if 4 * runner.steps < quadratic.eigenvalues[0] / quadratic.eigenvalues[-1]:
        return None
    found = _lowest(runs, quadratic.floor)
    for _ in range(MOST_ROUNDS if refine else 0):
        if found is None or found.resolution <= CLOSE:
            break
        span = 1 + found.resolution
        closer = np.exp(np.linspace(np.log(found.rate / span), np.log(found.rate * span), FINER))
        found = _lowest(runner.run(closer, first_seed_only=True), quadratic.floor)
    return found


def _lowest(runs: Runs, floor: float) -> Begin | None:
    """The rate whose run ends lowest; None where that is an end of what was tried, or rounding decides."""
    with np.errstate(all="ignore"):
        excess = runs.losses[0] - floor
    ends = np.where(np.isfinite(excess[-1]), excess[-1], np.inf)
    best = int(np.argmin(ends))
    if not 0 < best < len(ends) - 1 or not ends[best] > MEANINGFUL * excess[0, best]:
        return None
    low, here, high = runs.rates[best - 1 : best + 2].tolist()
    return Begin(here, max(high / here, here / low) - 1)
