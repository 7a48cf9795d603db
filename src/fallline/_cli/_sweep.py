"""``fallline sweep``: many learning rates, each run for real, and which of them to use."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

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
    TableOrOwn,
    Target,
    check_table,
    names,
    pairs,
    start_values,
)
from fallline._cli._own_code import is_own_code
from fallline._cli._own_objective import own_objective, refuse_table_options
from fallline._cli._places import check_report_of
from fallline._cli._screen import ProgressLine, Screen

DIVERGED = 1
"""The exit status where every rate diverged: the descent ran, and nothing came of it."""


def sweep(
    table: TableOrOwn = None,
    *,
    target: Target = None,
    features: Features = None,
    drop_missing: DropMissing = False,
    standardise: Standardise = None,
    formula: FormulaText = None,
    optimizer: Optimizer = "SGD",
    option: Option = None,
    loss: Loss = "mse",
    epochs: Epochs = 200,
    batch_size: BatchSize = None,
    rates: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH:COUNT",
            help="Learning rates in even ratios; a thousandth of the limit to three times it unless told.",
        ),
    ] = None,
    goal: Annotated[
        float, typer.Option(metavar="SHARE", help="How much of the loss above the lowest is to go: the zones' measure.")
    ] = 0.99,
    seeds: Annotated[
        int | None,
        typer.Option(metavar="K", help="Repeat from K starts; more than one gives bands. 1 unless told, 3 for a ramp."),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="runs: each rate from the start; ramp: the range test, the rate raised from batch to batch; there "
            "MODULE:NAME is (model, loss_fn, loader, optimizer), or a function that returns them.",
        ),
    ] = "runs",
    start: Start = None,
    seed: Seed = 0,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an offline page to this file.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run many learning rates and say which are too small, just right, bouncing or diverging, and which to use.

    On the textbook line, your own table, a formula, or an fl.Objective of your own code, by mymodule:objective.
    Exit status 1 if every rate diverged.
    """
    settings: dict[str, Any] = {
        "target": target,
        "features": names(features),
        "drop_missing": drop_missing,
        "standardise": standardise,
        "formula": formula,
        "loss": loss,
        "optimizer": optimizer,
        "optimizer_options": pairs(option or [], "--option"),
        "learning_rates": rates,
        "goal": goal,
        "epochs": epochs,
        "batch_size": batch_size,
        "seeds": seeds,
        "start": start_values(start),
        "seed": seed,
    }
    if method != "runs":
        from fallline._cli._ramp import run_ramp

        return run_ramp(table, method, settings, report=report, as_json=as_json, quiet=quiet)
    own = table is not None and is_own_code(table)
    if own:
        check_report_of(None, report)
        refuse_table_options(table, target, features, standardise, formula, batch_size, drop=drop_missing, loss=loss)
    else:
        check_table(table, target)
        check_report_of(table, report)
    from fallline._cli import _show_sweep
    from fallline._cli._show import use_one_thread  # torch is loaded by what follows
    from fallline._sweep import sweep as run_sweep

    screen = Screen.standard()
    use_one_thread()
    objective = own_objective(table) if own and table is not None else None
    with ProgressLine(screen, visible=not (quiet or as_json)) as progress:
        result = run_sweep(table if objective is None else objective, **settings, progress=progress.update)
    if objective is not None and table is not None:
        result = replace(result, name=table)
    if not quiet:
        for note in result.notes:
            screen.note(note)
    if report is not None:
        from fallline._report import sweep_report

        sweep_report(result, report, objective)
    if as_json:
        screen.json(_show_sweep.as_json(result, report))
    elif not quiet:
        _show_sweep.show_sweep(screen, result, report)
    return DIVERGED if _show_sweep.all_diverged(result) else 0
