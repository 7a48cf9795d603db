"""What a watched loop did, as paragraphs: the one line of its end, then what the record shows."""

import numpy as np

from fallline._explain._numbers import count
from fallline._explain._recording._alarm import alarm_sentences, alarm_title, evidence_sentences
from fallline._explain._recording._loss_course import loss_sentences
from fallline._explain._recording._made_of import made_of_sentences
from fallline._explain._recording._making import record_sentences, update_sentences
from fallline._explain._recording._moves import move_sentences
from fallline._explain._recording._own_batch import own_batch_sentences
from fallline._explain._recording._rate_course import rate_sentences
from fallline._explain._recording._sharpness_along import sharpness_sentences
from fallline._records import Alarm, Recording, Trigger
from fallline._wording import visible

MOST_LINES = 5
"""Further alarms beyond so many are counted."""


def outcome_line(recording: Recording) -> str:
    """The line said at the end; worked out from the record where it has none."""
    from fallline._recorder import summarised_recording  # noqa: PLC0415  (its outcome may need PyTorch)

    summary = summarised_recording(recording).summary
    return "" if summary is None else visible(summary.line)


@np.errstate(all="ignore")  # what is not finite is data
def recording_paragraphs(recording: Recording) -> list[list[str]]:
    """Loss and rates; how far steps went; their own batch; the sharpness; what updates are made of; the record."""
    summary = recording.summary
    ended = []
    if summary is not None and summary.exception is not None and summary.exception not in summary.line:
        ended = [visible(f"The loop ended with an exception: {summary.exception}")]
    together = [
        [*ended, *loss_sentences(recording), *rate_sentences(recording), *update_sentences(recording)],
        move_sentences(recording),
        own_batch_sentences(recording),
        sharpness_sentences(recording),
        made_of_sentences(recording),
        record_sentences(recording),
    ]
    return [[visible(sentence) for sentence in paragraph] for paragraph in together if paragraph]


@np.errstate(all="ignore")  # what is not finite is data
def recording_sentences(recording: Recording) -> list[str]:
    """The whole story, a sentence each: the end, the alarms, what the record shows."""
    told = [outcome_line(recording)]
    alarms, others = told_alarms(recording)
    for alarm in alarms:
        told += [f"{alarm_title(alarm)}.", *alarm_sentences(recording, alarm), *evidence_sentences(alarm)]
    return [*told, *others, *(sentence for paragraph in recording_paragraphs(recording) for sentence in paragraph)]


def told_alarms(recording: Recording) -> tuple[list[Alarm], list[str]]:
    """The alarms whose story is told: the first, and the first with something not finite; lines for the rest."""
    alarms = recording.alarms
    broken = [alarm for alarm in alarms if alarm.trigger is not Trigger.LOSS_OUT_OF_RANGE]
    told = [alarm for alarm in alarms if alarm is alarms[0] or alarm is next(iter(broken), None)]
    rest = [alarm for alarm in alarms if alarm not in told]
    lines = [f"{alarm_title(alarm)}." for alarm in rest[:MOST_LINES]]
    hidden = len(rest) - MOST_LINES
    return told, [*lines, f"{count(hidden, 'more alarm')}."] if hidden > 0 else lines
