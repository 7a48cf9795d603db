"""Why the rate, and why so small? The slope's promise holds nearby; small rates take long, large ones overshoot."""

from dataclasses import dataclass

import numpy as np

from fallline._loss_function import LossFunction
from fallline._problem import NeuronProblem, Problem, limit_at, neuron_objective
from fallline._quadratic import Quadratic
from fallline._records import Floats, SweepResult
from fallline._sweep import default_rates, run_rates, sweep, sweep_problem
from fallline._why._minus import first_true
from fallline._why._promise import FirstStep, PowerLaw, Promise, first_step, power_law, promise

GOAL = 0.99
FOLKLORE = (1.0, 0.1, 0.01, 0.001)
"""Rates that people name: no rate at all (step = −gradient), too large, and two good defaults."""
EXACT_STEPS, OTHER_STEPS = 1000, 400
"""Steps each rate gets: under a neuron's mean squared error they are cheap."""
SMALL_PART = 1 / 20
"""Below this part of the limit a rate is small."""
FEWEST_STEPS = 20
"""A count of fewer steps is too coarse for a law."""
PAST = 2.5
"""How far past the bottom the first step is tried: reach 2.5."""
UNIT = 10.0
"""By which x is measured in other units."""


@dataclass(frozen=True, eq=False)
class Units:
    """The same rows, x measured in other units."""

    factor: float
    """Every x is multiplied by it."""
    limit: float
    sweep: SweepResult


@dataclass(frozen=True, eq=False)
class RateFindings:
    """``why rate``."""

    problem: str
    parameter_names: tuple[str, ...]
    start: Floats
    """[P]"""
    slopes: Floats
    """[P] at the start."""
    start_loss: float
    promise: Promise
    step: FirstStep
    """From 0 to past the bottom."""
    sweep: SweepResult
    """Holds the rates of folklore as well."""
    law: PowerLaw | None
    """Steps to the goal over the rate, for small rates."""
    product: float | None
    """Rate × steps to the goal, the median over small rates."""
    first_not_finite: int | None
    """Steps at rate 1 until the loss is no finite number any more; None where it stays one."""
    units: Units | None
    """None where the loss is no parabola of a neuron."""

    def index_of(self, rate: float) -> int:
        """Of a rate of folklore in the sweep."""
        return int(np.argmin(np.abs(self.sweep.rates - rate)))


def measure_rate(problem: Problem, start: Floats, *, steps: int | None = None) -> RateFindings:
    """One step at many rates, then whole runs at many rates, all from ``start`` [P]."""
    given = steps or (EXACT_STEPS if isinstance(problem.objective, Quadratic) else OTHER_STEPS)
    limit = _limit(problem, start)
    rates = _with_folklore(default_rates(limit, problem, start, "SGD"))
    found = sweep_problem(problem, start, optimizer="SGD", options={}, steps=given, rates=rates, goal=GOAL)
    highest = limit or found.measured_limit or float(found.rates[-1])
    slopes = problem.objective.gradient(start[None])[0]
    promised = promise(_by_rows(problem), start, highest, quadratic=problem.quadratic is not None)
    small = _small(found, highest)
    rates = found.rates[small]
    counts = np.array([found.steps_to_goal[k] for k in small], dtype=np.float64)
    return RateFindings(
        problem=problem.name,
        parameter_names=problem.parameter_names,
        start=start,
        slopes=slopes,
        start_loss=float(problem.objective.loss(start[None])[0]),
        promise=promised,
        step=first_step(_by_rows(problem), start, PAST * (promised.bottom_rate or highest)),
        sweep=found,
        law=power_law(rates, counts),
        product=float(np.median(rates * counts)) if len(small) else None,
        first_not_finite=_first_not_finite(problem, start),
        units=_other_units(problem, start, given),
    )


def _limit(problem: Problem, start: Floats) -> float | None:
    """2/λ: anywhere on a parabola, at the start of another formula; None where the loss has no curvature."""
    found = limit_at(problem, "SGD", {}, at=start)
    return None if found is None else found.value


def _with_folklore(usual: Floats) -> Floats:
    """The usual rates of a sweep, rising, and among them the ones people name."""
    kept = [rate for rate in usual if min(abs(np.log(rate / named)) for named in FOLKLORE) > 1e-6]
    return np.sort(np.array([*kept, *FOLKLORE]))


def _by_rows(problem: Problem) -> LossFunction:
    """The loss by real forward passes over the rows: a closed form would promise itself."""
    if isinstance(problem, NeuronProblem):
        return neuron_objective(problem.kind, problem.features64, problem.target64)
    return problem.objective


def _small(sweep: SweepResult, limit: float) -> list[int]:
    """Indices of small rates whose steps to the goal are many enough to be a measurement."""
    return [
        k
        for k, steps in enumerate(sweep.steps_to_goal)
        if steps is not None and steps >= FEWEST_STEPS and sweep.rates[k] <= SMALL_PART * limit
    ]


def _first_not_finite(problem: Problem, start: Floats, most: int = 400) -> int | None:
    """Steps of θ ← θ − ∇L, without any rate, until the loss is not finite."""

    def slopes(stack: Floats, step: int) -> Floats:
        del step
        return problem.objective.gradient(stack)

    path = run_rates(
        slopes,
        start,
        np.ones(1),
        optimizer="SGD",
        options={},
        steps=most,
    ).parameters[:, 0]
    with np.errstate(all="ignore"):
        return first_true(~np.isfinite(problem.objective.loss(path)))


def _other_units(problem: Problem, start: Floats, steps: int) -> Units | None:
    """Every x ten times smaller where the limit is small, else ten times larger: the same lines can be fitted."""
    if problem.quadratic is None or not isinstance(problem, NeuronProblem):
        return None
    limit = 2 / float(problem.quadratic.eigenvalues[0])
    factor = 1 / UNIT if limit < FOLKLORE[1] else UNIT
    scaled = np.append(np.full(problem.quadratic.parameter_count - 1, factor), 1.0)
    quadratic: Quadratic = problem.quadratic.reparametrised(np.diag(scaled))
    new_limit = 2 / float(quadratic.eigenvalues[0])
    rates = sorted({*FOLKLORE, *np.geomspace(new_limit / 1000, 3 * new_limit, 25).tolist()})
    return Units(
        factor, new_limit, sweep(quadratic, start=start / scaled, learning_rates=rates, goal=GOAL, epochs=steps)
    )
