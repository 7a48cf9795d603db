"""The summary of a recording whose process was killed before it could write one, worked out from the record."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fallline._recorder._closing_line import line_of
from fallline._recorder._lookout import Lookout, rate_rose
from fallline._recorder._losses import Losses
from fallline._recorder._outcome import outcome_of
from fallline._records import Alarm, Cost, Recording, RecordingSummary, StepSeries

NO_END = "The record has no end (its process is at work, or was killed)"

NO_STEP = "No step is in this file: none was recorded, or none could be written"


def summarised_recording(recording: Recording) -> Recording:
    """The same recording with a summary; unchanged where it has one.

    Its outcome is *interrupted*, or *diverged* where an alarm was open at the last recorded step. What watching cost
    died with the process: the cost is of no seconds, and its share None.
    """
    if recording.summary is not None:
        return recording
    steps = recording.steps
    losses = Losses.of(steps.loss[steps.loss_measured])
    open_alarm = _open_alarm(recording)
    optimizers = len(recording.header.optimizers)
    last = int(steps.step[-1]) if len(steps) else 0
    outcome = outcome_of(
        losses, open_alarm, recording.alarms, ended=False, one_optimizer=optimizers == 1, last_step=last
    )
    batches = recording.batches
    line = (
        NO_STEP
        if not len(steps)
        else line_of(
            outcome,
            losses,
            steps=len(steps),
            open_alarm=open_alarm,
            alarms=recording.alarms,
            reaches=batches.reach[batches.reach_measured],
            cost=None,
            stopped=NO_END,
        )
    )
    summary = RecordingSummary(
        outcome, line, len(steps), losses.first, losses.last, losses.best, Cost(0.0, {}, 0.0), None
    )
    return replace(recording, summary=summary)


def _open_alarm(recording: Recording) -> Alarm | None:
    """The alarm that was not over: the lookout sees the recorded steps once more."""
    if not recording.alarms:
        return None
    steps, depth, row = recording.steps, recording.header.instruments.ring, 0

    def rose() -> bool:
        return rate_rose(steps.learning_rate[max(0, row + 1 - depth) : row + 1])

    told = {alarm.step for alarm in recording.alarms}

    def moved(before: Sequence[int]) -> int | None:
        return before[0] if int(steps.step[row]) in told else None

    lookout = Lookout(rose, moved)
    given = zip(steps.step.tolist(), steps.loss.tolist(), steps.loss_measured.tolist(), _finite(steps), strict=True)
    for row, (step, loss, measured, finite) in enumerate(given):  # noqa: B007  (``rose`` looks at it)
        lookout.see(step, loss if measured else None, finite)
        if lookout.since is not None:
            lookout.is_over()
    since = lookout.since
    if since is None or not lookout.still_broken:
        return None
    return next((alarm for alarm in recording.alarms if alarm.step >= since), recording.alarms[-1])


def _finite(steps: StepSeries) -> list[bool]:
    """[T] whether all norms of a step were finite."""
    norms = np.stack([steps.gradient_norm, steps.update_norm, steps.parameter_norm, steps.first_order_change])
    sound = np.asarray((np.isfinite(norms).all(axis=0) | ~steps.measured).all(axis=1))
    return [bool(each) for each in sound]
