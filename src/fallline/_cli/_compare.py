"""``fallline compare``: optimizers on equal terms."""

from dataclasses import replace
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
from fallline._errors import OptionError
from fallline._wording import STOPPED

DIVERGED = 1
"""The exit status where no optimizer descends at any of its rates."""
INTERRUPTED = 130
DEFAULT = "sgd,momentum,nesterov,adagrad,rmsprop,adam,adamw"


def compare(
    table: TableOrOwn = None,
    *,
    target: Target = None,
    features: Features = None,
    drop_missing: DropMissing = False,
    standardise: Standardise = None,
    formula: FormulaText = None,
    optimizers: Annotated[
        str, typer.Option(metavar="A,B,…", help="Two to twelve: classes of torch.optim, or momentum, nesterov.")
    ] = DEFAULT,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME.KEY=VALUE", help="As in adam.betas=(0.8,0.99); may be repeated."),
    ] = None,
    loss: Loss = "mse",
    epochs: Epochs = 200,
    batch_size: BatchSize = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="The common rate; what a sweep recommends for SGD unless told."),
    ] = None,
    goal: Annotated[
        float, typer.Option(metavar="SHARE", help="How much of the loss above the lowest is to go.")
    ] = 0.99,
    trials: Annotated[int, typer.Option(metavar="N", help="Rates tried for each optimizer.")] = 30,
    seeds: Annotated[
        int | None, typer.Option(metavar="K", help="Starts (and orders of batches) that are shown; 5 unless told.")
    ] = None,
    start: Start = None,
    seed: Seed = 0,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an offline page to this file.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare optimizers on equal terms: the same starts, at one rate, and each at its own best of equally many.

    On the textbook line, your own table, a formula, or an fl.Objective of your own code, by mymodule:objective; with a
    verdict that says when a difference is only noise. Ctrl-C ends the tuning and compares what was found.
    """
    own = table is not None and is_own_code(table)
    if own:
        refuse_table_options(table, target, features, standardise, formula, batch_size, drop=drop_missing, loss=loss)
        if seeds is not None:
            raise OptionError(f"Every run on {table} starts where its parameters stand: leave out --seeds.")
    else:
        check_table(table, target)
    check_report_of(None if own else table, report)
    from fallline._cli import _show_comparison
    from fallline._cli._show import use_one_thread  # torch is loaded by what follows
    from fallline._compare import SEEDS
    from fallline._compare import compare as run_comparison

    screen = Screen.standard()
    use_one_thread()
    loss_function = own_objective(table) if own and table is not None else None
    with ProgressLine(screen, visible=not (quiet or as_json)) as progress:
        made = run_comparison(
            table if loss_function is None else loss_function,
            target=target,
            features=names(features),
            drop_missing=drop_missing,
            standardise=standardise,
            formula=formula,
            loss=loss,
            optimizers=names(optimizers) or [],
            options=_options(option or []),
            epochs=epochs,
            batch_size=batch_size,
            rate=rate,
            goal=goal,
            trials=trials,
            seeds=SEEDS if seeds is None else seeds,
            seed=seed,
            start=start_values(start),
            progress=progress.update,
        )
    if loss_function is not None and table is not None:
        made = replace(made, name=table, about=table + made.about.removeprefix(made.name))
    if not quiet:
        for note in made.notes:
            screen.note(note)
    if report is not None:
        from fallline._report import comparison_report

        comparison_report(made, report, loss_function)
    if as_json:
        screen.json(_show_comparison.as_json(made, report))
    elif not quiet:
        _show_comparison.show_comparison(screen, made, report)
    if any(note.startswith(STOPPED.removesuffix(".")) for note in made.notes):
        return INTERRUPTED
    return DIVERGED if all(one.best.diverged.all() for one in made.contenders) else 0


def _options(given: list[str]) -> dict[str, dict[str, object]]:
    """``adam.betas=(0.8,0.99)`` as options by optimizer.

    >>> _options(["adam.betas=(0.8,0.99)", "adam.eps=1e-3"])
    {'adam': {'betas': '(0.8,0.99)', 'eps': '1e-3'}}
    """
    found: dict[str, dict[str, object]] = {}
    for key, value in pairs(given, "--option", "adam.betas=(0.8,0.99)").items():
        name, dot, option = key.partition(".")
        if not dot or not name.strip() or not option.strip():
            raise OptionError(
                f"--option names the optimizer as well, as in --option adam.betas=(0.8,0.99), not {key}={value}."
            )
        found.setdefault(name.strip().lower(), {})[option.strip()] = value
    return found
