"""Which rate to use and why, or why there is no safe answer; docs/semantics.md#zones."""

import math
from dataclasses import dataclass

import numpy as np

from fallline._curvature import Limit
from fallline._records import Floats, LimitKind, Zone
from fallline._sweep._settling import still_falls
from fallline._sweep._zones import Judgement
from fallline._wording import count, not_finite, percent, percent_below, written

SHARE = 0.5
"""Of the limit: no recommended rate is above it."""
OPEN = 10.0
"""Times the lowest just right rate: an interval that is wider and has no upper end has no middle either."""
DIGITS = (3, 4, 5, 6)
ROUNDED = 0.01
"""A rate within this share of a place is called that place: it was rounded to three digits, or to stay inside."""


@dataclass(frozen=True, kw_only=True)
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
    same_from: int | None
    """The index from which on all rates make the same run, None where they differ."""

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
        same = self.same_from
        return float(self.rates[low]), float(self.rates[high if same is None else max(low, min(high, same))])

    def is_open(self, just_right: tuple[int, int]) -> bool:
        """Whether the largest rate tried was just right, and the smallest of them far below it: no upper end seen."""
        low, high = self.interval(just_right)
        return just_right[1] == len(self.rates) - 1 and high > OPEN * low and self.same_from is None

    def middle(self, just_right: tuple[int, int]) -> float:
        """The geometric middle; of an interval without an upper end that of its lowest decade."""
        low, high = self.interval(just_right)
        return float(np.sqrt(low) * np.sqrt(OPEN * low if self.is_open(just_right) else high))

    @property
    def most(self) -> float:
        """The largest rate that may be recommended, ∞ where there is no limit to keep."""
        return SHARE * self.limit.value if self.limit is not None and self.capped else np.inf

    @property
    def removed(self) -> Floats:
        """[B] the part of the excess loss at its own start that each run removed."""
        with np.errstate(all="ignore"):
            return np.asarray((self.losses[0] - self.losses[-1]) / (self.losses[0] - self.judgement.floor))


def chosen_rate(picture: Picture) -> float | None:
    """The geometric middle of just right, at most half the limit; None where there is no such rate."""
    found = picture.judgement.just_right
    if found is None:
        return None
    low, high = picture.interval(found)
    most = min(high, picture.most)
    if most < low:
        return None
    if low == high:
        return low
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


def reason_for(picture: Picture, value: float, steps: int | None = None) -> str:
    """Why this rate: its steps to the goal, those of the rates around it, where it lies among them, the limit.

    ``steps``: to the goal, of the run at ``value`` where that is none of the rates swept.
    """
    found = picture.judgement.just_right
    if found is None:
        raise ValueError("nothing is just right")
    reached = [needed for needed in picture.judgement.steps_to_goal[found[0] : found[1] + 1] if needed is not None]
    most = max(reached if steps is None else [*reached, steps])
    goal = f"the goal ({percent(picture.goal)} of the excess loss removed)"
    low, high = picture.interval(found)
    share, limit = _beside_the_limit(picture, value)
    if low == high:
        others = "larger rates make the same run" if found[0] < found[1] else _no_other(picture)
        of_limit = f" It is {share}." if share else ""
        return f"{written(value)} needs {count(most, 'step')} to {goal}; {others}.{of_limit}{limit}"
    same = ", and larger ones make the same run" if high < picture.rates[found[1]] else ""
    around = f"the rates from {written(low)} to {written(high)} around it need at most"
    if steps is None:
        needs, subject = f"{_upper(around)} {count(most, 'step')} to {goal}{same}.", written(value)
    else:
        subject = "It"
        needs = f"{written(value)} needs {count(steps, 'step')} to {goal}; {around} {most:,}{same}."
    place = _place(picture, value, found)
    told = share and "half the stability limit" not in place
    return f"{needs} {subject} is {place}{f', {share}' if told else ''}.{limit}"


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _place(picture: Picture, value: float, found: tuple[int, int]) -> str:
    """Where the rate lies among those that are just right: their middle, or what keeps it below."""
    half = np.inf if picture.limit is None else SHARE * picture.limit.value
    middle, aim = "their geometric middle", picture.middle(found)
    if picture.limit is not None and value <= half < aim * (1 - 1e-9):
        middle, aim = f"half the stability limit {written(picture.limit.value)}, below their geometric middle", half
    elif picture.is_open(found):
        middle = "the middle of their lowest decade, because no rate was too large"
    return middle if abs(value - aim) <= ROUNDED * aim else f"the just right rate nearest to {middle}"


def _no_other(picture: Picture) -> str:
    return "no other rate was swept" if len(picture.rates) == 1 else "no other of the rates swept is just right"


def _beside_the_limit(picture: Picture, value: float) -> tuple[str, str]:
    """How the rate lies to the limit: its share, to follow the rate, and a sentence where that says too much."""
    limit = picture.limit
    if limit is None:
        return "", ""
    text = written(limit.value)
    if limit.kind is LimitKind.FULL_BATCH:
        return "", f" The stability limit {text} is that of all rows at once, and no bound for mini-batches."
    if value <= limit.value:
        return f"{percent(value / limit.value)} of the stability limit {text}", ""
    if limit.kind is LimitKind.ANYWHERE:
        return "", f" The limit {text} is that of the largest curvature the loss can have, and these runs got past it."
    return "", f" The limit {text} is that of the curvature at one place, and no bound for the whole way."


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
        if rises_to(picture.removed, judgement.elsewhere[-1]):
            return (
                f"only {few} removed {goal} of the excess loss in {count(picture.steps, 'step')}. Up to there every "
                "larger rate came lower, and none beyond it reached the goal. More steps would let smaller rates do it."
            )
        return (
            f"only {few} removed {goal} of the excess loss, between neighbours that did not: luck on this surface. "
            "More steps, or another start, may help."
        )
    best = int(np.argmax(np.where(np.isfinite(picture.removed), picture.removed, -np.inf)))
    share = percent_below(float(picture.removed[best]), picture.goal)
    got = f"{written(rates[best])} came closest and removed {share}"
    missed = f"no rate removed {goal} of the excess loss in {count(picture.steps, 'step')}"
    if all(zone is Zone.TOO_SMALL for zone in judgement.zones):
        what = "it creeps" if len(rates) == 1 else "they all creep"
        return f"{missed}; {what}. {got}. Try rates above {written(rates[-1])}, or more steps."
    if best + 1 < len(rates) and judgement.zones[best : best + 2] == (Zone.TOO_SMALL, Zone.DIVERGING):
        return f"{missed}. {got}. Try rates between it and {written(rates[best + 1])}, which diverges."
    falls = bool(still_falls(picture.losses)[best])
    advice = (
        "More steps would help, or a lower goal." if falls else "A lower goal, or another range of rates, may help."
    )
    return f"{missed}. {got}. {advice}"


def rises_to(removed: Floats, last: int) -> bool:
    """Whether every rate removed as much as the one before it or more, up to the ``last``: that is no luck.

    >>> rises_to(np.array([0.1, 0.5, 0.99, 0.2]), 2), rises_to(np.array([0.5, 0.1, 0.99, 0.2]), 2)
    (True, False)
    """
    return bool((np.diff(removed[: last + 1]) >= 0).all())


def nothing_to_remove(start_loss: float, floor: float) -> bool:
    """Whether the start is at the floor, to rounding."""
    return bool(start_loss - floor <= 64 * np.finfo(np.float64).eps * max(abs(start_loss), abs(floor)))
