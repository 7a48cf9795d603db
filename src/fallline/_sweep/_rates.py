"""Which rates a sweep tries."""

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np

from fallline._errors import OptionError
from fallline._problem import SweptProblem
from fallline._records import Floats

COUNT = 49
BELOW, ABOVE = 1e-3, 3.0
"""Of the stability limit."""
FOLKLORE = (1e-3, 1e-2, 1e-1)
"""The rates that everybody has heard of: measured too, where they are near."""
FOLKLORE_ABOVE = 10.0
DECADES = (-5, 1)
"""Around the distance to go, where no limit is known."""
MOST_RATES = 100_000
PRECONDITIONED = frozenset({"SGD", "ASGD"})
"""Steps of these are a multiple of the slope; those of all others are about as long as the rate itself."""


def given_rates(learning_rates: object) -> Floats:
    """The rates somebody asked for, rising and without repeats.

    Args:
        learning_rates: ``"LOW:HIGH:COUNT"``, spaced evenly in the logarithm, or the rates themselves: one number, a
            list, an array, a tensor, anything with ``tolist()``.

    Raises:
        OptionError: the range is empty, or a rate is not a positive number.

    >>> given_rates("0.001:0.1:3")
    array([0.001, 0.01 , 0.1  ])
    >>> given_rates([0.3, 0.1]), given_rates(0.1)
    (array([0.1, 0.3]), array([0.1]))
    """
    if isinstance(learning_rates, str):
        return _range(learning_rates)
    to_list = getattr(learning_rates, "tolist", None)
    if callable(to_list):
        learning_rates = to_list()
    if isinstance(learning_rates, Real) and not isinstance(learning_rates, bool):
        learning_rates = [learning_rates]
    if not isinstance(learning_rates, Sequence):
        raise OptionError(f'The learning rates are "LOW:HIGH:COUNT" or a list of numbers, not {learning_rates!r}.')
    if len(learning_rates) == 0:
        raise OptionError("There are no learning rates to sweep: give at least one.")
    return np.unique([_positive(rate) for rate in learning_rates])


def _range(text: str) -> Floats:
    parts = text.split(":")
    if len(parts) != 3:
        raise OptionError(f'The range of learning rates "{text}" is not LOW:HIGH:COUNT, as in 0.001:1:25.')
    low, high = _positive(parts[0], text), _positive(parts[1], text)
    try:
        count = int(parts[2])
    except ValueError as error:
        raise OptionError(f'COUNT in "{text}" must be a whole number, not "{parts[2]}".') from error
    if not 1 <= count <= MOST_RATES:
        raise OptionError(f'COUNT in "{text}" must be from 1 to {MOST_RATES:,}, not {count}.')
    if low > high:
        raise OptionError(f'The range "{text}" is empty: LOW {low:g} lies above HIGH {high:g}. Swap them.')
    if (low == high) != (count == 1):
        raise OptionError(
            f'The range "{text}" does not fit its COUNT: one rate is LOW = HIGH with COUNT 1, '
            "several need LOW below HIGH and a COUNT of at least 2."
        )
    rates = np.geomspace(low, high, count)
    rates[0], rates[-1] = low, high
    return rates


def _positive(given: object, text: str | None = None) -> float:
    where = "" if text is None else f' in "{text}"'
    try:
        rate = float(given)  # type: ignore[arg-type]  # whatever it is, it is either a number or refused
    except (TypeError, ValueError) as error:
        raise OptionError(f'The learning rate "{given}"{where} is not a number.') from error
    if not (math.isfinite(rate) and rate > 0):
        raise OptionError(f"A learning rate must be a positive number, not {rate:g}{where}.")
    return rate


def default_rates(
    limit: float | None, problem: SweptProblem, start: Floats, optimizer: str, count: int = COUNT
) -> Floats:
    """The rates that a sweep tries unless told: rising, spaced evenly in the logarithm.

    limit/1000 … 3 · limit where a limit is known beforehand, and the folklore's 0.001, 0.01 and 0.1 among them where
    they lie near. Else five decades below to one above the distance to go (divided by the slope for SGD, whose steps
    are in proportion to it).
    """
    if limit is not None:
        rates = np.geomspace(limit * BELOW, limit * ABOVE, count)
        near = [rate for rate in FOLKLORE if limit * BELOW <= rate <= limit * FOLKLORE_ABOVE]
        return _distinct(np.append(rates, near))
    if optimizer == "LBFGS":
        return np.geomspace(0.1, 10.0, 9)  # 1 is its own; it scales its steps by the curvature that it has seen
    scale = _distance(problem, start)
    if optimizer in PRECONDITIONED:
        slope = float(np.linalg.norm(problem.objective.gradient(start)[0]))
        scale = scale / slope if math.isfinite(slope) and slope > 0 else scale
    low, high = DECADES
    return np.geomspace(scale * 10.0**low, scale * 10.0**high, count)


def _distinct(rates: Floats) -> Floats:
    """Rising, and of rates equal to rounding only one."""
    rising = np.sort(rates)
    return rising[np.concatenate(([True], np.diff(rising) > 1e-9 * rising[1:]))]


def _distance(problem: SweptProblem, start: Floats) -> float:
    """How far the parameters have to go, as far as that is known beforehand."""
    optimum = problem.objective.optimum
    if optimum is None:
        return max(1.0, float(np.abs(start).max()))
    away = float(np.abs(optimum - start).max())
    return away if math.isfinite(away) and away > 0 else 1.0
