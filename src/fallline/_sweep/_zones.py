"""Which zone each rate lies in, from how the losses went; docs/semantics.md#zones.

Shapes: K seeds, S kept steps, B rates, which rise.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats, Mask, Zone, ZoneSpan
from fallline._sweep._crossing import crosses_valley
from fallline._sweep._seeds import middle_run, middle_seed, of_seeds
from fallline._sweep._settling import Hovering, hovers_at

TIMES_THE_FEWEST = 3
"""Just right takes at most this many times the steps of the fastest rate."""
ALONE = 2.0
"""A group of fast rates between two slow ones that are closer than this factor may be there by luck."""
ROUNDING = 1e-9
"""A run that ends this part of the starting excess above its start has not moved: rounding."""


@dataclass(frozen=True)
class Judgement:
    """What the middle run of each rate did, and what that makes of the rate."""

    floor: float
    """The loss that excess is measured from."""
    steps_to_goal: tuple[int | None, ...]
    """[B] steps until the goal is reached for good."""
    zones: tuple[Zone, ...]
    """[B]"""
    just_right: tuple[int, int] | None
    """First and last index of the interval, None where no rate reaches the goal."""
    fewest: int | None
    """Steps of the fastest rate of the interval."""
    elsewhere: tuple[int, ...]
    """Indices outside the interval that reach the goal as soon, but are cut off from it by rates that do not."""
    seeds: NDArray[np.int64]
    """[B] the index of the seed whose run is the middle one: all that is said of a rate is said of that run."""
    crosses: tuple[bool | None, ...]
    """[B] whether it crosses the valley; None where that is not defined."""
    hovering: Hovering
    """[B] where it cycles; NaN where it does not."""
    bounces_from: int
    """The index below the interval from which rates bounce; that of the interval where none does."""

    def zone_beside(self, zone: Zone | None, steps: int | None, *, place: int) -> Zone:
        """The zone of a further run that would be at index ``place`` among the rates.

        ``zone`` if it diverged, else by its steps and the side of the interval it lies on.
        """
        if zone is Zone.DIVERGING:
            return zone
        if steps is not None and self.fewest is not None and steps <= TIMES_THE_FEWEST * self.fewest:
            return Zone.JUST_RIGHT
        return Zone.TOO_SMALL if place <= self.bounces_from else Zone.BOUNCING


def judge(
    losses: Floats,
    *,
    goal: float,
    floor: float,
    rates: Floats | None = None,
    kept: NDArray[np.int64] | None = None,
    crossing: tuple[Mask, Mask] | None = None,
    stable: Mask | None = None,
    aimless: bool = False,
) -> Judgement:
    """Name the zone of each rate.

    Args:
        losses: [S, B], or [K, S, B] for several seeds: of the middle run, the worse one of two.
        goal: the part of the excess loss at its own start that a run is to remove.
        floor: the loss that excess is measured from.
        rates: [B] where they are given, a fast group is taken for luck, and left out, if it is narrower than a factor
            of 2 and both its neighbours need over three times as long as its slowest may.
        kept: [S] the steps at which losses are known; 0 … S − 1 unless told.
        crossing: [K, T, B] at which steps which runs cross the valley, and where that can be told.
        stable: [B] which rates lie below a provable limit: a run that ends above its start is in mid-swing there.
        aimless: there is no bottom to aim at (the lowest run was still plunging), or nothing to remove: no rate reaches
            anything then, and a run that plunges ever faster counts as diverging.

    >>> losses = np.array([[1.0, 1.0, 1.0, 1.0], [0.9, 0.0, -0.9, 2.0]]) + 1
    >>> [zone.value for zone in judge(losses, goal=0.9, floor=1.0).zones]
    ['too small', 'just right', 'just right', 'diverging']
    """
    runs = losses if losses.ndim == 3 else losses[None]
    read = _read(runs, goal, floor, np.arange(runs.shape[1]) if kept is None else kept, stable, aimless=aimless)
    seeds = middle_seed(read.diverged, read.reached, runs[:, -1])
    reached, diverged = of_seeds(read.reached, seeds), of_seeds(read.diverged, seeds)
    steps = tuple(int(needed) if np.isfinite(needed) else None for needed in reached)
    crosses: tuple[bool | None, ...] = (None,) * len(reached)
    if crossing is not None:
        crosses = crosses_valley(of_seeds(crossing[0], seeds), of_seeds(crossing[1], seeds), steps)
    hovering = hovers_at(middle_run(runs, seeds), floor)
    hovering = Hovering(*(np.where(diverged, np.nan, excess) for excess in hovering))

    found = _interval(reached, rates)
    low, high = (len(reached), len(reached)) if found is None else found
    index = np.arange(len(reached))
    inside = (index >= low) & (index <= high)
    fewest = float(np.min(reached[low : high + 1], initial=np.inf))
    elsewhere = (reached <= TIMES_THE_FEWEST * fewest) & ~inside & np.isfinite(reached)
    stuck = ~np.isnan(hovering.middle) & np.isinf(reached)  # one that hovers at its goal went there slowly: it crept
    bounces = (np.array(crosses) == True) | stuck | elsewhere  # noqa: E712  (None is not True)
    bounces_from = low if aimless else _boundary((bounces & ~diverged)[:low], (~bounces & ~diverged)[:low])
    zones = np.select(
        [diverged, inside, index < bounces_from],
        [Zone.DIVERGING, Zone.JUST_RIGHT, Zone.TOO_SMALL],
        default=Zone.BOUNCING,
    )
    return Judgement(
        floor=floor,
        steps_to_goal=steps,
        zones=tuple(Zone(zone) for zone in zones),
        just_right=found,
        fewest=None if found is None else int(fewest),
        elsewhere=tuple(np.flatnonzero(elsewhere).tolist()),
        seeds=seeds,
        crosses=crosses,
        hovering=hovering,
        bounces_from=bounces_from,
    )


class _Read(NamedTuple):
    """What was read off each run, [K, B]."""

    reached: Floats
    """∞ where the goal was not."""
    diverged: Mask


def _read(
    runs: Floats, goal: float, floor: float, steps: NDArray[np.int64], stable: Mask | None, *, aimless: bool
) -> _Read:
    diverged = np.array([has_diverged(run, floor) for run in runs])
    if stable is not None:
        diverged &= ~(stable & np.isfinite(runs).all(axis=1))
    if aimless:
        diverged |= np.array([runs_away(run) for run in runs])
    reached = np.array([steps_until(run, goal, floor, steps) for run in runs])
    return _Read(np.where(diverged | aimless, np.inf, reached), diverged)


def steps_until(losses: Floats, goal: float, floor: float, steps: NDArray[np.int64]) -> Floats:
    """[B] the step from which each run [S, B] stays at the goal to its end, ∞ where it is not there at its end."""
    with np.errstate(all="ignore"):
        target = floor + (1 - goal) * (losses[0] - floor)
        above = ~(losses <= target)  # NaN is above
    last = len(losses) - 1 - np.argmax(above[::-1], axis=0)
    after = np.where(above.any(axis=0), last + 1, 0)
    there = after < len(losses)
    return np.asarray(np.where(there, steps[np.where(there, after, 0)], np.inf))


def has_diverged(losses: Floats, floor: float) -> Mask:
    """[B] whether a run [S, B] has a loss that is not finite, or ends above its start."""
    with np.errstate(all="ignore"):
        rounding = ROUNDING * np.abs(losses[0] - floor)
        return np.asarray(~np.isfinite(losses).all(axis=0) | ~(losses[-1] <= losses[0] + rounding))


def runs_away(losses: Floats) -> Mask:
    """[B] whether a run [S, B] lost more height in its last quarter than in all of its way before."""
    quarter = max(1, (len(losses) - 1) // 4)
    with np.errstate(all="ignore"):
        return np.asarray((losses[-1 - quarter] - losses[-1]) > (losses[0] - losses[-1 - quarter]))


def spans(rates: Floats, zones: tuple[Zone, ...]) -> tuple[ZoneSpan, ...]:
    """Neighbouring rates of one zone, put together.

    >>> spans(np.array([1.0, 2.0, 3.0]), (Zone.TOO_SMALL, Zone.TOO_SMALL, Zone.DIVERGING))[0].high
    2.0
    """
    found: list[ZoneSpan] = []
    for rate, zone in zip(rates.tolist(), zones, strict=True):
        if found and found[-1].name is zone:
            found[-1] = ZoneSpan(zone, found[-1].low, rate)
        else:
            found.append(ZoneSpan(zone, rate, rate))
    return tuple(found)


def _interval(reached: Floats, rates: Floats | None) -> tuple[int, int] | None:
    """The widest group of neighbours that are fast enough, among those that hold a fastest rate; luck left out."""
    left = reached.copy()
    while np.isfinite(fewest := float(np.min(left, initial=np.inf))):
        fast = np.concatenate(([False], left <= TIMES_THE_FEWEST * fewest, [False]))
        edges = np.flatnonzero(fast[1:] != fast[:-1]).reshape(-1, 2)
        groups = [(int(low), int(high) - 1) for low, high in edges if (left[low:high] == fewest).any()]
        low, high = max(groups, key=lambda group: group[1] - group[0])
        if rates is None or not _is_luck(low, high, reached, rates):
            return low, high
        left[low : high + 1] = np.inf
    return None


def _is_luck(low: int, high: int, reached: Floats, rates: Floats) -> bool:
    """Whether a group stands alone among neighbours that fail.

    The steps of a run that creeps go with 1/rate: where speed is no accident, a neighbour is not much slower.
    """
    if low == 0 or high == len(rates) - 1 or rates[high + 1] >= ALONE * rates[low - 1]:
        return False
    slow = TIMES_THE_FEWEST**2 * float(reached[low : high + 1].min())
    return bool(reached[low - 1] > slow and reached[high + 1] > slow)


def _boundary(bounces: Mask, creeps: Mask) -> int:
    """The index [0 … B] below which rates creep and from which they bounce, with the fewest exceptions.

    One rate that happens to swing low at its end is an exception, not a zone. Of equals the highest.

    >>> _boundary(np.array([False, True, False, True, True]), np.array([True, False, True, False, False]))
    3
    """
    exceptions = np.concatenate(([0], np.cumsum(bounces))) + np.concatenate((np.cumsum(creeps[::-1])[::-1], [0]))
    return int(np.flatnonzero(exceptions == exceptions.min())[-1])
