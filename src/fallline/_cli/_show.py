"""A fitted run on the screen: its losses, a small picture, what it learned, the verdict."""

import json
from pathlib import Path

from fallline._cli._contour import contour_lines
from fallline._cli._curve import curve_lines
from fallline._cli._screen import Screen
from fallline._errors import RunFileError
from fallline._explain import (
    conversion_line,
    data_line,
    learned_lines,
    loss_lines,
    optimizer_line,
    verdict,
)
from fallline._fit import objective_of
from fallline._records import Outcome, Run, Summary
from fallline._report import report
from fallline._store import plain

SCHEMA = "fallline.fit/1"


def use_one_thread() -> None:
    """Small work runs fastest on one thread, and this process is our own."""
    import torch

    torch.set_num_threads(1)


def report_beside(run: Run, given: Path | None) -> Path:
    """Write the report, beside the run file unless told; where it is."""
    place = given or Path(str(run.path)).with_suffix(".html")
    try:
        report(run, place)
    except RunFileError as problem:
        raise RunFileError(f"{problem} The run itself is recorded: {run.path}.") from problem
    return place


def exit_status(run: Run) -> int:
    """0 done, 1 diverged, 130 interrupted."""
    outcome = summary_of(run).outcome
    return {Outcome.DIVERGED: 1, Outcome.INTERRUPTED: 130}.get(outcome, 0)


def summary_of(run: Run) -> Summary:
    """The summary every fitted run has."""
    if run.summary is None:
        raise ValueError("a run that was just fitted has a summary")
    return run.summary


def warn_of_notes(screen: Screen, run: Run, *, quiet: bool) -> None:
    """What the run has to say about its own making, on stderr."""
    if not quiet:
        for note in run.header.notes:
            screen.note(note)


def as_json(run: Run, page: Path) -> str:
    """The result for programs; docs/semantics.md#absent-and-not-finite says how numbers are written."""
    summary = summary_of(run)
    return json.dumps(
        plain(
            {
                "schema": SCHEMA,
                "outcome": summary.outcome.value,
                "learned": summary.learned,
                "exact": summary.exact,
                "loss": {"first": summary.first_loss, "last": summary.last_loss, "best": summary.best_loss},
                "learning_rate": run.header.learning_rate,
                "stability_limit": summary.stability_limit,
                "share_of_limit": summary.share_of_limit,
                "condition_number": summary.condition_number,
                "epochs": run.header.epochs,
                "steps": len(run),
                "seconds": summary.seconds,
                "run": run.path,
                "report": str(page),
                "formula": run.header.formula,
            }
        ),
        indent=2,
        allow_nan=False,
        ensure_ascii=False,
    )


def _picture(screen: Screen, run: Run) -> list[str]:
    """The bowl from above; of a formula in one parameter its curve."""
    if len(run.header.parameter_names) == 1:
        return curve_lines(run, objective_of(run), screen)
    return contour_lines(run, objective_of(run), screen)


def show_run(screen: Screen, run: Run, page: Path, every: int | None) -> None:
    """The whole story, top to bottom."""
    screen.paragraph(data_line(run))
    screen.paragraph(optimizer_line(run))
    if run.header.learning_rate_reason:
        screen.paragraph(f"Auto: {run.header.learning_rate_reason}")
    apart = max(1, run.header.epochs // 5) if every is None else every
    screen.say("", *loss_lines(run, apart), "")
    picture = _picture(screen, run)
    screen.say(*picture, *([""] if picture else []))
    screen.say(*learned_lines(run), "")
    for sentence in verdict(run):
        screen.paragraph(sentence)
    conversion = conversion_line(run)
    if conversion:
        screen.paragraph(conversion)
    screen.say("", f"run     {run.path}", f"report  {page}", "")
    screen.paragraph("Open the report in a browser; `fallline explain --step 0` tells about one step.")
