"""Words for a watched loop: its story, one of its steps, its alarms, live lines. docs/semantics.md#watched-loops."""

from fallline._explain._recording._alarm import alarm_sentences, alarm_title, evidence_sentences, evidence_words
from fallline._explain._recording._flight_table import flight_table
from fallline._explain._recording._instruments import Instrument, instruments
from fallline._explain._recording._layer_table import layer_table
from fallline._explain._recording._live import alarm_line, news_line
from fallline._explain._recording._loss_course import LossCourse, loss_course, smoothed, window_of
from fallline._explain._recording._one_step import recording_step_sentences, row_of, step_title
from fallline._explain._recording._own_batch import limit_shares, reach_verdict
from fallline._explain._recording._rows import optimizer_names, who_line
from fallline._explain._recording._story import outcome_line, recording_paragraphs, recording_sentences, told_alarms

__all__ = [
    "Instrument",
    "LossCourse",
    "alarm_line",
    "alarm_sentences",
    "alarm_title",
    "evidence_sentences",
    "evidence_words",
    "flight_table",
    "instruments",
    "layer_table",
    "limit_shares",
    "loss_course",
    "news_line",
    "optimizer_names",
    "outcome_line",
    "reach_verdict",
    "recording_paragraphs",
    "recording_sentences",
    "recording_step_sentences",
    "row_of",
    "smoothed",
    "step_title",
    "told_alarms",
    "who_line",
    "window_of",
]
