"""``fallline curvature``: sharpness, both ends of the spectrum, the trace, and an optimizer's limit, of any model."""

from pathlib import Path
from typing import Annotated

import typer

from fallline._cli._options import Json, Quiet
from fallline._cli._own_objective import own_objective, own_optimizer
from fallline._cli._places import check_report_of
from fallline._cli._screen import ProgressLine, Screen

OwnObjective = Annotated[
    str, typer.Argument(metavar="MODULE:NAME", help="An fl.Objective in your own code, or a function that makes one.")
]


def curvature(
    objective: OwnObjective,
    *,
    k: Annotated[int | None, typer.Option("--k", metavar="K", help="Eigenvalues at each end; 5 unless told.")] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="SHARE", help="The error that sharpness and spectrum are to reach.")
    ] = 1e-3,
    trace_tolerance: Annotated[
        float, typer.Option(metavar="SHARE", help="The standard error that the trace is to reach.")
    ] = 0.05,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE:NAME", help="In your own code: its stability limit as it stands. Repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random starts.")] = 0,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an offline page to this file.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """How the loss of your model curves where its parameters stand, each number with its error.

    MODULE:NAME is looked for in the working directory first: mymodule:objective.
    """
    check_report_of(None, report)
    from fallline._arguments import checked_seed
    from fallline._cli import _show_curvature
    from fallline._cli._show import use_one_thread  # torch is loaded by what follows
    from fallline._curvature import curvature as measured

    checked_seed(seed)
    screen = Screen.standard()
    use_one_thread()
    loss = own_objective(objective)
    with ProgressLine(screen, visible=not (quiet or as_json), things="products or so") as progress:
        found = measured(
            loss,
            k=k,
            optimizers=[own_optimizer(each) for each in optimizer or []],
            tolerance=tolerance,
            trace_tolerance=trace_tolerance,
            seed=seed,
            name=objective,
            progress=progress.update,
        )
    if report is not None:
        from fallline._report import curvature_report

        curvature_report(found, report)
    if as_json:
        screen.json(_show_curvature.as_json(found, report))
    elif not quiet:
        _show_curvature.show_curvature(screen, found, report)
    return 0
