"""How a watched loop ended; docs/semantics.md#outcome-of-a-loop."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from fallline._recorder._losses import WIDEST, Losses
from fallline._records import Alarm, Floats, Outcome, Trigger

RISEN: Final = 0.1
"""A loss ends above its start where it is higher by more than this part of the start's size …"""
STANDARD_ERRORS: Final = 3
"""… and by more than so many standard errors of the start's median."""
FEW: Final = 4
"""In windows of fewer losses no scatter can be told: there it has to have risen by the start's whole size."""
MANY: Final = 8
"""So many losses of an end are needed to hold them against a single one."""
NOW: Final = 5
"""Losses that tell where the run stands."""


def outcome_of(
    losses: Losses, open_alarm: Alarm | None, alarms: Sequence[Alarm], *, ended: bool, one_optimizer: bool
) -> Outcome:
    """Diverged, interrupted, stalled or descending, tested in this order.

    Never *converged*: the losses of single batches cannot show it.

    Args:
        losses: as given to ``watch.step``.
        open_alarm: an alarm that is not over; None where there is none.
        alarms: all of them.
        ended: False where the loop was stopped, or the record has no end.
        one_optimizer: of several, each with its own aim, a rising loss says nothing.
    """
    if losses.last is not None and not math.isfinite(losses.last):
        return Outcome.DIVERGED
    if open_alarm is not None and (open_alarm.trigger is not Trigger.LOSS_OUT_OF_RANGE or is_above_start(losses, NOW)):
        return Outcome.DIVERGED
    if not ended or losses.count == 0:
        return Outcome.DESCENDING if ended else Outcome.INTERRUPTED
    if one_optimizer and (is_above_start(losses, WIDEST) or _blew_up_at_once(losses, alarms)):
        return Outcome.DIVERGED
    from fallline._problem import has_stalled  # noqa: PLC0415  (PyTorch, which a record of a killed run does without)

    return Outcome.STALLED if has_stalled(losses.course[:, np.newaxis])[0] else Outcome.DESCENDING


def is_above_start(losses: Losses, last: int) -> bool:
    """True where the last losses are above the first ones, beyond their scatter.

    By medians of a quarter of the run each, at most 100 losses, of the end at most ``last``.
    """
    window = _window(losses)
    head, tail = _finite(losses.head(window)), _finite(losses.tail(min(window, last)))
    if not len(head) or not len(tail):
        return False
    start = float(np.median(head))
    scatter = 1.25 * float(np.std(head)) / np.sqrt(len(head)) if len(head) >= FEW else 0.0
    least = max((RISEN if len(head) >= FEW else 1.0) * abs(start), STANDARD_ERRORS * scatter)
    return bool(np.median(tail) > start + least)


def _blew_up_at_once(losses: Losses, alarms: Sequence[Alarm]) -> bool:
    """True where an alarm went off among the first losses, and the whole end is above twice the very first one.

    The first losses are no measure then: they are those of the explosion.
    """
    window = _window(losses)
    end = _finite(losses.tail(window))
    if losses.first is None or not any(alarm.step < window for alarm in alarms):
        return False
    return bool(len(end) >= MANY and end.min() > 2 * abs(losses.first))


def _window(losses: Losses) -> int:
    return min(WIDEST, max(1, losses.count // 4))


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]
