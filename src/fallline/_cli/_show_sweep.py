"""A sweep on the screen: the answer first, then what it rests on."""

import json
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np

from fallline._cli._plot import Band, Mark, Series, line_plot
from fallline._cli._screen import MOST_READABLE, Screen
from fallline._columns import aligned
from fallline._explain import (
    ending_sentences,
    folklore_sentences,
    frozen_sentences,
    goal_sentences,
    landmark_rows,
    probe_sentences,
    rate_columns,
    rate_digits,
    rate_rows,
    recommendation_sentences,
    stall_sentences,
    sweep_line,
    sweep_numbers,
    trial_rows,
    trial_words,
    zone_meaning,
    zone_range,
)
from fallline._records import LimitKind, SweepResult, Zone
from fallline._store import plain
from fallline._wording import count

FILLS = {
    Zone.TOO_SMALL: ("░", "s"),
    Zone.JUST_RIGHT: ("█", "#"),
    Zone.BOUNCING: ("▒", "b"),
    Zone.DIVERGING: ("╳", "x"),
}
"""How each zone is filled under the plot, in block characters and in plain ASCII."""
ABOVE_START = 3.0
"""The plot is cut this many times above the starting loss: a diverging run would flatten all others."""
DEEPEST = 1e-6
"""The plot is cut at this share of the starting loss: on a formula, losses go down to rounding."""
PLOT_WIDTH = 100
COLUMN_CHOICES = ((0, 1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 5, 6), (0, 1, 2, 3, 6), (0, 1, 2, 6), (0, 1, 2))
"""Which columns of the rates' table are shown: the first choice that the terminal has room for."""
NUMERIC = (True, False, True, True, False, True, False)
"""Which columns of the rates' table hold numbers."""


def as_json(result: SweepResult, page: Path | None) -> str:
    """The result for programs: docs/json.md."""
    told = {**sweep_numbers(result), "report": None if page is None else str(page)}
    return json.dumps(plain(told), indent=2, allow_nan=False, ensure_ascii=False)


def all_diverged(result: SweepResult) -> bool:
    """True where no rate of the sweep descended."""
    return all(zone is Zone.DIVERGING for zone in result.zone_of_each)


def show_sweep(screen: Screen, result: SweepResult, page: Path | None) -> None:
    """The whole story, top to bottom."""
    screen.paragraph(sweep_line(result))
    screen.say("")
    for sentence in recommendation_sentences(result):
        screen.paragraph(sentence)
    picture = final_loss_plot(result, min(screen.width, PLOT_WIDTH))
    screen.say("", *picture, *([""] if picture else []))
    for sentence in goal_sentences(result):
        screen.paragraph(sentence)
    parts = [f(result, screen.width) for f in (zone_lines, rate_table, limit_lines, trial_lines)]
    screen.say(*(line for part in parts if part for line in (*part, "")))
    remarks = (ending_sentences, stall_sentences, frozen_sentences, folklore_sentences, probe_sentences)
    for sentence in (sentence for told in remarks for sentence in told(result)):
        screen.paragraph(sentence)
    if page is not None:
        screen.say("", f"report  {page}")


def final_loss_plot(result: SweepResult, width: int) -> list[str]:
    """The loss at the end of every run against its rate, the zones beneath."""
    why_not = _no_plot(result)
    if why_not is not None:
        return wrap(why_not, width)
    low, high, log_y = _plot_ends(result)
    limit = result.predicted_limit
    marks = []
    if result.recommended is not None:
        marks.append(Mark("recommended", result.recommended.value, "▲", "R"))
    if limit is not None and result.rates[0] <= limit <= result.rates[-1]:
        full = any(mark.kind is LimitKind.FULL_BATCH for mark in result.landmarks)
        marks.append(Mark("predicted limit of full batch" if full else "predicted limit", limit, "┃", "L"))
    return line_plot(
        [Series("loss at the end", "●", result.rates, result.final_losses)],
        width=width,
        log_x=True,
        log_y=log_y,
        y_low=low,
        y_high=high,
        x_title="learning rate",
        y_title=f"loss after {count(result.steps, 'step')}",
        bands=[Band(span.name.value, span.low, span.high, *FILLS[span.name]) for span in result.zones],
        marks=marks,
    )


