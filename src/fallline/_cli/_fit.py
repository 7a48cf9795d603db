"""``fallline fit``: the main job."""

from pathlib import Path
from typing import Annotated

import typer

from fallline._cli._options import (
    BatchSize,
    DropMissing,
    Epochs,
    Features,
    FormulaText,
    Json,
    Loss,
    Optimizer,
    Option,
    Quiet,
    Seed,
    Standardise,
    Start,
    Table,
    Target,
    check_table,
    names,
    pairs,
    start_values,
)
from fallline._cli._places import check_place
from fallline._cli._screen import ProgressLine, Screen
from fallline._errors import OptionError
from fallline._run_names import RUNS


def fit(
    table: Table = None,
    *,
    target: Target = None,
    features: Features = None,
    drop_missing: DropMissing = False,
    standardise: Standardise = None,
    formula: FormulaText = None,
    learning_rate: Annotated[
        str | None,
        typer.Option(
            "--learning-rate",
            metavar="RATE",
            help="A number or auto, the default for a table or a formula: what a sweep over many rates recommends.",
        ),
    ] = None,
    epochs: Epochs = 200,
    batch_size: BatchSize = None,
    optimizer: Optimizer = "SGD",
    option: Option = None,
    schedule: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="constant, cosine, step, linear …, step:step_size=50,gamma=0.5, or changes:41=0.02,90=0.005 by hand.",
        ),
    ] = "",
    loss: Loss = "mse",
    start: Start = None,
    seed: Seed = 0,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="loop, or moments: one pass over the rows, then the same steps without them (mse, full batch).",
        ),
    ] = "loop",
    every: Annotated[
        int | None,
        typer.Option(metavar="EPOCHS", help="Print the loss this often; a fifth of the epochs unless told."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The run file to write, NAME.db, or a folder for it; a numbered one in runs/ unless told.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The report to write; beside the run file unless told."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Train one neuron, y = w·x + b, by gradient descent: the textbook line, your own table; or descend on a formula.

    Writes a run file and a report (one offline HTML page with the live picture). Exit status 1 if it diverged.
    """
    from fallline._cli import _show  # torch is loaded by what follows
    from fallline._fit import FitInterrupted
    from fallline._fit import fit as train

    _check(table if formula is None else None, target, every)
    _check_run_place(run)
    _check_report_place(table, run, report)
    screen = Screen.standard()
    _show.use_one_thread()
    progress = ProgressLine(screen, visible=not (quiet or as_json))
    try:
        made = train(
            table,
            target=target,
            features=names(features),
            drop_missing=drop_missing,
            standardise=standardise,
            formula=formula,
            learning_rate=learning_rate,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            optimizer_options=pairs(option or [], "--option"),
            schedule=schedule,
            loss=loss,
            start=start_values(start),
            seed=seed,
            dtype=dtype,
            engine=engine,
            run=RUNS if run is None else run,
            progress=progress.update,
            notice=None if quiet else screen.note,
        )
    except FitInterrupted as stop:
        made = stop.run
    finally:
        progress.clear()
    _show.warn_of_notes(screen, made, quiet=quiet)
    page = _show.report_beside(made, report)
    if as_json:
        screen.json(_show.as_json(made, page))
    elif not quiet:
        _show.show_run(screen, made, page, every)
    return _show.exit_status(made)


def _check(table: str | None, target: str | None, every: int | None) -> None:
    check_table(table, target)
    if every is not None and every < 1:
        raise OptionError(f"--every must be 1 epoch or more, not {every}.")


def _check_run_place(run: Path | None) -> None:
    """A name that looks like another kind of file is more likely a slip than a folder to be made."""
    from fallline._fit import is_run_file

    if run is not None and run.suffix and not is_run_file(run) and not run.is_dir():
        raise OptionError(f"--run takes a run file, whose name ends in .db, or a folder: {run} is neither.")


def _check_report_place(table: str | None, run: Path | None, report: Path | None) -> None:
    """The report's place where it is known before the run has its number."""
    from fallline._fit import is_run_file

    is_file = run is not None and is_run_file(run)
    if report is None:  # then it lies beside the run file, whose place is checked when it is made
        return
    inputs = {"table": table, "run file": run if is_file else None}
    taken = {what: Path(path) for what, path in inputs.items() if path is not None}
    check_place(report, "report", taken, made=None if is_file else run or RUNS)
