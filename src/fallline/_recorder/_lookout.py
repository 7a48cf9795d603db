"""When an alarm goes off, and when it is over: from the loss, and whether everything is finite."""

import math
from collections.abc import Callable
from typing import Final

from fallline._recorder._recent_range import IN_A_ROW, WINDOW, RecentRange
from fallline._records import Floats, Trigger

RISEN: Final = 1.2
"""A learning rate that rose by more than this factor may have lifted the loss."""


class Lookout:
    """Sees every step; answers with what sets an alarm off. Between an alarm and its end there is no other.

    But one: a number that is not finite outdoes a loss out of its range.

    Args:
        lifted: True where a larger learning rate may have lifted the loss; asked only before an alarm.
    """

    def __init__(self, lifted: Callable[[], bool]) -> None:
        self.range = RecentRange()
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

    def see(self, step: int, loss: float | None, finite: bool) -> Trigger | None:
        """What sets an alarm off at this step; ``GRADIENT_NOT_FINITE`` stands for any norm that is not finite."""
        if loss is not None and not math.isfinite(loss):
            return self._break(step, Trigger.LOSS_NOT_FINITE)
        if not finite:
            return self._break(step, Trigger.GRADIENT_NOT_FINITE)
        if self.since is not None:
            self._count_calm(loss)
        elif loss is not None and self.range.left_by(loss) and not (self._lifted() and self.range.allow_the_start()):
            return self._break(step, Trigger.LOSS_OUT_OF_RANGE)
        return None

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
