"""``fallline runs``, ``export`` and ``report``: what to do with recorded runs."""

import json
from typing import Annotated, Literal

import typer

from fallline._cli._options import Folder, Json, Output, RunName
from fallline._cli._places import check_place
from fallline._cli._screen import MOST_READABLE, Screen
from fallline._columns import aligned, beginning, widths_of
from fallline._errors import OptionError
from fallline._run_names import RUNS

RIGHT = (False, False, False, True, True, True, False)
"""Which columns of the list hold numbers."""
SHORTENED = ((0, 24), (2, 12), (0, 12))
"""Columns that are cut where the list would be too wide, one after the other: names, optimizers; and what is left."""


def runs(folder: Folder = RUNS, as_json: Json = False) -> int:
    """List the recorded runs, the last one at the end."""
    from fallline._explain import number, short
    from fallline._store import list_runs, plain

    screen = Screen.standard()
    if folder != RUNS and not folder.is_dir():  # the folder of every fit may still be to come; a named one is a slip
        raise OptionError(f"There is no folder {folder}: name the one that holds the run files.")
    rows = list_runs(folder)
    if as_json:
        screen.json(json.dumps({"schema": "fallline.runs/1", "runs": plain(rows)}, indent=2, ensure_ascii=False))
        return 0
    if not rows:
        screen.note(f"There are no runs in the folder {folder} yet: `fallline fit` makes one.")
        return 0
    table: list[tuple[str, ...]] = [("run", "started (UTC)", "optimizer", "rate", "steps", "last loss", "outcome")]
    for row in rows:
        rate = "" if row.learning_rate is None else short(row.learning_rate)
        loss = "" if row.loss is None else number(row.loss)
        steps = "" if row.steps is None else f"{row.steps:,}"
        started = (row.started or "")[:16].replace("T", " ")
        table.append((row.path.stem, started, row.optimizer or "", rate, steps, loss, row.outcome))
    table = _fitted(table)
    screen.say(*aligned(table, RIGHT))
    return 0


def _fitted(table: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The same table in at most so many columns as prose takes, by shorter names; their numbers stay at the front."""
    for column, least in SHORTENED:
        widths = widths_of(table)
        excess = sum(widths) + 2 * (len(widths) - 1) - MOST_READABLE
        if excess > 0:
            table = [
                (*line[:column], beginning(line[column], max(least, widths[column] - excess)), *line[column + 1 :])
                for line in table
            ]
    return table


def export(
    run: RunName = None,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write Parquet.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV.")] = False,
    output: Output = None,
    folder: Folder = RUNS,
) -> int:
    """Hand a run's steps on as a table, one row per step."""
    from fallline._store import export_run, find_run, is_recording, last_run, read_recording, read_run

    if parquet == csv:
        raise OptionError("Say which format to export: --parquet or --csv.")
    kind: Literal["parquet", "csv"] = "parquet" if parquet else "csv"
    path = last_run(folder) if run is None else find_run(folder, run)
    place = output or path.with_suffix(f".{kind}")
    check_place(place, "export", {"run file": path})
    export_run(read_recording(path) if is_recording(path) else read_run(path), place, kind)
    Screen.standard().say(str(place))
    return 0


def report(run: RunName = None, output: Output = None, folder: Folder = RUNS) -> int:
    """Write the report of a run or a watched loop: one offline HTML page with its pictures."""
    from fallline._load import load
    from fallline._report import report as write
    from fallline._store import find_run, last_run

    path = last_run(folder) if run is None else find_run(folder, run)
    place = output or path.with_suffix(".html")
    check_place(place, "report", {"run file": path})
    write(load(path), place)
    Screen.standard().say(str(place))
    return 0