def _no_plot(result: SweepResult) -> str | None:
    """Why there is nothing to plot, None where there is."""
    if len(result.rates) == 1:
        return "One rate makes no plot: its numbers are below."
    if not np.isfinite(result.final_losses).any():
        return f"No plot: no run has a finite loss after {count(result.steps, 'step')}."
    return None


def _plot_ends(result: SweepResult) -> tuple[float | None, float | None, bool]:
    """Where the picture is cut below and above, None where nowhere; and whether its axis can be logarithmic."""
    finite = result.final_losses[np.isfinite(result.final_losses)]
    start = result.start_loss
    log_y = bool(np.any(finite > 0)) and not np.any(finite < 0)
    if not np.any(finite <= start):
        return None, None, log_y
    if log_y:
        lowest = max(float(np.min(finite, initial=np.inf, where=finite > 0)), DEEPEST * start)
        return (lowest if lowest > 0 else None), (start * ABOVE_START if start > 0 else None), True
    tame = np.isfinite(result.final_losses) & [zone is not Zone.DIVERGING for zone in result.zone_of_each]
    deep = ABOVE_START * (start - float(np.min(result.final_losses, initial=start, where=tame)))
    if deep <= 0:
        return None, None, False
    return max(float(finite.min()), start - deep), min(max(float(finite.max()), start), start + deep), False


def zone_lines(result: SweepResult, width: int) -> list[str]:
    """Each zone with where it was measured and what its runs did."""
    names = max(len(span.name.value) for span in result.zones)
    digits = rate_digits([end for span in result.zones for end in (span.low, span.high)])
    ranges = max(len(zone_range(span, digits)) for span in result.zones)
    lines = []
    for span in result.zones:
        head = f"{span.name.value:<{names}}  {zone_range(span, digits):<{ranges}}  "
        meaning = zone_meaning(result, span)
        if len(head) + 24 > width:
            lines += [head.rstrip(), *(f"  {line}" for line in wrap(meaning, width - 2))]
        else:
            lines += wrap(meaning, min(width, MOST_READABLE), initial_indent=head, subsequent_indent=" " * len(head))
    return lines


def rate_table(result: SweepResult, width: int) -> list[str]:
    """A dozen of the rates, one a line; a narrow terminal gets the columns that matter most."""
    rows: list[Sequence[str]] = [rate_columns(result), *rate_rows(result)]
    told = [k for k in range(len(rows[0])) if any(row[k] for row in rows[1:])]
    for choice in COLUMN_CHOICES:
        columns = [k for k in choice if k in told]
        lines = aligned([[row[k] for k in columns] for row in rows], [NUMERIC[k] for k in columns])
        if max(map(len, lines)) <= width:
            break
    return lines


def limit_lines(result: SweepResult, width: int) -> list[str]:
    """What theory names beside where the runs put it."""
    if not result.landmarks:
        return []
    rows = landmark_rows(result)
    lines = aligned(rows, (False, True, True, False))
    if max(map(len, lines)) <= width:
        return lines
    return [
        line
        for name, predicted, measured, off in rows[1:]
        for line in (
            *wrap(name, width),
            *([f"  predicted {predicted}"] if predicted else []),
            f"  measured  {measured}{off and f', {off}'}",
        )
    ]


def trial_lines(result: SweepResult, width: int) -> list[str]:
    """Three short real runs around the recommended rate."""
    if not result.trials:
        return []
    lines = aligned(trial_rows(result), (False, True, True, True, False))
    if max(map(len, lines)) <= width:
        return lines
    return [line for trial in result.trials for line in wrap(trial_words(trial), width, subsequent_indent="  ")]
