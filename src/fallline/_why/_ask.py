"""From a question and what a person gave to an experiment."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fallline._errors import OptionError, near
from fallline._problem import NeuronProblem, Problem, given_problem, limit_at
from fallline._records import Floats, LimitKind
from fallline._sweep import sweep_problem
from fallline._why._derivative import BUDGET, GOAL, SEEDS, TRIALS, DerivativeFindings, Race, race
from fallline._why._forward import forward_of
from fallline._why._minimum import MinimumFindings, measure_minimum
from fallline._why._minus import MinusFindings, measure_minus
from fallline._why._price import Price, measured_price
from fallline._why._rate import RateFindings, measure_rate
from fallline._why._rule import linear_rows

if TYPE_CHECKING:
    from fallline._data._read import TableSource

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

Findings = MinusFindings | RateFindings | DerivativeFindings | MinimumFindings


def ask(
    question: str,
    data: "TableSource | None" = None,
    *,
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    formula: str | None = None,
    loss: str = "mse",
    start: Mapping[str, float] | None = None,
    seed: int = 0,
    price: float | None = None,
) -> Findings:
    """Run the experiment that answers a question; the settings are those of :func:`fallline.why`."""
    check_question(question)
    _check_price(question, price)
    if question == "minimum":
        _demand_formula(data, loss, target, features, start, formula)
        return measure_minimum(formula, start, seed=seed)
    problem = given_problem(
        data,
        target=target,
        features=features,
        drop_missing=drop_missing,
        standardise=standardise,
        formula=formula,
        loss=loss,
        seed=seed,
    )
    at = problem.starting_point(start, seed=seed)
    _demand_slope(problem, at)
    textbook = data is None and formula is None
    if question == "minus":
        plain = textbook and not standardise and loss == "mse"
        return measure_minus(problem, start, TEXTBOOK_RATE if plain else usual_rate(problem, at), seed=seed)
    if question == "rate":
        return measure_rate(_sampled(problem), at)
    return _derivative(None if textbook and loss == "mse" else problem, at, start, seed=seed, price=price)


def check_question(question: str) -> None:
    """Refuse what is not one of the four."""
    if question not in QUESTIONS:
        known = list(QUESTIONS)
        raise OptionError(f'There is no question "{question}": ask why {", ".join(known)}.{near(str(question), known)}')


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


def _check_price(question: str, price: float | None) -> None:
    if price is None:
        return
    if question != "derivative":
        raise OptionError(f"Only why derivative has a price of the gradient: leave --price out of why {question}.")
    if not (math.isfinite(price) and price >= 1):
        raise OptionError(f"The price of a gradient is 1 forward pass or more (its own), not {price:g}.")


def _demand_formula(
    data: object,
    loss: str,
    target: str | None,
    features: list[str] | None,
    start: Mapping[str, float] | None,
    formula: str | None,
) -> None:
    """The losses of one neuron are bowls: no table has anything to show here."""
    if data is not None or target is not None or features is not None or loss != "mse":
        raise OptionError(
            "The loss of one neuron has no second minimum, whatever the table: why minimum is asked on formulas. "
            "Leave out the table and its options, or name a formula."
        )
    if start is not None and formula is None:
        raise OptionError("A start goes with one formula: name it, as in --formula rosenbrock.")


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
        races.append(race(_sampled(own).objective, at, _price(own, start, seed, price), name=own.name, seed=seed))
    for size in SIZES:
        rows = linear_rows(size, condition_number=CONDITION_NUMBER, rows=RULE_ROWS, seed=seed)
        problem = given_problem(rows, standardise=False, dtype="float64")
        paid = _price(problem, None, seed, price)
        name = f"{size} parameters"
        races.append(race(problem.objective, np.zeros(size), paid, name=name, rule_rows=RULE_ROWS, seed=seed))
    return DerivativeFindings(
        problem="linear problems" if own is None else own.name,
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
