"""How a watched loop ended; docs/semantics.md#outcome-of-a-loop."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from fallline._recorder._first_steps import FIRST_STEPS
from fallline._recorder._losses import WIDEST, Losses
from fallline._recorder._recent_range import WINDOW
from fallline._records import Alarm, Floats, Outcome, Trigger

RISEN: Final = 0.1
"""A loss ends above its start where it is higher by more than this part of the start's size …"""
STANDARD_ERRORS: Final = 3
"""… and by more than so many standard errors of the start's median."""
FEW: Final = 4
"""In windows of fewer losses no scatter can be told: there it has to have risen by the start's whole size. Two such
windows are also the least from which a direction is told."""
MANY: Final = 8
"""So many losses of an end are needed to hold them against a single one."""
NOW: Final = 5
"""Losses that tell where the run stands, or stood at first."""


def outcome_of(
    losses: Losses,
    open_alarm: Alarm | None,
    alarms: Sequence[Alarm],
    *,
    ended: bool,
    one_optimizer: bool,
    last_step: int,
) -> Outcome:
    """Diverged, interrupted, ended, stalled or descending, tested in this order.

    Never *converged*: the losses of single batches cannot show it.

    Args:
        losses: as given to ``watch.step``.
        open_alarm: an alarm that is not over; None where there is none.
        alarms: all of them.
        ended: False where the loop was stopped, or the record has no end.
        one_optimizer: of several, each with its own aim, a rising loss says nothing.
        last_step: that was recorded.
    """
    gone = losses.last is not None and not math.isfinite(losses.last)
    if gone or (open_alarm is not None and _ends_in(open_alarm, losses, last_step)):
        return Outcome.DIVERGED
    if not ended:
        return Outcome.INTERRUPTED
    if one_optimizer and (is_above_start(losses, WIDEST) or _blew_up_at_once(losses, alarms)):
        return Outcome.DIVERGED
    if losses.count < 2 * FEW:
        return Outcome.ENDED
    from fallline._problem import has_stalled  # noqa: PLC0415  (PyTorch, which a record of a killed run does without)

    if has_stalled(losses.course[:, np.newaxis])[0] or not is_below_start(losses, alarms):
        return Outcome.STALLED
    return Outcome.DESCENDING


def _ends_in(alarm: Alarm, losses: Losses, last_step: int) -> bool:
    """True where the run ends within an open alarm: with what is not finite, soon after it, or above its start.

    A loss that left its range long ago and settled below its start has only found another level.
    """
    soon = last_step - alarm.step < WINDOW
    return alarm.trigger is not Trigger.LOSS_OUT_OF_RANGE or soon or is_above_start(losses, NOW)


def is_above_start(losses: Losses, last: int) -> bool:
    """True where the last losses are above the first ones, beyond their scatter.

    By medians of a quarter of the run each, at most 100 losses, of the end at most ``last``; and above that of the
    first five too, because a loss that falls fast has left its start within the quarter.
    """
    window = _window(losses)
    head, tail = _finite(losses.head(window)), _finite(losses.tail(min(window, last)))
    first = _finite(losses.head(min(window, NOW)))
    if not len(first) or not len(tail):
        return False
    start = float(np.median(head))
    scatter = 1.25 * float(np.std(head)) / np.sqrt(len(head)) if len(head) >= FEW else 0.0
    least = max((RISEN if len(head) >= FEW else 1.0) * abs(start), STANDARD_ERRORS * scatter)
    end = float(np.median(tail))
    return end > start + least and end > float(np.median(first))


def is_below_start(losses: Losses, alarms: Sequence[Alarm]) -> bool:
    """False where a run that exploded among its first losses ends no lower, beyond scatter, than before that.

    Its losses fall from the height of the explosion: that is no descent.
    """
    start = _before_explosion(losses, alarms)
    end = _finite(losses.tail(_window(losses)))
    if start is None or not len(end):
        return True
    scatter = 1.25 * float(np.std(end)) / np.sqrt(len(end))
    return bool(np.median(end) < start - STANDARD_ERRORS * scatter)


def _blew_up_at_once(losses: Losses, alarms: Sequence[Alarm]) -> bool:
    """True where an alarm went off among the first losses, and the end is above what was before, beyond its scatter.

    The first losses are no measure then: they are those of the explosion.
    """
    start, end = _before_explosion(losses, alarms), _finite(losses.tail(_window(losses)))
    if start is None or len(end) < MANY:
        return False
    scatter = 1.25 * float(np.std(end)) / np.sqrt(len(end))
    return bool(np.median(end) > start + max(RISEN * abs(start), STANDARD_ERRORS * scatter))


def _before_explosion(losses: Losses, alarms: Sequence[Alarm]) -> float | None:
    """The highest loss before what broke among the first losses; None where no alarm went off so early."""
    if not alarms or alarms[0].step >= max(FIRST_STEPS, _window(losses)):
        return None
    before = _finite(losses.head(max(1, alarms[0].first_step)))
    return float(before.max()) if len(before) else None


def _window(losses: Losses) -> int:
    return min(WIDEST, max(1, losses.count // 4))


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]
