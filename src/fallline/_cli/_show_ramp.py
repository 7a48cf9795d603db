"""A ramp on the screen: the answer first, then what it rests on."""

import json
from collections.abc import Sequence
from textwrap import wrap

import numpy as np

from fallline._cli._plot import Mark, Series, line_plot
from fallline._cli._screen import Screen
from fallline._columns import aligned
from fallline._explain import (
    ramp_answer_line,
    ramp_curvature_sentences,
    ramp_end_sentences,
    ramp_line,
    ramp_numbers,
    ramp_trial_rows,
    ramp_trial_sentence,
    rule_rows,
    rule_source_sentences,
)
from fallline._records import Floats, Ramp
from fallline._store import plain

PLOT_WIDTH = 100
ABOVE_FIRST = 1.5
"""The plot is cut this many times above the first loss: the explosion would flatten everything else."""
MARKS = ("●", "○", "◆")
LETTERS = ("*", "o", "+")
SIDES = (False, True, True, True, False)
"""Which columns of the tables hold numbers."""


def as_json(result: Ramp) -> str:
    """The result for programs: docs/json.md."""
    return json.dumps(plain(ramp_numbers(result)), indent=2, allow_nan=False, ensure_ascii=False)


def show_ramp(screen: Screen, result: Ramp) -> None:
    """The whole story, top to bottom."""
    screen.paragraph(ramp_line(result))
    screen.say("")
    screen.paragraph(ramp_answer_line(result))
    picture = ramp_plot(result, min(screen.width, PLOT_WIDTH))
    screen.say("", *picture, *([""] if picture else []))
    for sentence in ramp_end_sentences(result):
        screen.paragraph(sentence)
    screen.say("", *_table(rule_rows(result), screen.width), "")
    for sentence in (*rule_source_sentences(result), *ramp_curvature_sentences(result)):
        screen.paragraph(sentence)
    rows = ramp_trial_rows(result)
    if rows:
        screen.say("", *_table(rows, screen.width), "")
        screen.paragraph(ramp_trial_sentence(result))


def _table(rows: list[Sequence[str]], width: int) -> list[str]:
    """A table, or where the terminal is too narrow for it each row as a few lines."""
    lines = aligned(rows, SIDES)
    if max(map(len, lines)) <= width:
        return lines
    (_, *heads), found = rows[0], []
    for name, *cells in rows[1:]:
        told = [f"{head} {cell}".strip() for head, cell in zip(heads, cells, strict=True) if cell]
        words = ", ".join(told).replace("middle nothing", "nothing")
        found += [*wrap(name, width), *wrap(words, width, initial_indent="  ", subsequent_indent="  ")]
    return found


def ramp_plot(result: Ramp, width: int) -> list[str]:
    """The smoothed loss of the first seeds against the rate; nothing where none is finite."""
    shown = result.passes[: len(MARKS)]
    if not any(np.isfinite(each.smoothed).any() for each in shown):
        return []
    first = _first_finite(shown[0].smoothed)
    together = np.concatenate([each.smoothed[np.isfinite(each.smoothed)] for each in shown])
    marks = [] if result.answer is None else [Mark("answer", result.answer.value, "▲", "A")]
    half = result.curvature.half
    if half is not None and result.rates[0] <= half.middle <= result.rates[-1]:
        marks.append(Mark("half the limit", half.middle, "┃", "L"))
    cut = first + (ABOVE_FIRST - 1) * abs(first)
    return line_plot(
        [
            Series(f"seed {each.seed}", mark, result.rates[: len(each.smoothed)], each.smoothed, letter)
            for each, mark, letter in zip(shown, MARKS, LETTERS, strict=False)
        ],
        width=width,
        log_x=True,
        y_high=cut if np.max(together) > cut else None,
        x_title="learning rate",
        y_title="smoothed loss",
        marks=marks,
    )


def _first_finite(losses: Floats) -> float:
    finite = losses[np.isfinite(losses)]
    return float(finite[0]) if len(finite) else 0.0
