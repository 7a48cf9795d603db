"""The one line that a watch says at the end: only what was measured."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from fallline._recorder._first_to_break import layers_at_once
from fallline._recorder._losses import Losses, window_before
from fallline._records import Alarm, Cost, Floats, Outcome, Trigger
from fallline._run_names import RUNS
from fallline._wording import count, layer_in_words, multiple, reach_number, written

WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

EXPLODED: Final = 5.0
"""A run exploded where its highest loss is above so many times the means of both its ends."""


def line_of(
    outcome: Outcome,
    losses: Losses,
    *,
    steps: int,
    open_alarm: Alarm | None,
    alarms: Sequence[Alarm],
    reaches: Floats,
    cost: Cost | None,
    stopped: str | None,
) -> str:
    """What came of a watched loop, in one line.

    Args:
        outcome: how it ended.
        losses: as given.
        steps: how many were recorded.
        open_alarm: the alarm that is not over.
        alarms: all of them.
        reaches: [R] every reach that was measured.
        cost: of watching; None where it is not known.
        stopped: why it ended, where not by itself: ``Ended by ValueError``.
    """
    if steps == 0:
        return "No step was recorded: call watch.step(loss) after optimizer.step()"
    if outcome is Outcome.DIVERGED and open_alarm is not None:
        clauses = [*diverged(open_alarm), *([] if stopped is None else [f"{stopped[0].lower()}{stopped[1:]}"])]
    else:
        calm = alarms[0].step if alarms and losses.count == steps else losses.count
        clauses = [_course(outcome, losses, steps, stopped, calm), *_alarms(alarms)]
        if len(reaches):
            clauses.append(f"reach {reach_number(float(np.median(reaches)))} in the median")
        if cost is not None and cost.share is not None:
            clauses.append(f"watching cost {multiple(cost.share)}")
    return "; ".join(clauses)


def diverged(alarm: Alarm) -> list[str]:
    """The story of an alarm in a few clauses.

    As: ``Diverged at step 4,312``, ``layer4.conv1 went first``, ``reach 3.1 three steps before``.
    """
    clauses = [f"Diverged at step {alarm.step:,}"]
    if alarm.first_layer is not None:
        clauses.append(f"{layer_in_words(alarm.first_layer)} went first")
    elif alarm.first_quantity not in {None, "loss"}:
        clauses.append(f"{several_layers(alarm)} left their range at once at step {alarm.first_step:,}")
    if alarm.reach is not None and alarm.reach_step is not None:
        clauses.append(f"reach {reach_number(alarm.reach)} {steps_in_words(alarm.step - alarm.reach_step)} before")
    return clauses


def several_layers(alarm: Alarm) -> str:
    """Those of an alarm that broke together: ``all 3 layers``, ``5 of 12 layers``."""
    broke, seen = layers_at_once(alarm.flight, alarm.first_step)
    if broke == seen:
        return "both layers" if seen == 2 else f"all {seen:,} layers"
    return f"{broke:,} of {count(seen, 'layer')}"


def steps_in_words(steps: int) -> str:
    """Small numbers as words.

    >>> steps_in_words(3), steps_in_words(1), steps_in_words(1200)
    ('three steps', 'one step', '1,200 steps')
    """
    said = WORDS[steps] if steps < len(WORDS) else f"{steps:,}"
    return f"{said} step" if steps == 1 else f"{said} steps"


def how_to_explain(path: str) -> str:
    """The command that tells more.

    >>> how_to_explain("runs/0001-mlp.db"), how_to_explain("out/my run.db")
    ('fallline explain', "fallline explain 'out/my run.db'")
    """
    return "fallline explain" if Path(path).parent == RUNS else f"fallline explain {shlex.quote(path)}"


def _course(outcome: Outcome, losses: Losses, steps: int, stopped: str | None, calm: int) -> str:
    """Means of both ends; before the first alarm there are ``calm`` losses, and no mean at the start goes beyond."""
    said = count(steps, "step") if stopped is None else f"{stopped} after {count(steps, 'step')}"
    if losses.count == 0:
        return f"{said} without a loss"
    if losses.count == 1:
        return f"{said}: loss {written(losses.head(1)[0])}"
    window = window_before(losses.count, calm)
    first, last = (float(np.mean(end)) for end in (losses.head(window), losses.tail(window)))
    of = "the first and last" if window == 1 else f"means of the first and last {window}"
    turn = ", no longer falling" if outcome is Outcome.STALLED else ""
    if outcome is Outcome.DIVERGED:
        turn = ", above its start" if first < last else f", above its very first, {written(losses.head(1)[0])}"
    else:
        turn += _explosion(losses, calm, first, last) + _rise(losses, first, last)
    return f"{said}: loss {written(first)} to {written(last)} ({of}){turn}"


def _explosion(losses: Losses, calm: int, first: float, last: float) -> str:
    """That a run with an alarm went far above both its ends in between; nothing where it did not."""
    highest, least = losses.highest, EXPLODED * max(first, last)
    if calm == losses.count or highest is None or not 0 < least < highest:
        return ""
    return f", after it had exploded to {written(highest)} and come back"


def _rise(losses: Losses, first: float, last: float) -> str:
    """Where the means fall only because the loss rose at once: that it ends above its very first."""
    start = float(losses.head(1)[0])
    if not first >= last > start:
        return ""
    never = "never below" if losses.best == start else "above"
    return f", {never} its very first, {written(start)}"


def _alarms(alarms: Sequence[Alarm]) -> list[str]:
    if not alarms:
        return []
    what = {Trigger.LOSS_OUT_OF_RANGE: "the loss left its range"}.get(alarms[0].trigger, str(alarms[0].trigger))
    return [f"{count(len(alarms), 'alarm')}, the first at step {alarms[0].step:,}: {what}"]
