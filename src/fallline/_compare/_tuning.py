"""The rates of every contender, round by round and in step, so that none is judged by another's leavings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from fallline._compare._arena import Arena, Flown
from fallline._compare._contenders import Entry
from fallline._compare._judge import floor_of, judge
from fallline._compare._meter import Meter
from fallline._compare._starts import distance_to_go
from fallline._compare._trials import AROUND, Scores, around_best, at_edges, best_of, grid, rounds_of, spacing_of
from fallline._problem import limit_at
from fallline._records import Floats, RangeKind

ABOVE_LIMIT = 3.0
"""The grid ends at this many times what it is laid out around, as the range of a sweep does."""
FULL_STEP = 10 / ABOVE_LIMIT
"""LBFGS: from a thousandth to ten times a full step."""
PACE_STEPS = 10
PACE_RATE = 1e-6
NEEDS_NO_SCALE = frozenset({"LBFGS"})

Plan = Callable[[Scores, float], list[float]]
"""The rates of a further round, from what came of those before it and the grid's spacing."""


class Range(NamedTuple):
    """Where the grid of an optimizer ends, and why there."""

    highest: float
    kind: RangeKind
    limit: float | None


@dataclass
class Tried:
    """The trials of one contender so far."""

    entry: Entry
    range: Range
    rates: list[float] = field(default_factory=list)
    losses: list[Floats] = field(default_factory=list)
    """For each rate [K, M]."""
    spacing: float = 1.0
    batched: bool = True
    probe: str = ""

    def add(self, rates: Sequence[float] | Floats, flown: Flown) -> None:
        """Runs at further rates."""
        self.rates.extend(float(rate) for rate in rates)
        self.losses.extend(flown.losses)
        self.batched, self.probe = flown.batched, flown.probe

    def scores(self, arena: Arena, goal: float, floor: float) -> Scores:
        """What they came to, in the order of rising rates."""
        order = np.argsort(self.rates, kind="stable")
        judged = judge(np.array(self.losses)[order], goal=goal, floor=floor, measured_at=arena.measured_at)
        excess = np.where(judged.diverged, np.inf, judged.excess)
        return Scores(np.array(self.rates)[order], np.median(judged.steps, axis=1), np.median(excess, axis=1))


def tune(
    arena: Arena, entries: Sequence[Entry], starts: Floats, seeds: Sequence[int], *, trials: int, goal: float
) -> list[Tried]:
    """Try ``trials`` rates for every entry from the starts [K, P] of the tuning seeds.

    Every round runs for all entries before the next one is planned; where the floor is not known beforehand, it is
    the lowest loss that any of them has seen by then. After Ctrl-C the rounds that all of them have finished stay.

    Raises:
        KeyboardInterrupt: Ctrl-C in the first round: nothing can be said of any rate yet.
    """
    rounds = rounds_of(trials)
    tried = [Tried(entry, range_of(arena, entry, starts, seeds)) for entry in entries]
    for one in tried:
        rates = grid(one.range.highest, rounds.grid)
        one.spacing = spacing_of(rates)
        one.add(rates, arena.run(one.entry, rates, starts, seeds))
    plans: list[Plan] = [lambda scores, spacing: around_best(scores, AROUND, spacing)] * rounds.around
    try:
        for plan in (*plans, *[at_edges] * rounds.edges):
            _round(arena, tried, starts, seeds, goal, plan)
    except KeyboardInterrupt:
        equal = min(min(len(one.rates), len(one.losses)) for one in tried)
        for one in tried:
            del one.rates[equal:], one.losses[equal:]
    return tried


def _round(
    arena: Arena,
    tried: Sequence[Tried],
    starts: Floats,
    seeds: Sequence[int],
    goal: float,
    plan: Plan,
) -> None:
    floor = floor_so_far(arena, tried)
    for one in tried:
        rates = plan(one.scores(arena, goal, floor), one.spacing)
        one.add(rates, arena.run(one.entry, rates, starts, seeds))


def best_rates(arena: Arena, tried: Sequence[Tried], goal: float) -> list[float]:
    """The rate that the tuning seeds chose for each contender."""
    floor = floor_so_far(arena, tried)
    scores = [one.scores(arena, goal, floor) for one in tried]
    return [float(one.rates[best_of(one)]) for one in scores]


def floor_so_far(arena: Arena, tried: Sequence[Tried]) -> float:
    """The loss that excess is measured from, as far as it is known."""
    return floor_of(arena.problem.objective.floor, [np.array(one.losses) for one in tried])[0]


def range_of(arena: Arena, entry: Entry, starts: Floats, seeds: Sequence[int]) -> Range:
    """Where the grid ends: three times its stability limit, else what goes the whole way in one step.

    Without a limit the optimizer's own pace is measured, ten updates at a rate too small to change the slope: three
    times the rate at which one such update would go the whole way to the nearest known minimum.
    """
    if entry.optimizer in NEEDS_NO_SCALE:
        return Range(FULL_STEP * ABOVE_LIMIT, RangeKind.LINE_SEARCH, None)
    limit = limit_at(arena.problem, entry.optimizer, entry.options)
    if limit is not None:
        return Range(ABOVE_LIMIT * limit.value, RangeKind.LIMIT, limit.value)
    distance = distance_to_go(arena.problem, starts)
    pace = _pace(arena, entry, starts, seeds)
    return Range(ABOVE_LIMIT * distance / pace, RangeKind.DISTANCE, None)


def _pace(arena: Arena, entry: Entry, starts: Floats, seeds: Sequence[int]) -> float:
    """How far an update goes in the parameters at learning rate 1: the median over the starts."""
    rehearsal = replace(arena, epochs=PACE_STEPS, batch_size=None, meter=Meter())
    gone = rehearsal.run(entry, [PACE_RATE], starts, seeds).ends[0] - starts
    far = np.linalg.norm(gone, axis=1) / (PACE_STEPS * PACE_RATE)
    usable = far[np.isfinite(far) & (far > 0)]
    return float(np.median(usable)) if usable.size else 1.0
