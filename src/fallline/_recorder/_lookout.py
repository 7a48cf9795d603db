"""When an alarm goes off, and when it is over: from the loss, and whether everything is finite."""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from fallline._recorder._first_steps import FirstSteps, Moved
from fallline._recorder._recent_range import IN_A_ROW, WINDOW, RecentRange
from fallline._records import Floats, Trigger

RISEN: Final = 1.2
"""A learning rate that rose by more than this factor may have lifted the loss."""


class Spike(NamedTuple):
    """A loss above its ceiling that came back before it was an alarm."""

    step: int
    """Of the highest one."""
    loss: float
    median: float | None
    """The recent one then."""
    back: int
    """The step at which the loss was back."""


class Lookout:
    """Sees every step; answers with what sets an alarm off. Between an alarm and its end there is no other.

    But one: a number that is not finite outdoes a loss out of its range.

    Args:
        lifted: True where a larger learning rate may have lifted the loss; asked only before an alarm.
        moved: which of some steps made an update as long as the parameters; asked only of an early leap of the loss.
    """

    def __init__(self, lifted: Callable[[], bool], moved: Moved) -> None:
        self.range = RecentRange()
        self.spike: Spike | None = None
        """One that has just come back; whoever tells of it sets it to None."""
        self._peak: Spike | None = None
        self._first: FirstSteps | None = FirstSteps(moved)
        self.since: int | None = None
        """The step at which the run broke; None while no alarm is open."""
        self._lifted = lifted
        self._broken_by: Trigger | None = None
        self._calm: list[float] = []
        self._calm_steps = 0

    @property
    def still_broken(self) -> bool:
        """True from an alarm on, until the run has been ordinary for a few steps."""
        return self.since is not None and self._calm_steps < IN_A_ROW

    @property
    def wary(self) -> bool:
        """True where the last loss was so high that an alarm may be near."""
        return self.range.wary and self.since is None

    @property
    def calm_below(self) -> float:
        """A finite step with a loss up to this one sets nothing off and makes nobody wary."""
        usual = self.range.calm_below
        return usual if self._first is None else min(usual, self._first.calm_below)

    def see(self, step: int, loss: float | None, finite: bool) -> Trigger | None:
        """What sets an alarm off at this step; ``GRADIENT_NOT_FINITE`` stands for any norm that is not finite."""
        if loss is not None and not math.isfinite(loss):
            return self._break(step, Trigger.LOSS_NOT_FINITE)
        if not finite:
            return self._break(step, Trigger.GRADIENT_NOT_FINITE)
        if self.since is not None:
            self._count_calm(loss)
        elif loss is not None:
            if self._is_out(step, loss):
                self._peak = None
                return self._break(step, Trigger.LOSS_OUT_OF_RANGE)
            if self.range.above or self._peak is not None:
                self._follow(step, loss)
        return None

    @property
    def calm_for(self) -> int:
        """For so many steps up to :attr:`calm_below` that stays as it is; then a range is learned, or an alarm over."""
        return self.range.until if self.since is None else WINDOW - self._calm_steps

    def see_calm(self, losses: Sequence[float]) -> bool:
        """As :meth:`see`, for no more than :attr:`calm_for` losses up to :attr:`calm_below`, of finite steps.

        False, and nothing done, where each of them counts by itself: they have to be seen one by one.
        """
        if self.since is not None or self._first is not None or self.range.above or self._peak is not None:
            return False
        self.range.take_calm(losses)
        return True

    def _is_out(self, step: int, loss: float) -> bool:
        out = self.range.left_by(loss) and not (self._lifted() and self.range.allow_the_start())
        if self._first is None:
            return out
        start = self._first.shot_up_from(step, loss)
        if self._first.over:
            self._first = None
        if start is None:
            return out
        self.range.hold_against(start.highest, start.times)
        return True

    def _follow(self, step: int, loss: float) -> None:
        """A loss above the ceiling, or the first one after such losses."""
        if not self.range.above:
            self.spike, self._peak = self._peak, None
            if self.spike is not None:
                self.spike = self.spike._replace(back=step)
        elif self._peak is None or loss > self._peak.loss:
            self._peak = Spike(step, loss, self.range.median, step)

    def is_over(self) -> int | None:
        """The step at which an open alarm began, where the run has now been ordinary for a whole window; ends it."""
        if self._calm_steps < WINDOW:
            return None
        if self._calm:
            self.range.begin_anew(self._calm)
        since, self.since, self._broken_by = self.since, None, None
        self._calm, self._calm_steps = [], 0
        return since

    def _break(self, step: int, trigger: Trigger) -> Trigger | None:
        self._calm, self._calm_steps = [], 0
        if self._broken_by is None:
            self.since = step
        elif self._broken_by is not Trigger.LOSS_OUT_OF_RANGE:
            return None
        self._broken_by = trigger
        return trigger

    def _count_calm(self, loss: float | None) -> None:
        if loss is not None:
            if loss > self.range.ceiling:
                self._calm, self._calm_steps = [], 0
                return
            self._calm.append(loss)
        self._calm_steps += 1


def rate_rose(rates: Floats) -> bool:
    """True where the last of these rates [D, G] is larger than one before it, for any group."""
    return bool((rates[-1] > RISEN * rates.min(axis=0)).any())
