"""Four ways down that get the same number of forward passes: with the derivative, and without it.

Each is the plain form of its idea with one setting, the size of its first move, and runs B settings side by side.
Sources: forward differences: Nocedal and Wright, "Numerical Optimization" (2006), 8.1; random search with steps that
grow and shrink: Rechenberg 1973, the (1+1) evolution strategy with the one-fifth rule; one coordinate at a time: Hooke
and Jeeves 1961, the exploratory moves of their pattern search.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum

import numpy as np

from fallline._records import Floats
from fallline._why._counted import Counted

GROW = 1.5
"""Of the random steps after a success; after a failure they shrink by its fourth root: level at one success in five."""


class Method(StrEnum):
    """A way down."""

    GRADIENT = "gradient descent"
    DIFFERENCES = "finite differences"
    RANDOM = "random search"
    COORDINATE = "one coordinate at a time"


Way = Iterator[Floats]
"""The losses [B] of the parameters held, after each move; what it cost stands in the counted loss."""


def way_down(method: Method, counted: Counted, start: Floats, sizes: Floats, *, budget: float, seed: int) -> Way:
    """Move from ``start`` [B, P] until the next move would cost more than the budget.

    ``sizes`` [B]: the learning rate where a slope is known, else the length of the first move.
    """
    if method is Method.GRADIENT:
        return _by_slope(counted, start, sizes, budget, counted.gradient, counted.price)
    if method is Method.DIFFERENCES:
        passes = start.shape[1] + 1
        return _by_slope(counted, start, sizes, budget, lambda at: forward_differences(counted, at), passes)
    if method is Method.RANDOM:
        return _by_chance(counted, start, sizes, budget, seed)
    return _by_coordinate(counted, start, sizes, budget)


def forward_differences(counted: Counted, at: Floats) -> Floats:
    """(L(θ + h eᵢ) − L(θ)) / h for each parameter, P + 1 passes; h = √ε·max(1, |θᵢ|) balances cutting and rounding."""
    here = counted.loss(at)
    slopes = np.empty_like(at)
    root = np.sqrt(np.finfo(np.float64).eps)
    for k in range(at.shape[1]):
        nudge = root * np.maximum(1.0, np.abs(at[:, k]))
        beside = at.copy()
        beside[:, k] += nudge
        with np.errstate(all="ignore"):
            slopes[:, k] = (counted.loss(beside) - here) / (beside[:, k] - at[:, k])
    return slopes


def _by_slope(
    counted: Counted, start: Floats, rates: Floats, budget: float, slope: Callable[[Floats], Floats], cost: float
) -> Way:
    """θ ← θ − η·slope, the plain step."""
    at = start.copy()
    while counted.spent + cost <= budget:
        with np.errstate(all="ignore"):
            at = at - rates[:, None] * slope(at)
        yield counted.look(at)


def _by_chance(counted: Counted, start: Floats, lengths: Floats, budget: float, seed: int) -> Way:
    """A step in a random direction, kept if the loss is lower there."""
    rng = np.random.default_rng(seed)
    at, length = start.copy(), lengths.copy()
    here = counted.loss(at)
    while counted.spent + 1 <= budget:
        step = rng.standard_normal(at.shape)
        step *= (length / np.linalg.norm(step, axis=1))[:, None]
        there = counted.loss(at + step)
        lower = there < here
        at = np.where(lower[:, None], at + step, at)
        here = np.where(lower, there, here)
        length = length * np.where(lower, GROW, GROW**-0.25)
        yield here


def _by_coordinate(counted: Counted, start: Floats, lengths: Floats, budget: float) -> Way:
    """Each parameter in turn: a little one way, if that is not lower the other, if neither is half as far next time.

    A move that helped is twice as long, the same way, when the parameter's turn comes again.
    """
    at = start.copy()
    runs = np.arange(len(at))
    move = np.repeat(lengths[:, None], at.shape[1], axis=1)
    turn = np.zeros(len(at), dtype=np.int64)
    back = np.zeros(len(at), dtype=np.bool_)
    here = counted.loss(at)
    while counted.spent + 1 <= budget:
        tried = np.where(back, -move[runs, turn], move[runs, turn])
        beside = at.copy()
        beside[runs, turn] += tried
        there = counted.loss(beside)
        lower = there < here
        at = np.where(lower[:, None], beside, at)
        here = np.where(lower, there, here)
        neither = back & ~lower
        move[runs, turn] = np.where(lower, 2 * tried, np.where(neither, move[runs, turn] / 2, move[runs, turn]))
        turn = np.where(lower | neither, (turn + 1) % at.shape[1], turn)
        back = ~(lower | neither)
        yield here
