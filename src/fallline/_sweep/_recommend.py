"""Which rate to use and why, or why there is no safe answer; docs/semantics.md#zones."""

import math
from dataclasses import dataclass

import numpy as np

from fallline._curvature import Limit
from fallline._records import Floats, Zone
from fallline._sweep._settling import saturates_from, still_falls
from fallline._sweep._words import counted, not_finite, percent, written
from fallline._sweep._zones import TIMES_THE_FEWEST, Judgement

SHARE = 0.5
"""Of the limit: no recommended rate is above it."""
OPEN = 10.0
"""Times the lowest just right rate: an interval that is wider and has no upper end has no middle either."""
DIGITS = (3, 4, 5, 6)


@dataclass(frozen=True)
class Picture:
    """What is known when a rate is to be chosen."""

    rates: Floats
    """[B]"""
    losses: Floats
    """[S, B] of the middle runs."""
    judgement: Judgement
    goal: float
    steps: int
    limit: Limit | None
    """Known beforehand; None where there is none."""
    bottom_seen: bool
    at_bottom: bool
    """There is no excess loss to remove."""
    maximizes: bool
    """The optimizer was told to climb."""
    capped: bool
    """Whether the limit holds at the bottom, so that nothing above half of it is recommended."""

    @property
    def range(self) -> str:
        """The rates tried, in words."""
        return f"{written(self.rates[0])} to {written(self.rates[-1])}"

    @property
    def start_loss(self) -> float:
        """Before the first step."""
        return float(self.losses[0, 0])

    def interval(self, just_right: tuple[int, int]) -> tuple[float, float]:
        """Lowest and highest just right rate; of rates that all make the same run only the lowest counts."""
        low, high = just_right
        same = saturates_from(self.losses)
        return float(self.rates[low]), float(self.rates[high if same is None else max(low, min(high, same))])

    def is_open(self, just_right: tuple[int, int]) -> bool:
        """Whether the largest rate tried was just right, and the smallest of them far below it: no upper end seen."""
        low, high = self.interval(just_right)
        return just_right[1] == len(self.rates) - 1 and high > OPEN * low and saturates_from(self.losses) is None

    def middle(self, just_right: tuple[int, int]) -> float:
        """The geometric middle; of an interval without an upper end that of its lowest decade."""
        low, high = self.interval(just_right)
        return float(np.sqrt(low * (OPEN * low if self.is_open(just_right) else high)))

    @property
    def most(self) -> float:
        """The largest rate that may be recommended, ∞ where there is no limit to keep."""
        return SHARE * self.limit.value if self.limit is not None and self.capped else np.inf

    @property
    def removed(self) -> Floats:
        """[B] the part of the excess loss that each run removed."""
        with np.errstate(all="ignore"):
            return np.asarray((self.start_loss - self.losses[-1]) / (self.start_loss - self.judgement.floor))


def chosen_rate(picture: Picture) -> float | None:
    """The geometric middle of just right, at most half the limit; None where there is no such rate."""
    found = picture.judgement.just_right
    if found is None:
        return None
    low, high = picture.interval(found)
    most = min(high, picture.most)
    if most < low:
        return None
    half = None if picture.limit is None else SHARE * picture.limit.value
    if half is not None and half >= low:
        most = min(most, half)  # a limit from the largest curvature anywhere is kept where that leaves a choice
    return rounded_within(min(picture.middle(found), most), low, most)


def rounded_within(value: float, low: float, high: float) -> float:
    """To three significant digits, or as many more as it takes to stay inside.

    >>> rounded_within(0.012843, 0.0079, 0.0209), rounded_within(0.01459706, 0.01, 0.01459706)
    (0.0128, 0.0145)
    >>> rounded_within(0.10004, 0.10003, 0.10004)
    0.10004
    """
    for digits in DIGITS:
        short = float(f"{value:.{digits}g}")
        unit = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
        for candidate in (short, short - unit, short + unit):
            if low <= candidate <= high:
                return float(f"{candidate:.{digits}g}")
    return value


