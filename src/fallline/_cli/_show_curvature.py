"""What was measured of a Hessian on the screen: the answer first, then the eigenvalues."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

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
from fallline._loss_function import LossFunction
from fallline._objective import Objective
from fallline._records import Sharpness, Spectrum, StabilityLimit, Trace
from fallline._store import plain

SCHEMA = "fallline.curvature/1"
BAR = 24
"""Columns of the longest bar."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Everything that one command measured."""

    name: str
    """``mymodule:objective``"""
    objective: LossFunction
    sharpness: Sharpness
    spectrum: Spectrum
    trace: Trace
    limit: StabilityLimit | None
    optimizer: torch.optim.Optimizer | None

    @property
    def loss(self) -> float | None:
        """Where the parameters stand; None for a loss function without a place of its own."""
        place = getattr(self.objective, "parameters", self.objective.optimum)
        return None if place is None else float(self.objective.loss(np.asarray(place)[None])[0])

    @property
    def learning_rate(self) -> float | None:
        """Of the optimizer's first group."""
        return None if self.optimizer is None else float(self.optimizer.param_groups[0]["lr"])


def as_json(found: Measured) -> str:
    """The result for programs: docs/json.md."""
    limit = None
    if found.limit is not None:
        limit = {
            "optimizer": type(found.optimizer).__name__,
            "learning_rate": found.learning_rate,
            **(curvature_numbers(found.limit) or {}),
        }
    told = {
        "schema": SCHEMA,
        "objective": found.name,
        "parameters": found.objective.parameter_count,
        "rows": getattr(found.objective, "rows", None),
        "loss": found.loss,
        "sharpness": curvature_numbers(found.sharpness),
        "spectrum": curvature_numbers(found.spectrum),
        "trace": curvature_numbers(found.trace),
        "limit": limit,
        "notes": notes_of(found.objective),
    }
    return json.dumps(plain(told), indent=2, allow_nan=False, ensure_ascii=False)


def notes_of(objective: LossFunction) -> list[str]:
    """What was done with normalisation layers and the like."""
    return list(getattr(objective, "notes", ()))


def show_curvature(screen: Screen, found: Measured) -> None:
    """The whole story, top to bottom."""
    screen.paragraph(headline(found.name, found.objective, found.loss))
    for note in notes_of(found.objective):
        screen.paragraph(note)
    _told(screen, sharpness_sentences(found.sharpness))
    if found.limit is not None:
        _told(screen, limit_sentences(found.limit, found.learning_rate, type(found.optimizer).__name__))
    screen.say("", *eigenvalue_table(found.spectrum, screen.width))
    _told(screen, [*spectrum_sentences(found.spectrum), _parts(found)])
    _told(screen, trace_sentences(found.trace, found.objective.parameter_count))


def headline(name: str, objective: LossFunction, loss: float | None) -> str:
    """What was measured, in a line: ``digits:objective: 2,410 parameters, 1,797 rows in 4 batches, loss 0.0422``."""
    said = [count(objective.parameter_count, "parameter")]
    if isinstance(objective, Objective):
        batches = "" if objective.batches == 1 else f" in {count(objective.batches, 'batch')}"
        said.append(f"{count(objective.rows, 'row')}{batches}")
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


def _parts(found: Measured) -> str:
    """Which tensors the sharpest direction moves."""
    layout = getattr(found.objective, "layout", None)
    if layout is None or len(layout) < 2:
        return ""
    return parts_in_words(found.spectrum, [(part.name, part.begin, part.end) for part in layout])


def _told(screen: Screen, sentences: Sequence[str]) -> None:
    screen.say("")
    for sentence in sentences:
        if sentence:
            screen.paragraph(sentence)
