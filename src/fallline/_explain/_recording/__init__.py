"""Words for a watched loop: its story, one of its steps, its alarms, live lines. docs/semantics.md#watched-loops."""

from fallline._explain._recording._alarm import (
    VERDICTS,
    alarm_sentences,
    alarm_title,
    evidence_sentences,
    evidence_words,
    flight_values,
    remedy_sentences,
    usual,
)
from fallline._explain._recording._flight_table import flight_table, shown_layers
from fallline._explain._recording._instruments import RATE_IS_LIMIT, Instrument, instruments, loss_is_logarithmic
from fallline._explain._recording._layer_table import layer_table
from fallline._explain._recording._live import alarm_line, news_line
from fallline._explain._recording._loss_course import LossCourse, loss_course, smoothed, window_of
from fallline._explain._recording._one_step import recording_step_sentences, row_of, step_title
from fallline._explain._recording._rate_course import rate_courses
from fallline._explain._recording._reach_words import reach_verdict
from fallline._explain._recording._rows import layer_name, layer_words, optimizer_names, who_line
from fallline._explain._recording._sharpness_along import sharpness_along_numbers
from fallline._explain._recording._story import outcome_line, recording_paragraphs, recording_sentences, told_alarms

__all__ = [
    "RATE_IS_LIMIT",
    "VERDICTS",
    "Instrument",
    "LossCourse",
    "alarm_line",
    "alarm_sentences",
    "alarm_title",
    "evidence_sentences",
    "evidence_words",
    "flight_table",
    "flight_values",
    "instruments",
    "layer_name",
    "layer_table",
    "layer_words",
    "loss_course",
    "loss_is_logarithmic",
    "news_line",
    "optimizer_names",
    "outcome_line",
    "rate_courses",
    "reach_verdict",
    "recording_paragraphs",
    "recording_sentences",
    "recording_step_sentences",
    "remedy_sentences",
    "row_of",
    "sharpness_along_numbers",
    "shown_layers",
    "smoothed",
    "step_title",
    "told_alarms",
    "usual",
    "who_line",
    "window_of",
]
