"""The kind ``runs``: the run files of the folder, a line each, the newest first."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from fallline._desk._client import Client, Reply
from fallline._desk._run_files import RunFile, is_going, leading_out, run_files
from fallline._errors import RunFileError
from fallline._records import Header, Outcome
from fallline._store import (
    NothingWrittenError,
    Overview,
    RecordingOverview,
    is_recording,
    read_column,
    read_overview,
    read_recording_overview,
)
from fallline._view._recording_made import size_words
from fallline._wording import count, visible

_MEMORY = "runs:rows"
READING_SECONDS = 0.4
"""After so long the files read so far are told, the newest; the page asks again for the rest …"""
_LATER_SECONDS = 2.0
"""… and has something to show meanwhile."""


@dataclass(frozen=True)
class Row:
    """What the list says of a file, apart from what passes with time."""

    stamp: str
    kind: str | None = None
    """``fit`` or ``recording``; None where the file cannot be read."""
    title: str = ""
    outcome: str | None = None
    """The word of docs/semantics.md#outcome; None where the record has no end."""
    words: str = ""
    model: str = ""
    optimizer: str = ""
    learning_rate: float | None = None
    steps: int | None = None
    loss: float | None = None
    started: str | None = None
    alarms: int = 0
    problem: str = ""


def runs(request: Mapping[str, object], client: Client) -> Reply:
    """Every run file of the client's folder; ``have``: the version that the page has, which is not sent again.

    Raises:
        RunFileError: the folder cannot be read.
    """
    files, older = run_files(client.runs)
    known = client.memory.get(_MEMORY)
    rows: dict[str, Row] = dict(known) if isinstance(known, dict) else {}
    first = request.get("have") is None
    told, unread, end = [], 0, time.monotonic() + (READING_SECONDS if first else _LATER_SECONDS)
    for file in files:
        if rows.get(file.name, Row("")).stamp != file.stamp:
            if time.monotonic() > end:
                unread += 1
                continue
            client.check()
            rows[file.name] = read_row(file)
        told.append(_told(file, rows[file.name]))
    client.memory[_MEMORY] = {file.name: rows[file.name] for file in files if file.name in rows}
    version = sha256(repr((told, unread, older)).encode()).hexdigest()[:16]
    if request.get("have") == version:
        return {"part": {}, "unchanged": True, "version": version}
    return {
        "payload": {
            "folder": str(client.runs),
            "there": client.runs.is_dir(),
            "rows": told,
            "unread": unread,
            "older": older,
        },
        "version": version,
    }


def read_row(file: RunFile) -> Row:
    """One file's line; a file that cannot be read has a sentence instead."""
    if file.leads_out:
        return Row(file.stamp, words="Not opened", problem=leading_out(file.name))
    try:
        if is_recording(file.path):
            return _of_recording(file.stamp, read_recording_overview(file.path))
        return _of_fit(file, read_overview(file.path))
    except NothingWrittenError:
        return Row(
            file.stamp, words="Empty", problem="Its process has only just begun, or ended before it wrote anything."
        )
    except RunFileError as problem:
        return Row(file.stamp, words="Cannot be read", problem=short_problem(problem, file.path))


def short_problem(problem: RunFileError, path: Path) -> str:
    """The sentence with the file's name in place of its path."""
    return visible(str(problem).replace(str(path), path.name))


def state_words(outcome: str | None, words: str, *, going: bool) -> str:
    """How it ended, or that it has not: ``Still running``, ``Diverged at step 4,312`` …"""
    if outcome is not None:
        return words
    return "Still running" if going else "No end was written: killed, or silent"


def _told(file: RunFile, row: Row) -> dict[str, object]:
    going = row.kind is not None and row.outcome is None and is_going(file)
    return {
        "name": file.name,
        "kind": row.kind,
        "title": row.title,
        "outcome": "running" if going else row.outcome,
        "words": row.words if row.problem else state_words(row.outcome, row.words, going=going) + _alarms(row),
        "going": going,
        "model": row.model,
        "optimizer": row.optimizer,
        "learning_rate": row.learning_rate,
        "steps": row.steps,
        "loss": row.loss,
        "started": row.started,
        "modified": file.modified,
        "size": size_words(file.size),
        "problem": row.problem,
    }


def _of_recording(stamp: str, overview: RecordingOverview) -> Row:
    header, summary = overview.header, overview.summary
    row = Row(
        stamp,
        kind="recording",
        title=visible(header.name),
        model=f"{visible(header.model)}, {count(header.parameter_count, 'parameter')}",
        optimizer=visible(" + ".join(header.optimizers)),
        learning_rate=overview.learning_rate,
        steps=overview.steps,
        loss=overview.last_loss,
        started=header.started,
        alarms=overview.alarms,
    )
    if summary is None:
        return row
    first = visible(summary.line).split("; ")[0]
    told = first if summary.outcome is Outcome.DIVERGED and first.startswith("Diverged") else _word(summary.outcome)
    return replace(row, outcome=summary.outcome.value, words=told)


def _of_fit(file: RunFile, overview: Overview) -> Row:
    header, summary = overview.header, overview.summary
    row = Row(
        file.stamp,
        kind="fit",
        title=visible(header.name),
        model=visible(_fitted(header)),
        optimizer=header.optimizer,
        learning_rate=header.learning_rate,
        steps=overview.steps,
        loss=overview.last_full_loss,
        started=header.started,
    )
    if summary is None:
        return row
    told = _diverged(file.path) if summary.outcome is Outcome.DIVERGED else _word(summary.outcome)
    return replace(row, outcome=summary.outcome.value, words=told, loss=summary.last_loss)


def _fitted(header: Header) -> str:
    """``(w - 3)^2``, ``neuron, y of x``."""
    if header.formula is not None:
        return header.formula
    kind = "logistic neuron" if header.loss == "bce" else "neuron"
    of = header.features[0] if len(header.features) == 1 else count(len(header.features), "feature")
    return f"{kind}, {header.target} of {of}"


def _diverged(path: Path) -> str:
    """With the first step whose loss is no longer finite, where there is one."""
    lost = np.flatnonzero(~np.isfinite(read_column(path, "loss").values))
    return f"Diverged: not finite from step {int(lost[0]):,}" if len(lost) else "Diverged: ends above its start"


def _alarms(row: Row) -> str:
    return f"; {count(row.alarms, 'alarm')}" if row.alarms > 0 else ""


def _word(outcome: Outcome) -> str:
    return outcome.value.capitalize()
