"""Rates that theory names, and where the runs put them; docs/semantics.md#zones."""

from dataclasses import dataclass

import numpy as np

from fallline._curvature import Limit
from fallline._problem import limit_at
from fallline._quadratic import Quadratic
from fallline._records import Floats, Landmark, LimitKind, Mask, Zone
from fallline._sweep._crossing import components, reverses_sharpest
from fallline._sweep._refine import begins_at, first_of_all
from fallline._sweep._runs import Runner, Runs
from fallline._sweep._zones import Judgement, has_diverged

FEWEST_STEPS = 200
"""A refining run is at least this long: just above the limit, growth is slow."""
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
    measured_limit: float | None


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
        marks.append(Landmark("stability limit", limit.value, measured, limit.kind))
    if quadratic is not None and _is_plain(runner):
        marks += _landmarks_of_plain_descent(runner, runs, quadratic, refine=refine)
    return Found(tuple(marks), measured)


def frozen_landmark(
    runner: Runner, judgement: Judgement, rates: Floats, stalls: Floats, at: Floats, diagonal: Floats | None
) -> Landmark | None:
    """The threshold of an adaptive optimizer whose preconditioner is held as it was at the end of a run.

    Measured is the lowest rate from which on no run reaches the goal, if the runs there cycle without coming lower.

    Args:
        at: [P] the parameters at the end of the recommended run.
        diagonal: [P] the preconditioner there.
    """
    limit = limit_at(runner.problem, runner.optimizer, runner.options, at=at, preconditioner=diagonal)
    if limit is None or limit.kind is not LimitKind.FROZEN:
        return None
    misses = np.array([steps is None for steps in judgement.steps_to_goal])
    first = first_of_all(misses)
    shown = first is not None and first > 0 and np.isfinite(stalls[first])
    return Landmark("stability limit", limit.value, float(rates[first]) if shown else None, LimitKind.FROZEN)


def _measured_limit(
    runner: Runner,
    runs: Runs,
    judgement: Judgement,
    limit: Limit | None,
    quadratic: Quadratic | None,
    *,
    refine: bool,
) -> float | None:
    """The lowest rate from which all runs diverge.

    On a quadratic with a provable limit a run counts that grows along the sharpest eigenvector, which shows long
    before its loss is above its start.
    """
    sharp = quadratic if limit is not None and limit.kind is LimitKind.PROVABLE else None

    def begun(these: Runs) -> Mask:
        diverged = has_diverged(these.losses[0], judgement.floor)
        return diverged if sharp is None else diverged | _grows(sharp, these.trajectories)

    flags = begun(runs) if sharp is not None else np.array([zone is Zone.DIVERGING for zone in judgement.zones])
    first = first_of_all(flags)
    if first is None or first == 0:
        return None
    low, high = float(runs.rates[first - 1]), float(runs.rates[first])
    if not refine:
        return high
    steps = max(runner.steps, FEWEST_STEPS) if sharp is not None else None
    if runner.optimizer == "LBFGS":
        return high  # thousands of evaluations for one more digit
    return begins_at(lambda rates: begun(runner.run(rates, steps)), low, high, rounds=2 if runs.batched else 1)


def _grows(quadratic: Quadratic, trajectories: Floats) -> Mask:
    """[B] whether the component along the sharpest eigenvector is larger in the last quarter than in the one before."""
    size = np.abs(components(quadratic, trajectories)[..., 0])
    quarter = max(1, (len(size) - 1) // 4)
    last, before = size[-quarter:].max(axis=0), size[-2 * quarter : -quarter].max(axis=0)
    return np.asarray(~np.isfinite(last) | (last > before))


def _is_plain(runner: Runner) -> bool:
    extras = ("momentum", "nesterov", "maximize", "weight_decay")
    return runner.optimizer == "SGD" and not any(runner.options.get(key) for key in extras)


def _landmarks_of_plain_descent(runner: Runner, runs: Runs, quadratic: Quadratic, *, refine: bool) -> list[Landmark]:
    """1/λ, past which the sharpest direction is crossed at each step; 2/(λmax + λmin), the best after many steps."""
    values = quadratic.eigenvalues
    if not values[0] > 0:
        return []
    marks = [
        Landmark("crosses the valley", float(1 / values[0]), _crossing_begins(runner, runs, quadratic, refine), None)
    ]
    if values[-1] > 0 and values[0] > ROUND * values[-1]:
        marks.append(
            Landmark(
                "fastest in the long run",
                float(2 / (values[0] + values[-1])),
                _lowest_end(runner, runs, quadratic, refine),
                None,
            )
        )
    return marks


def _crossing_begins(runner: Runner, runs: Runs, quadratic: Quadratic, refine: bool) -> float | None:
    first = first_of_all(reverses_sharpest(quadratic, runs.trajectories[: SHORT + 1]))
    if first is None or first == 0:
        return None
    low, high = float(runs.rates[first - 1]), float(runs.rates[first])
    if not refine:
        return high
    steps = min(runner.steps, SHORT)
    return begins_at(lambda rates: reverses_sharpest(quadratic, runner.run(rates, steps).trajectories), low, high)


def _lowest_end(runner: Runner, runs: Runs, quadratic: Quadratic, refine: bool) -> float | None:
    """The rate that ends lowest, if it lies between others and above rounding, and the run is a long one.

    In fewer than κ/4 steps the flattest direction has hardly moved at any rate, and others decide.
    """
    if 4 * runner.steps < quadratic.eigenvalues[0] / quadratic.eigenvalues[-1]:
        return None
    floor = runner.problem.objective.floor

    def lowest(these: Runs) -> int | None:
        excess = these.losses[0] - (0.0 if floor is None else floor)
        ends = np.where(np.isfinite(excess[-1]), excess[-1], np.inf)
        best = int(np.argmin(ends))
        inside = 0 < best < len(ends) - 1
        return best if inside and ends[best] > MEANINGFUL * excess[0, best] else None

    best = lowest(runs)
    if best is None or not refine:
        return None if best is None else float(runs.rates[best])
    closer = runner.run(np.geomspace(runs.rates[best - 1], runs.rates[best + 1], 65))
    best = lowest(closer)
    return None if best is None else float(closer.rates[best])
