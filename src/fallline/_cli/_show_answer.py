"""An answered question on the screen: sentences, tables that fit, curves."""

import json
from pathlib import Path

import numpy as np

from fallline._cli._plot import Mark as PlotMark
from fallline._cli._plot import Series as PlotSeries
from fallline._cli._plot import line_plot
from fallline._cli._screen import MOST_READABLE, Screen
from fallline._columns import aligned, columns_of
from fallline._records import Answer, Curves, Facts, Role, Section
from fallline._store import plain

SCHEMA = "fallline.why/1"
PLOT_WIDTH = 80
PLOT_HEIGHT = 10
INDENT = "  "
MARKERS = {Role.MAIN: ("●", "o"), Role.WRONG: ("▲", "^"), Role.THEORY: ("·", ".")}
"""How a series is marked, in Unicode and in plain ASCII."""
OTHERS = (("■", "#"), ("◆", "+"), ("▽", "v"), ("○", "*"))
"""Of the things compared, one after the other."""


def as_json(answer: Answer, page: Path | None) -> str:
    """The answer for programs; docs/json.md."""
    told = {
        "schema": SCHEMA,
        "question": answer.question,
        "title": answer.title,
        "problem": answer.problem,
        "summary": answer.summary,
        "numbers": answer.numbers,
        "sections": [_section(section) for section in answer.sections],
        "report": None if page is None else str(page),
    }
    return json.dumps(plain(told), indent=2, allow_nan=False, ensure_ascii=False)


def _section(section: Section) -> dict[str, object]:
    """Each exhibit says what it is."""
    exhibits = [
        {"kind": "curves" if isinstance(exhibit, Curves) else "facts", **_fields(exhibit)}
        for exhibit in section.exhibits
    ]
    return {"heading": section.heading, "paragraphs": section.paragraphs, "exhibits": exhibits}


def _fields(exhibit: Curves | Facts) -> dict[str, object]:
    told = plain(exhibit)
    if not isinstance(told, dict):
        raise TypeError("a record becomes a mapping")
    return told


def show_answer(screen: Screen, answer: Answer, page: Path | None) -> None:
    """The whole answer, top to bottom."""
    screen.paragraph(f"{answer.title} ({answer.problem})")
    screen.say("")
    screen.paragraph(answer.summary)
    for section in answer.sections:
        screen.say("", *_heading(screen, section.heading), "")
        for number, sentences in enumerate(section.paragraphs):
            screen.say(*([""] if number > 0 else []))
            screen.paragraph(" ".join(sentences))
        for exhibit in section.exhibits:
            lines = curve_lines(screen, exhibit) if isinstance(exhibit, Curves) else table_lines(screen, exhibit)
            screen.say(*(["", *lines] if lines else []))
    if page is not None:
        screen.say("", f"report  {page}")


def _heading(screen: Screen, text: str) -> list[str]:
    lines = screen.wrapped(text, min(screen.width, MOST_READABLE))
    return [*lines, "-" * max(map(columns_of, lines))]


def table_lines(screen: Screen, table: Facts) -> list[str]:
    """Columns side by side where they fit, else each row as a short list."""
    width = min(screen.width, MOST_READABLE)
    cells = [table.columns, *table.rows]
    side_by_side = [INDENT + line for line in aligned(cells, table.numeric)]
    fits = max(map(columns_of, side_by_side)) <= screen.width
    body = side_by_side if fits else _stacked(screen, table)
    caption = screen.wrapped(table.caption, width) if table.caption else []
    return [*screen.wrapped(table.title, width), *body, *caption]


def _stacked(screen: Screen, table: Facts) -> list[str]:
    """The first cell, and below it what each column says of it."""
    lines = []
    for first, *rest in table.rows:
        name = f"{table.columns[0]} {first}" if table.numeric[0] else first
        lines += [INDENT + line for line in screen.wrapped(name, screen.width - len(INDENT))]
        for column, cell in zip(table.columns[1:], rest, strict=True):
            said = screen.wrapped(f"{column}: {cell}", screen.width - 2 * len(INDENT))
            lines += [2 * INDENT + line for line in said] if cell else []
    return lines


def curve_lines(screen: Screen, curves: Curves) -> list[str]:
    """The chart in characters; none where the terminal is too narrow."""
    others = iter(OTHERS * 4)
    series = []
    for one in curves.series:
        marker, letter = next(others) if one.role is Role.OTHER else MARKERS[one.role]
        series.append(PlotSeries(one.name, marker, one.x, one.y, letter, joined=not one.points))
    finite = [one.x[np.isfinite(one.x)] for one in curves.series]
    across = np.concatenate(finite) if finite else np.empty(0)
    levels = [mark for mark in curves.marks if mark.axis == "y"] if across.size else []
    series += [
        PlotSeries(mark.name, "-", np.array([across.min(), across.max()]), np.full(2, mark.value), "-")
        for mark in levels
    ]
    marks = [PlotMark(mark.name, mark.value, "┊", ":") for mark in curves.marks if mark.axis == "x"]
    lines = line_plot(
        series,
        width=min(screen.width, PLOT_WIDTH),
        height=PLOT_HEIGHT,
        log_x=curves.log_x,
        log_y=curves.log_y,
        x_title=curves.x_title,
        y_title=curves.y_title,
        marks=marks,
    )
    caption = screen.wrapped(curves.caption, min(screen.width, MOST_READABLE)) if curves.caption else []
    return [*screen.wrapped(curves.title, min(screen.width, MOST_READABLE)), *lines, *caption] if lines else []
