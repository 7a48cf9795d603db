"""Numbers into sentences. A sentence that does not hold for this run or step is not said."""

from fallline._explain._explanation import Explanation, explain
from fallline._explain._lines import (
    conversion_line,
    data_line,
    learned_lines,
    loss_line,
    loss_lines,
    optimizer_line,
    subtitle,
)
from fallline._explain._numbers import count, number, percent, rough, short
from fallline._explain._step import arithmetic, reach_note, step_beats, step_sentences
from fallline._explain._verdict import verdict

__all__ = [
    "Explanation",
    "arithmetic",
    "conversion_line",
    "count",
    "data_line",
    "explain",
    "learned_lines",
    "loss_line",
    "loss_lines",
    "number",
    "optimizer_line",
    "percent",
    "reach_note",
    "rough",
    "short",
    "step_beats",
    "step_sentences",
    "subtitle",
    "verdict",
]
