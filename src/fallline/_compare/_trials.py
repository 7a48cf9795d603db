"""Which rates are tried for an optimizer: as many for each, in rounds, each round led by what came of the last.

A grid over four decades, then twice four rates around the best one (outward where the best is an end), then the ends
of the good interval halved on the logarithmic scale. Every round has a fixed number of rates for every optimizer.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._descent import LARGEST_RATE
from fallline._records import Floats, Mask

DECADES = 4.0
"""The grid's width, the same for every optimizer."""
FEWEST_TRIALS = 3
AROUND, EDGES = 4, 2
"""Rates of a round around the best one, and of a round at the ends of the good interval."""
GOOD_FACTOR = 3.0
"""Just right: reaches the goal in at most this many times the fewest steps of any rate."""
SMALLEST_RATE = 1e-30


class Rounds(NamedTuple):
    """How the trials of each optimizer are spent."""

    grid: int
    around: int
    """Rounds of four around the best rate."""
    edges: int
    """Rounds of two at the ends of the good interval."""


class Scores(NamedTuple):
    """What the tuning seeds made of the rates tried so far, in the order of rising rates [B]."""

    rates: Floats
    steps: Floats
    """[B] median steps to the goal, ∞ where no more than half of the seeds reached it."""
    excess: Floats
    """[B] median excess left, ∞ for a run that diverged."""


def rounds_of(trials: int) -> Rounds:
    """How ``trials`` rates are spent, of which there are at least three.

    >>> rounds_of(30), rounds_of(5)
    (Rounds(grid=16, around=2, edges=3), Rounds(grid=5, around=0, edges=0))
    """
    around, edges = min(2, trials // 10), min(3, trials // 10)
    return Rounds(trials - AROUND * around - EDGES * edges, around, edges)


def grid(highest: float, count: int) -> Floats:
    """``count`` rates over four decades up to ``highest``."""
    top = min(highest, LARGEST_RATE / 10)
    return np.geomspace(top / 10**DECADES, top, count)


def best_of(scores: Scores) -> int:
    """The index of the best rate: fewest steps to the goal, then the least excess, then the smaller rate."""
    return min(range(len(scores.rates)), key=lambda k: (scores.steps[k], scores.excess[k], scores.rates[k]))


def good_rates(scores: Scores) -> Mask:
    """[B] which rates are just right."""
    fewest = float(np.min(scores.steps))
    if math.isinf(fewest):
        return np.zeros(len(scores.rates), dtype=np.bool_)
    return np.asarray(scores.steps <= GOOD_FACTOR * fewest)


def good_span(scores: Scores) -> tuple[int, int] | None:
    """First and last index of the unbroken run of good rates around the best one."""
    good, low = good_rates(scores), best_of(scores)
    if not good.any():
        return None
    high = low
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(good) - 1 and good[high + 1]:
        high += 1
    return low, high


def around_best(scores: Scores, count: int, spacing: float) -> list[float]:
    """``count`` rates around the best one: half of them on either side, or all beyond it where it is an end."""
    rates, best = scores.rates, best_of(scores)
    if best in (0, len(rates) - 1):
        return _outward(rates, upward=best != 0, count=count, spacing=spacing)
    below = count - count // 2
    return [*_between(rates[best - 1], rates[best], below), *_between(rates[best], rates[best + 1], count - below)]


def at_edges(scores: Scores, spacing: float) -> list[float]:
    """Two rates, one halving the gap at each end of the good interval; around the best one where there is none."""
    span = good_span(scores)
    if span is None:
        return around_best(scores, EDGES, spacing)
    low, high = span
    rates = scores.rates
    down = (
        _outward(rates, upward=False, count=1, spacing=spacing) if low == 0 else _between(rates[low - 1], rates[low], 1)
    )
    last = high == len(rates) - 1
    up = _outward(rates, upward=True, count=1, spacing=spacing) if last else _between(rates[high], rates[high + 1], 1)
    return [*down, *up]


def slack_of(scores: Scores, *, unreached: float, excess_bounds: tuple[float, float]) -> float:
    """By which factor the better neighbour of the best rate is worse; ∞ where nothing else was tried.

    ``unreached`` steps are counted for a rate that does not reach the goal; excess lies within its bounds.
    """
    best = best_of(scores)
    beside = [k for k in (best - 1, best + 1) if 0 <= k < len(scores.rates)]
    if not beside:
        return math.inf
    if math.isfinite(scores.steps[best]):
        return min(float(np.minimum(scores.steps[k], unreached) / scores.steps[best]) for k in beside)
    left = np.clip(scores.excess, *excess_bounds)
    return max(1.0, min(float(left[k] / left[best]) for k in beside))


def spacing_of(rates: Sequence[float] | Floats) -> float:
    """The factor between neighbours of a grid."""
    return float(rates[1] / rates[0])


def _between(low: float, high: float, count: int) -> list[float]:
    """``count`` rates that cut the way from low to high into equal factors, without the two."""
    return [float(rate) for rate in np.geomspace(low, high, count + 2)[1:-1]]


def _outward(rates: Floats, *, upward: bool, count: int, spacing: float) -> list[float]:
    """``count`` rates beyond an end; half-way to the bound of what PyTorch can multiply by where that is nearer."""
    end, bound = (float(rates[-1]), LARGEST_RATE) if upward else (float(rates[0]), SMALLEST_RATE)
    far = end * spacing**count if upward else end / spacing**count
    inside = far < bound if upward else far > bound
    stop = far if inside else math.sqrt(end * bound)
    return [float(rate) for rate in np.geomspace(end, stop, count + 1)[1:]]
