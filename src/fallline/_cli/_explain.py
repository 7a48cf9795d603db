"""``fallline explain``: a run or one of its steps in words, live if asked."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fallline._cli._options import Folder, Json, RunName
from fallline._cli._screen import Screen
from fallline._errors import OptionError
from fallline._run_names import RUNS

if TYPE_CHECKING:
    from fallline._records import Recording, Run

POLL_SECONDS = 0.5
GIVE_UP_SECONDS = 10.0
"""A run that has written nothing for so long has lost its process."""


def explain(
    run: RunName = None,
    step: Annotated[
        int | None,
        typer.Option(metavar="K", help="Explain this step, counted from 0 (negative: from the end)."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Follow a run that is still being made.")] = False,
    folder: Folder = RUNS,
    as_json: Json = False,
) -> int:
    """Say what a run or a watched loop did, or what one of its steps did, with its own numbers."""
    from fallline._load import load
    from fallline._records import Recording
    from fallline._store import find_run, is_recording, last_run

    if follow and as_json:
        raise OptionError("--follow writes lines as they come, --json one object: ask for one of them.")
    screen = Screen.standard()
    path = last_run(folder) if run is None else find_run(folder, run)
    if follow:
        _follow_any(screen, path, watched=is_recording(path))
    made = load(path)
    if as_json:
        screen.json(_as_json(path, made, step))
    elif isinstance(made, Recording):
        _show_watched(screen, made, step)
    else:
        _show_fitted(screen, made, step)
    return 0


def _as_json(path: Path, made: "Run | Recording", step: int | None) -> str:
    """The words for programs, and what was tracked of the sharpness: docs/json.md."""
    from fallline._explain import explain as explained
    from fallline._explain import sharpness_along_numbers
    from fallline._records import Recording
    from fallline._store import plain

    explanation = explained(made, step)
    told = {
        "schema": "fallline.explain/1",
        "run": str(path),
        "kind": "loop" if isinstance(made, Recording) else "neuron",
        "step": step,
        "title": explanation.title,
        "sentences": explanation.sentences,
        "figures": explanation.figures,
        "sharpness": sharpness_along_numbers(made) if isinstance(made, Recording) and step is None else None,
    }
    return json.dumps(plain(told), indent=2, allow_nan=False, ensure_ascii=False)


def _show_watched(screen: Screen, recording: "Recording", step: int | None) -> None:
    from fallline._cli._show_recording import show_recorded_step, show_recording

    if step is None:
        show_recording(screen, recording)
    else:
        show_recorded_step(screen, recording, step)


def _show_fitted(screen: Screen, run: "Run", step: int | None) -> None:
    from fallline._explain import explain as explained

    explanation = explained(run, step)
    screen.say(explanation.title, "")
    for figure in explanation.figures:
        screen.say(*screen.wrapped(figure))
    screen.say("")
    for sentence in explanation.sentences:
        screen.paragraph(sentence)


def _follow_any(screen: Screen, path: Path, *, watched: bool) -> None:
    if not watched:
        _follow(screen, path)
        return
    from fallline._cli._show_recording import follow_recording

    follow_recording(screen, path)


def _follow(screen: Screen, path: Path) -> None:
    """Print losses as they are written, until the run is finished or has fallen silent."""
    import numpy as np  # the command line's help must load without it

    from fallline._explain import loss_line
    from fallline._store import new_steps, read_run

    started = read_run(path)
    taken, heard = 0, time.monotonic()
    while True:
        news = new_steps(path, taken)
        taken += len(news.columns)
        if len(news.columns) > 0:
            heard = time.monotonic()
        ends = np.flatnonzero(news.columns.full_loss_measured)
        if ends.size:  # the mean over all rows, as everywhere; inside an epoch there is none to show
            last = int(ends[-1])
            epoch = int(news.columns.epoch[last]) + 1
            screen.say(f"step {taken:,}   " + loss_line(started, epoch, float(news.columns.full_loss[last])))
            screen.out.flush()
        if news.summary is not None:
            break
        if time.monotonic() - heard > GIVE_UP_SECONDS:
            screen.note(f"Nothing was written for {GIVE_UP_SECONDS:g} seconds: its process seems to be gone.")
            break
        time.sleep(POLL_SECONDS)
    screen.say("")
