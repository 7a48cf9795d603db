"""What was measured of a Hessian on the screen: the answer first, then the eigenvalues."""

import json
from collections.abc import Sequence
from pathlib import Path

from fallline._cli._screen import Screen
from fallline._columns import aligned
from fallline._explain import (
    count,
    curvature_numbers,
    limit_sentences,
    number,
    parts_in_words,
    sharpness_sentences,
    spectrum_rows,
    spectrum_sentences,
    trace_sentences,
)
from fallline._records import Curvature, OptimizerLimit, Spectrum
from fallline._store import plain

SCHEMA = "fallline.curvature/1"
BAR = 24
"""Columns of the longest bar."""


def as_json(found: Curvature, page: Path | None) -> str:
    """The result for programs: docs/json.md."""
    limits = [_limit(each) for each in found.limits]
    told = {
        "schema": SCHEMA,
        "objective": found.name,
        "parameters": found.parameters,
        "rows": found.rows,
        "loss": found.loss,
        "sharpness": curvature_numbers(found.sharpness),
        "spectrum": curvature_numbers(found.spectrum),
        "trace": curvature_numbers(found.trace),
        "limit": limits[0] if limits else None,
        "limits": limits,
        "products": found.products,
        "notes": list(found.notes),
        "report": None if page is None else str(page),
    }
    return json.dumps(plain(told), indent=2, allow_nan=False, ensure_ascii=False)


def _limit(each: OptimizerLimit) -> dict[str, object]:
    return {
        "optimizer": each.optimizer,
        "learning_rate": each.learning_rate,
        "share": each.share,
        **(curvature_numbers(each.limit) or {}),
    }


def show_curvature(screen: Screen, found: Curvature, page: Path | None) -> None:
    """The whole story, top to bottom."""
    screen.paragraph(headline(found.name, found.parameters, found.rows, found.batches, found.loss))
    for note in found.notes:
        screen.paragraph(note)
    _told(screen, sharpness_sentences(found.sharpness))
    for each in found.limits:
        _told(screen, limit_sentences(each.limit, each.learning_rate, each.optimizer))
    screen.say("", *eigenvalue_table(found.spectrum, screen.width))
    _told(screen, [*spectrum_sentences(found.spectrum), parts_in_words(found.shares)])
    _told(screen, trace_sentences(found.trace, found.parameters))
    if page is not None:
        screen.say("", f"report  {page}")


def headline(name: str, parameters: int, rows: int | None, batches: int | None, loss: float | None) -> str:
    """What was measured, in a line.

    >>> headline("digits:objective", 2410, 1797, 4, 0.0422)
    'digits:objective: 2,410 parameters, 1,797 rows in 4 batches, loss 0.04220'
    """
    said = [count(parameters, "parameter")]
    if rows is not None:
        said.append(
            count(rows, "row") + (f" in {count(batches, 'batch')}" if batches is not None and batches > 1 else "")
        )
    if loss is not None:
        said.append(f"loss {number(loss)}")
    return f"{name}: {', '.join(said)}"


def eigenvalue_table(found: Spectrum, width: int) -> list[str]:
    """The largest and the smallest side by side, bars beside the largest where there is room."""
    rows = spectrum_rows(found)
    numeric = (False, True, False, True)
    lines = aligned(rows, numeric)
    if max(map(len, lines)) > width:
        first = aligned([row[:2] for row in rows], numeric[:2])
        return [*first, "", *aligned([row[2:] for row in rows], numeric[2:])]
    room = min(BAR, width - max(map(len, lines)) - 3)
    if room < BAR // 2:
        return lines
    bars = ["", *(_bar(float(value), float(found.largest[0]), room) for value in found.largest)]
    return [
        line.rstrip()
        for line in aligned([(row[0], row[1], bar, *row[2:]) for row, bar in zip(rows, bars, strict=True)], BARRED)
    ]


BARRED: Sequence[bool] = (False, True, False, False, True)


def _bar(value: float, largest: float, room: int) -> str:
    return "█" * max(1, round(room * value / largest)) if value > 0 and largest > 0 else ""


def _told(screen: Screen, sentences: Sequence[str]) -> None:
    screen.say("")
    for sentence in sentences:
        if sentence:
            screen.paragraph(sentence)
