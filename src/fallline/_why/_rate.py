"""Why the rate, and why so small? The slope's promise holds nearby; small rates take long, large ones overshoot."""

from dataclasses import dataclass

import numpy as np

from fallline._loss_function import LossFunction
from fallline._problem import FormulaProblem, NeuronProblem, Problem, limit_at, neuron_objective
from fallline._quadratic import Quadratic
from fallline._records import Floats, LimitKind, SweepResult, Zone
from fallline._sweep import FOLKLORE, default_rates, run_rates, sweep, sweep_problem
from fallline._why._minus import first_true
from fallline._why._name import name_of
from fallline._why._promise import FirstStep, PowerLaw, Promise, first_step, power_law, promise

GOAL = 0.99
NO_RATE = 1.0
"""The step is minus the gradient."""
NAMED_RATES = (NO_RATE, *sorted(FOLKLORE, reverse=True))
"""Rates that people name, falling."""
TOO_LARGE = max(FOLKLORE)
"""That of folklore."""
EXACT_STEPS, OTHER_STEPS = 1000, 400
"""Steps each rate gets: under a neuron's mean squared error they are cheap."""
SMALL_PART = 1 / 20
"""Above this part of the limit a rate is not small, even where it is too small for the goal."""
FEWEST_STEPS = 20
"""A count of fewer steps is too coarse for a law."""
PAST = 2.5
"""How far past the bottom the first step is tried: reach 2.5."""
UNIT = 10.0
"""By which x is measured in other units."""


@dataclass(frozen=True, eq=False)
class Units:
    """The same rows, x measured in other units."""

    factor: float | None
    """Every x is multiplied by it; None: a standardised table, in its own units."""
    limit: float
    sweep: SweepResult


@dataclass(frozen=True, eq=False)
class LimitFound:
    """2/λ, as far as it is known beforehand."""

    value: float
    kind: LimitKind
    at: Floats
    """[P] where the curvature was taken, if it depends on that."""
    at_minimum: bool
    """True where that is a minimum, False where it is the start."""


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
    parabola: bool
    """The loss is one, exactly."""
    straight_pieces: bool
    """The loss is made of them."""
    promise: Promise
    step: FirstStep
    """From 0 to past the bottom."""
    sweep: SweepResult
    """Holds the rates that people name as well."""
    limit: LimitFound | None
    law: PowerLaw | None
    """Steps to the goal over the rate, for small rates."""
    products: Floats
    """[K] rate × steps to the goal of the small rates."""
    first_not_finite: int | None
    """Steps at rate 1 until the loss is no finite number any more; None where it stays one."""
    units: Units | None
    """None where the loss is no parabola of a neuron."""

    def index_of(self, rate: float) -> int:
        """Of a rate that people name in the sweep."""
        return int(np.argmin(np.abs(self.sweep.rates - rate)))


def measure_rate(problem: Problem, start: Floats, *, steps: int | None = None) -> RateFindings:
    """One step at many rates, then whole runs at many rates, all from ``start`` [P]."""
    usual = EXACT_STEPS if isinstance(problem.objective, Quadratic) else OTHER_STEPS
    given = usual if steps is None else steps
    here = limit_at(problem, "SGD", {}, at=start)
    rates = _with_named(default_rates(None if here is None else here.value, problem, start, "SGD"))
    found = sweep_problem(problem, start, optimizer="SGD", options={}, steps=given, rates=rates, goal=GOAL)
    known = [value for value in (None if here is None else here.value, found.measured_limit) if value is not None]
    highest = known[0] if known else float(found.rates[-1])
    promised = promise(
        _by_rows(problem), start, highest, quadratic=problem.quadratic is not None, curves=problem.curves
    )
    bottom = promised.bottom_rate
    small, counts = _small(found)
    return RateFindings(
        problem=name_of(problem),
        parameter_names=problem.parameter_names,
        start=start,
        slopes=problem.objective.gradient(start[None])[0],
        start_loss=float(problem.objective.loss(start[None])[0]),
        parabola=problem.quadratic is not None,
        straight_pieces=not problem.curves,
        promise=promised,
        step=first_step(_by_rows(problem), start, PAST * (highest if bottom is None else bottom)),
        sweep=found,
        limit=_limit(problem, start),
        law=power_law(small, counts),
        products=small * counts,
        first_not_finite=_first_not_finite(problem, start),
        units=_other_units(problem, start, given),
    )


def _limit(problem: Problem, start: Floats) -> LimitFound | None:
    """2/λ: everywhere on a parabola, of the largest curvature, at the lowest minimum known, or at this start."""
    at_minimum = isinstance(problem, FormulaProblem) and bool(problem.objective.minima)
    at = problem.usual_place() if at_minimum else start
    found = limit_at(problem, "SGD", {}, at=at)
    return None if found is None else LimitFound(found.value, found.kind, at, at_minimum)


def _with_named(usual: Floats) -> Floats:
    """The usual rates of a sweep, rising, and among them the ones people name."""
    kept = [rate for rate in usual if min(abs(np.log(rate / named)) for named in NAMED_RATES) > 1e-6]
    return np.sort(np.array([*kept, *NAMED_RATES]))


def _by_rows(problem: Problem) -> LossFunction:
    """The loss by real forward passes over the rows: a closed form would promise itself."""
    if isinstance(problem, NeuronProblem):
        return neuron_objective(problem.kind, problem.features64, problem.target64)
    return problem.objective


def _small(sweep: SweepResult) -> tuple[Floats, Floats]:
    """Small rates [K] whose steps to the goal [K] are many enough to be a measurement."""
    limit = sweep.predicted_limit
    most = np.inf if limit is None else SMALL_PART * limit
    found = [
        (float(rate), float(steps))
        for rate, steps, zone in zip(sweep.rates, sweep.steps_to_goal, sweep.zone_of_each, strict=True)
        if zone is Zone.TOO_SMALL and steps is not None and steps >= FEWEST_STEPS and rate <= most
    ]
    both = np.array(found).reshape(-1, 2)
    return both[:, 0], both[:, 1]


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
    """The same rows in other units, from the same line.

    Of a standardised table those are its own: multiplying a column changes nothing once it is standardised. Else
    every x ten times smaller where the limit is small, and ten times larger where it is not.
    """
    if problem.quadratic is None or not isinstance(problem, NeuronProblem):
        return None
    factor: float | None = None
    if problem.scaling.is_identity:
        factor = 1 / UNIT if 2 / float(problem.quadratic.eigenvalues[0]) < TOO_LARGE else UNIT
        into_ours = np.diag(np.append(np.full(len(start) - 1, factor), 1.0))
    else:
        into_ours = np.diag(np.append(problem.scaling.scale, 1.0))
        into_ours[-1, :-1] = problem.scaling.shift  # b of the training scale is the line's value at the mean
    quadratic: Quadratic = problem.quadratic.reparametrised(into_ours)
    limit = 2 / float(quadratic.eigenvalues[0])
    rates = sorted({*NAMED_RATES, *np.geomspace(limit / 1000, 3 * limit, 25).tolist()})
    there = np.linalg.solve(into_ours, start)
    return Units(factor, limit, sweep(quadratic, start=there.tolist(), learning_rates=rates, goal=GOAL, epochs=steps))
