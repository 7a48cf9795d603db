"""Why the derivative? The same number of forward passes, spent with it and without it."""

import math
from dataclasses import dataclass

import numpy as np

from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._records import Floats
from fallline._why._counted import Counted
from fallline._why._directions import Directions, random_directions
from fallline._why._methods import Method, way_down
from fallline._why._price import Price

BUDGET = 1000
"""Forward passes that each method gets."""
GOAL = 0.99
"""The part of the excess loss that is to be removed."""
TRIALS = 13
"""First moves that each method may try, each a factor of two apart; the best counts."""
SEEDS = 5
"""Random searches per first move; their median counts."""


@dataclass(frozen=True, eq=False)
class Spent:
    """What one method made of its budget, at the best of its settings."""

    method: Method
    size: float
    """The setting: the learning rate, or the length of the first move."""
    moves: int
    """Steps, or tries, that the budget was enough for."""
    passes: Floats
    """[K] forward passes paid for, after the start and after each move."""
    excess: Floats
    """[K] loss above the floor then, the best so far, as a part of that at the start; the median over seeds."""
    passes_to_goal: float | None
    """Forward passes until the goal; None where the budget was not enough."""
    goal_low: float | None
    """The luckiest and ..."""
    goal_high: float | None
    """... the unluckiest seed; None where it did not get there, and for methods without chance."""

    @property
    def left(self) -> float:
        """The part of the excess loss that is left when the budget is spent."""
        return float(self.excess[-1])


@dataclass(frozen=True, eq=False)
class Race:
    """All methods on one problem, and what a random direction is worth there."""

    name: str
    parameters: int
    """P"""
    rule_rows: int | None
    """Rows of a problem made by a rule; None for the one that was given."""
    price: Price
    spent: tuple[Spent, ...]
    directions: Directions

    def of(self, method: Method) -> Spent:
        """What this method made of it."""
        return next(spent for spent in self.spent if spent.method is method)


@dataclass(frozen=True, eq=False)
class DerivativeFindings:
    """``why derivative``: the races, in the order of their parameters."""

    problem: str
    budget: int
    goal: float
    trials: int
    seeds: int
    condition_number: float
    """Of the problems made by a rule."""
    races: tuple[Race, ...]


def race(
    objective: LossFunction,
    start: Floats,
    price: Price,
    *,
    name: str,
    rule_rows: int | None = None,
    budget: int = BUDGET,
    goal: float = GOAL,
    seed: int,
) -> Race:
    """Spend the budget on every method, each tried with the same number of first moves from ``start`` [P].

    The moves are powers of two around the step that would remove the whole excess loss if the ground were straight
    (Polyak's step): a scale that favours no method. Trying them out is free, for every method alike.
    """
    start_loss = float(objective.loss(start[None])[0])
    slope = float(np.linalg.norm(objective.gradient(start[None])[0]))
    known = objective.floor
    excess = abs(start_loss) if known is None else start_loss - known
    rate = (excess if excess > 0 else 1.0) / slope**2
    factors = np.exp2(np.arange(TRIALS, dtype=np.float64) - TRIALS // 2)
    runs = [_tried(objective, start, price, method, rate, slope, factors, budget, seed) for method in Method]
    floor = min(float(np.nanmin(run.losses)) for run in runs) if known is None else known
    if not math.isfinite(floor) or not floor < start_loss:
        raise OptionError(f"The loss on {name} has no bottom that these methods come to: there is nothing to compare.")
    spent = tuple(_best(run, floor, start_loss, goal) for run in runs)
    good = next(result.size for result in spent if result.method is Method.GRADIENT)
    return Race(
        name=name,
        parameters=len(start),
        rule_rows=rule_rows,
        price=price,
        spent=spent,
        directions=random_directions(objective, start, good, seed=seed),
    )


@dataclass(frozen=True, eq=False)
class _Tried:
    """Every setting of one method, each with every seed."""

    method: Method
    sizes: Floats
    """[S]"""
    passes: Floats
    """[K]"""
    losses: Floats
    """[K, S, seeds] the lowest so far"""


def _tried(
    objective: LossFunction,
    start: Floats,
    price: Price,
    method: Method,
    rate: float,
    slope: float,
    factors: Floats,
    budget: int,
    seed: int,
) -> _Tried:
    """All settings of one method side by side; every one of them pays its own passes."""
    seeds = SEEDS if method is Method.RANDOM else 1
    by_slope = method in (Method.GRADIENT, Method.DIFFERENCES)
    sizes = factors * (rate if by_slope else rate * slope)
    counted = Counted(objective, price.ratio)
    stack = np.repeat(start[None], len(sizes) * seeds, axis=0)
    passes, losses = [0.0], [counted.look(stack)]
    for held in way_down(method, counted, stack, np.repeat(sizes, seeds), budget=budget, seed=seed):
        passes.append(counted.spent)
        losses.append(held)
    lowest = np.fmin.accumulate(np.array(losses), axis=0)
    return _Tried(method, sizes, np.array(passes), lowest.reshape(len(passes), len(sizes), seeds))


def _best(run: _Tried, floor: float, start_loss: float, goal: float) -> Spent:
    """The setting that reaches the goal first; where none does, the one that comes lowest."""
    with np.errstate(all="ignore"):
        excess = (run.losses - floor) / (start_loss - floor)
    median = np.median(excess, axis=2)
    arrived = [_first(median[:, s] <= 1 - goal, run.passes) for s in range(len(run.sizes))]
    there = [s for s, passes in enumerate(arrived) if passes is not None]
    chosen = min(there, key=lambda s: (arrived[s], median[-1, s])) if there else int(np.nanargmin(median[-1]))
    each = [_first(excess[:, chosen, k] <= 1 - goal, run.passes) for k in range(excess.shape[2])]
    chance = len(each) > 1
    reached = [passes for passes in each if passes is not None]
    return Spent(
        method=run.method,
        size=float(run.sizes[chosen]),
        moves=len(run.passes) - 1,
        passes=run.passes,
        excess=median[:, chosen],
        passes_to_goal=arrived[chosen],
        goal_low=min(reached) if chance and reached else None,
        goal_high=max(reached) if chance and len(reached) == len(each) else None,
    )


def _first(true: np.ndarray[tuple[int], np.dtype[np.bool_]], passes: Floats) -> float | None:
    """The passes at the first True, None where there is none."""
    found = np.flatnonzero(true)
    return float(passes[found[0]]) if found.size else None