def reason_for(picture: Picture, value: float) -> str:
    """Why this rate: the interval, its middle, the limit, the goal, with their numbers."""
    judgement = picture.judgement
    if judgement.just_right is None or judgement.fewest is None:
        raise ValueError("nothing is just right")
    low, high = picture.interval(judgement.just_right)
    goal, most = percent(picture.goal), TIMES_THE_FEWEST * judgement.fewest
    if low == high:
        where = (
            f"{written(value)} is the only measured rate that removes {goal} of the excess loss within {counted(most)}"
        )
    else:
        where = (
            f"Every measured rate from {written(low)} to {written(high)} removes {goal} of the excess loss within "
            f"{counted(most)}, three times the fewest; {written(value)} "
        )
        half = np.inf if picture.limit is None else SHARE * picture.limit.value
        held = value <= half < picture.middle(judgement.just_right) * (1 - 1e-9)
        if held:
            where += "is half the stability limit, below the middle of them"
        elif picture.is_open(judgement.just_right):
            where += "is the middle of their lowest decade, because no rate was too large"
        else:
            where += "is their geometric middle"
    if picture.limit is not None and value > picture.limit.value:
        return (
            f"{where}. The limit {written(picture.limit.value)} is that of the largest curvature; "
            "along these runs the loss curves less."
        )
    if picture.limit is not None:
        where += f", {percent(value / picture.limit.value)} of the stability limit {written(picture.limit.value)}"
    return f"{where}."


def why_none(picture: Picture) -> str:
    """Why no rate is recommended, and what to do."""
    return f"No safe answer: {_no_start(picture) or _no_bottom(picture) or _no_interval(picture)}"


def _no_start(picture: Picture) -> str | None:
    """What is wrong before the first step."""
    if not np.isfinite(picture.start_loss):
        return f"the loss at the start is {not_finite(picture.start_loss)}, so no rate can help. Start elsewhere."
    if np.isfinite(picture.losses).all() and np.ptp(picture.losses) == 0:
        return "nothing moved, the slope at the start is zero. Start elsewhere."
    if picture.maximizes:
        return "with maximize=True the optimizer climbs, whatever the rate. Leave that option out."
    if picture.at_bottom:
        return "the start is at the bottom already. Start elsewhere."
    return None


def _no_bottom(picture: Picture) -> str | None:
    """Why there is nothing to aim at."""
    rates, zones = picture.rates, picture.judgement.zones
    tried = f"the only rate tried, {written(rates[0])}," if len(rates) == 1 else f"every rate from {picture.range}"
    if picture.bottom_seen and all(zone is Zone.DIVERGING for zone in zones):
        return f"{tried} diverged. Try rates below {written(rates[0])}."
    if not (picture.removed > 0).any():
        return f"no run came lower than its start, at {tried.removesuffix(',')}."
    if not picture.bottom_seen:
        return (
            "the run that ended lowest was still plunging, so no bottom was seen to measure from. Either the loss has "
            "none, or more steps or larger rates are needed."
        )
    return None


def _no_interval(picture: Picture) -> str:
    """Why no rate is just right and safe."""
    judgement, rates, goal = picture.judgement, picture.rates, percent(picture.goal)
    if judgement.just_right is not None and picture.limit is not None:
        low = picture.interval(judgement.just_right)[0]
        return (
            f"the rates that are just right begin at {written(low)}, above half the stability limit "
            f"{written(picture.limit.value)}, which leaves no margin. With more steps smaller rates would do."
        )
    if judgement.elsewhere:
        few = ", ".join(f"{written(rates[place])}" for place in judgement.elsewhere)
        return (
            f"only {few} removed {goal} of the excess loss, between neighbours that did not: luck on this surface. "
            "More steps, or another start, may help."
        )
    best = int(np.argmax(np.where(np.isfinite(picture.removed), picture.removed, -np.inf)))
    got = f"{written(rates[best])} came closest and removed {percent(float(picture.removed[best]))}"
    missed = f"no rate removed {goal} of the excess loss in {counted(picture.steps)}"
    if all(zone is Zone.TOO_SMALL for zone in judgement.zones):
        what = "it creeps" if len(rates) == 1 else "they all creep"
        return f"{missed}; {what}. {got}. Try rates above {written(rates[-1])}, or more steps."
    falls = bool(still_falls(picture.losses)[best])
    advice = (
        "More steps would help, or a lower goal." if falls else "A lower goal, or another range of rates, may help."
    )
    return f"{missed}. {got}. {advice}"


def nothing_to_remove(start_loss: float, floor: float) -> bool:
    """Whether the start is at the floor, to rounding."""
    return bool(start_loss - floor <= 64 * np.finfo(np.float64).eps * max(abs(start_loss), abs(floor)))
