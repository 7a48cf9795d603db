"""From a question and what a person gave to an experiment."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fallline._errors import OptionError, near
from fallline._problem import FormulaProblem, NeuronProblem, Problem, given_problem, limit_at
from fallline._records import Floats, LimitKind
from fallline._sweep import sweep_problem
from fallline._why._derivative import BUDGET, GOAL, SEEDS, TRIALS, DerivativeFindings, Race, race
from fallline._why._forward import forward_of
from fallline._why._minimum import MinimumFindings, measure_minimum, measure_textbook_minima
from fallline._why._minus import MinusFindings, measure_minus
from fallline._why._name import name_of
from fallline._why._price import Price, measured_price
from fallline._why._rate import RateFindings, measure_rate
from fallline._why._rule import linear_rows
from fallline._why._valley import has_valley

QUESTIONS = ("minus", "rate", "derivative", "minimum")
TEXTBOOK_RATE = 0.01
SIZES = (2, 10, 100)
"""Parameters of the linear problems made by a rule."""
CONDITION_NUMBER = 10.0
RULE_ROWS = 200
SAMPLED_ROWS = 2000
"""A loss without moments is asked thousands of times: an even sample of the rows answers as well."""
TRIAL_STEPS = 200
AT_THE_BOTTOM = 1e-12
"""An excess loss below this part of the floor is rounding."""
ON_FORMULAS = (
    "The loss of one neuron has no second minimum, whatever the table: why minimum is asked on formulas. "
    "Leave out the table and its options, or name a formula."
)

Findings = MinusFindings | RateFindings | DerivativeFindings | MinimumFindings


def ask(
    question: str,
    problem: Problem | None = None,
    *,
    start: Mapping[str, float] | None = None,
    seed: int = 0,
    price: float | None = None,
) -> Findings:
    """Run the experiment that answers a question.

    Args:
        question: one of ``QUESTIONS``.
        problem: what it is asked about; None for the examples of the textbook.
        start: parameters before the first step, by name.
        seed: of the start, random directions and noise.
        price: forward passes that one gradient costs; measured unless told.

    Raises:
        OptionError: there is no such question, or a setting does not go with it.
    """
    check_question(question, price)
    if question == "minimum":
        return _minimum(problem, start, seed)
    asked = given_problem(seed=seed) if problem is None else problem
    at = asked.starting_point(start, seed=seed)
    _demand_slope(asked, at)
    if question == "minus":
        return measure_minus(asked, start, TEXTBOOK_RATE if problem is None else usual_rate(asked, at), seed=seed)
    if question == "rate":
        return measure_rate(_sampled(asked), at)
    own = None if problem is None and start is None else asked
    return _derivative(own, at, start, seed=seed, price=price)


def check_question(question: str, price: float | None = None) -> None:
    """Refuse what is not one of the four, and a price where none is paid."""
    if question not in QUESTIONS:
        known = list(QUESTIONS)
        raise OptionError(f'There is no question "{question}": ask why {", ".join(known)}.{near(str(question), known)}')
    if price is None:
        return
    if question != "derivative":
        raise OptionError(f"Only why derivative has a price of the gradient: leave --price out of why {question}.")
    if not (math.isfinite(price) and price >= 1):
        raise OptionError(f"The price of a gradient is 1 forward pass or more (its own), not {price:g}.")


def check_surface_only(*, table: bool) -> None:
    """The losses of one neuron are bowls: no table has anything to show in why minimum."""
    if table:
        raise OptionError(ON_FORMULAS)


def usual_rate(problem: Problem, at: Floats) -> float:
    """Half of a limit that holds everywhere; elsewhere what a sweep from ``at`` [P] recommends.

    >>> usual_rate(given_problem(formula="(w - 3)^2"), np.array([5.0]))
    0.5
    """
    limit = limit_at(problem, "SGD", {}, at=at)
    if limit is not None and limit.kind is not LimitKind.LOCAL:
        return limit.value / 2
    found = sweep_problem(_sampled(problem), at, optimizer="SGD", options={}, steps=TRIAL_STEPS)
    if found.recommended is not None:
        return found.recommended.value
    if limit is not None:
        return limit.value / 2
    raise OptionError(f"No learning rate leads downhill from this start. {found.advice}")


def _minimum(problem: Problem | None, start: Mapping[str, float] | None, seed: int) -> MinimumFindings:
    """On the textbook surfaces, or on the formula that was named."""
    if problem is None:
        if start is not None:
            raise OptionError("A start goes with one formula: name it, as in --formula rosenbrock.")
        return measure_textbook_minima(seed=seed)
    if not isinstance(problem, FormulaProblem):
        raise OptionError(ON_FORMULAS)
    surface = problem.objective
    own = FormulaProblem(surface, "float64")
    at = own.starting_point(start, seed=seed)
    if start is not None and not has_valley(surface):
        raise OptionError(
            f"why minimum takes a start of one's own only on a formula with a single known minimum; on {name_of(own)} "
            "it chooses its starts itself: leave out --start."
        )
    if start is not None:
        _demand_slope(own, at)
    return measure_minimum(surface, at, seed=seed)


def _demand_slope(problem: Problem, at: Floats) -> None:
    """Every experiment begins with a slope."""
    loss, slopes = float(problem.objective.loss(at[None])[0]), problem.objective.gradient(at[None])[0]
    where = ", ".join(f"{name} = {value:g}" for name, value in zip(problem.parameter_names, at, strict=True))
    if not (math.isfinite(loss) and np.isfinite(slopes).all()):
        raise OptionError(f"At the start ({where}) the loss is {loss:g}, with no usable slope: choose another --start.")
    if not slopes.any():
        raise OptionError(f"At the start ({where}) every slope is 0: nothing would move. Choose another --start.")
    floor = problem.objective.floor
    if floor is not None and loss - floor <= AT_THE_BOTTOM * max(1.0, abs(floor)):
        raise OptionError(f"The start ({where}) is at the bottom already: choose another --start.")


def _sampled(problem: Problem) -> Problem:
    """At most 2,000 evenly spaced rows, where no moments stand for them."""
    if not isinstance(problem, NeuronProblem) or problem.quadratic is not None or problem.rows <= SAMPLED_ROWS:
        return problem
    rows = np.linspace(0, len(problem.features) - 1, SAMPLED_ROWS).astype(np.int64)
    return replace(problem, features=problem.features[rows], target=problem.target[rows])


def _derivative(
    own: Problem | None, at: Floats, start: Mapping[str, float] | None, *, seed: int, price: float | None
) -> DerivativeFindings:
    """The problem that was given, and linear ones of 2, 10 and 100 parameters."""
    races: list[Race] = []
    if own is not None:
        races.append(race(_sampled(own).objective, at, _price(own, start, seed, price), name=name_of(own), seed=seed))
    for size in SIZES:
        rows = linear_rows(size, condition_number=CONDITION_NUMBER, rows=RULE_ROWS, seed=seed)
        problem = given_problem(rows, standardise=False, dtype="float64")
        paid = _price(problem, None, seed, price)
        name = f"{size} parameters"
        races.append(race(problem.objective, np.zeros(size), paid, name=name, rule_rows=RULE_ROWS, seed=seed))
    return DerivativeFindings(
        problem="linear problems" if own is None else name_of(own),
        budget=BUDGET,
        goal=GOAL,
        trials=TRIALS,
        seeds=SEEDS,
        condition_number=CONDITION_NUMBER,
        races=tuple(races),
    )


def _price(problem: Problem, start: Mapping[str, float] | None, seed: int, given: float | None) -> Price:
    if given is not None:
        return Price(float(given))
    model = problem.starting_model(start, seed=seed)
    return measured_price(forward_of(problem, model), list(model.parameters()))
