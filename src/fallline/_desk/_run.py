"""The kinds ``run`` and ``run_report``: one run's page as it stands now, again only where its file has grown."""

import math
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fallline._desk._client import Client, Reply
from fallline._desk._run_files import PATIENCE_SECONDS, RunFile, is_going, run_file
from fallline._desk._runs import state_words
from fallline._explain import news_line
from fallline._fit import objective_of, rates_of, summarised
from fallline._recorder import summarised_recording
from fallline._records import Cost, Outcome, Recording, RecordingSummary, Run
from fallline._report import page_of, report_page
from fallline._run_names import RUNS
from fallline._store import is_recording, read_recording, read_run
from fallline._view._payload import build_payload
from fallline._view._recording import build_recording_payload
from fallline._view._recording_made import size_words
from fallline._wording import visible

_MEMORY = "run:"
_MOST_KEPT = 3
"""Pages of a client that are kept: going back and forth costs nothing."""
_SILENT = 5.0
"""A run of slow steps is still going for so many times the longest of its last ones …"""
_RECENT = 16
"""… so many."""
_EVERY = 1.0
_SHARE_OF_TIME = 0.25
"""At most this share of the time goes into making a page that grows."""
_SELDOM = 10.0
"""Seconds between questions for a run that seems to be over without an end: its process may only be slow."""
_STILL = "Other rates are run when the run has ended."


@dataclass(frozen=True)
class _Page:
    """What was last made of a file."""

    version: str
    ask_after: float | None
    payload: dict[str, Any]


def run(request: Mapping[str, object], client: Client) -> Reply:
    """A run's page: ``name`` as in the list, ``have`` the version that the page holds (docs/payload-recording.md).

    Raises:
        OptionError: the name is no run's.
        RunFileError: there is no such run in the folder, or its file cannot be read.
    """
    file = run_file(client.runs, named_run(request))
    kept = _kept(client)
    page = kept.get(file.name)
    going = page is not None and page.ask_after is not None and is_going(file, _patience_of(page))
    if page is None or page.version != _version(file, going=going):
        page = _made(file, client)
        kept[file.name] = page
        client.memory[_MEMORY] = dict(list(kept.items())[-_MOST_KEPT:])
    small: Reply = {"version": page.version, "ask_after": page.ask_after}
    if request.get("have") == page.version:
        return {"part": {}, "unchanged": True, **small}
    return {"payload": page.payload, **small}


def run_report(request: Mapping[str, object], client: Client) -> Reply:
    """The offline report of a run as text, and a name for it.

    Raises:
        OptionError: the name is no run's.
        RunFileError: there is no such run in the folder, or its file cannot be read.
    """
    file = run_file(client.runs, named_run(request))
    client.progress(0.1, f"Making the report of {file.name}")
    read = _read(file)
    page = page_of(summarised_recording(read) if isinstance(read, Recording) else summarised(read))
    client.check()
    return {"payload": {"html": report_page(*page), "file": f"{file.name}.html"}}


def named_run(request: Mapping[str, object]) -> object:
    settings = request.get("settings")
    named = request.get("name")
    return settings.get("name") if named is None and isinstance(settings, Mapping) else named


def _kept(client: Client) -> dict[str, _Page]:
    kept = client.memory.get(_MEMORY)
    return dict(kept) if isinstance(kept, dict) else {}


def _version(file: RunFile, *, going: bool) -> str:
    return f"{file.stamp}{'+' if going else ''}"


def _read(file: RunFile) -> Recording | Run:
    return read_recording(file.path) if is_recording(file.path) else read_run(file.path)


def _made(file: RunFile, client: Client) -> _Page:
    """Read and drawn up; a file that grows meanwhile is of the older version, and asked for once more."""
    client.progress(0.05, f"Reading {file.name}")
    began = time.monotonic()
    read = _read(file)
    patience = _patience(read) if isinstance(read, Recording) else PATIENCE_SECONDS
    going = read.summary is None and is_going(file, patience)
    client.progress(0.4, f"Drawing {file.name}")
    if isinstance(read, Recording):
        entry, picture = "recording.js", _recording_picture(read, going=going)
    else:
        entry, picture = "render.js", _fit_picture(read, going=going, client=client)
    client.check()
    took = time.monotonic() - began
    ask_after = None if read.summary is not None else max(_EVERY, took / _SHARE_OF_TIME) if going else _SELDOM
    payload = {"entry": entry, "picture": picture, "about": _about(file, read, going=going), "patience": patience}
    return _Page(_version(file, going=going), ask_after, payload)


def _recording_picture(recording: Recording, *, going: bool) -> dict[str, Any]:
    if not going:
        return build_recording_payload(summarised_recording(recording))
    return {**build_recording_payload(replace(recording, summary=_so_far(recording))), "outcome": None}


def _so_far(recording: Recording) -> RecordingSummary:
    """In place of what a closed record says: where the run stands."""
    steps = recording.steps
    losses = steps.loss[steps.loss_measured]
    line = ", ".join(visible(news_line(recording.header, steps)).split("   ")) or "no step is written yet"
    return RecordingSummary(
        outcome=Outcome.INTERRUPTED,
        line=f"Still running: {line}",
        steps=len(steps),
        first_loss=float(losses[0]) if len(losses) else None,
        last_loss=float(losses[-1]) if len(losses) else None,
        best_loss=None,
        cost=Cost(0.0, {}, 0.0),
    )


def _fit_picture(run: Run, *, going: bool, client: Client) -> dict[str, Any]:
    told = summarised(run)
    objective = objective_of(told)
    if not going:
        client.progress(0.5, "Running other learning rates, for the slider")
    picture = build_payload(told, objective, rates=_STILL if going else rates_of(told))
    return {**picture, "outcome": "running"} if going else picture


def _about(file: RunFile, read: Recording | Run, *, going: bool) -> dict[str, Any]:
    """What the studio says beside the page: the file, how it stands, what it holds of its path."""
    outcome = None if read.summary is None else read.summary.outcome.value
    return {
        "name": file.name,
        "file": str(file.path),
        "kind": "recording" if isinstance(read, Recording) else "fit",
        "going": going,
        "outcome": outcome,
        "words": state_words(outcome, "" if outcome is None else outcome.capitalize(), going=going),
        "started": read.header.started,
        "modified": file.modified,
        "size": size_words(file.size),
        "snapshots": len(read.snapshots) if isinstance(read, Recording) else None,
        "steps": len(read),
        "terminal": shlex.join(["fallline", "explain", file.name, *(["--follow"] if going else []), *in_folder(file)]),
    }


def in_folder(file: RunFile) -> list[str]:
    """What a command needs to find the file, beside its name."""
    return [] if file.path.parent == RUNS else ["--folder", str(file.path.parent)]


def _patience(recording: Recording) -> float:
    """Seconds of silence after which a run counts as over, as ``fallline explain --follow`` has it."""
    seconds = recording.steps.seconds[-_RECENT - 1 :]
    slowest = float(np.diff(seconds).max(initial=0.0))
    return max(PATIENCE_SECONDS, _SILENT * slowest) if math.isfinite(slowest) else PATIENCE_SECONDS


def _patience_of(page: _Page) -> float:
    return float(page.payload["patience"])
