"""``fallline curvature``: sharpness, both ends of the spectrum, the trace, and an optimizer's limit, of any model."""

from typing import Annotated

import typer

from fallline._cli._options import Json, Quiet
from fallline._cli._own_objective import own_objective, own_optimizer
from fallline._cli._screen import Screen, StageLine
from fallline._errors import OptionError

MOST_SHOWN = 5
"""Eigenvalues at each end, unless told."""
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
        str | None, typer.Option(metavar="MODULE:NAME", help="Its stability limit as it stands, in your own code.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random starts.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """How the loss of your model curves where its parameters stand, each number with its error.

    MODULE:NAME is looked for in the working directory first: mymodule:objective.
    """
    from fallline._cli import _show_curvature
    from fallline._cli._show import use_one_thread  # torch is loaded by what follows
    from fallline._curvature import sharpness, spectrum, stability_limit, trace
    from fallline._objective import Objective

    screen = Screen.standard()
    use_one_thread()
    loss = own_objective(objective)
    stepping = None if optimizer is None else own_optimizer(optimizer)
    if stepping is not None and not isinstance(loss, Objective):
        raise OptionError("An optimizer holds a model's tensors: its limit is measured on an fl.Objective.")
    count = min(MOST_SHOWN, loss.parameter_count) if k is None else k
    with StageLine(screen, visible=not (quiet or as_json)) as stage:
        stage.say("1 of 4: sharpness")
        sharp = sharpness(loss, tolerance=tolerance, seed=seed)
        stage.say("2 of 4: both ends of the spectrum")
        ends = spectrum(loss, count, tolerance=tolerance, seed=seed)
        stage.say("3 of 4: trace")
        total = trace(loss, tolerance=trace_tolerance, seed=seed)
        stage.say("4 of 4: stability limit")
        limit = None
        if stepping is not None and isinstance(loss, Objective):
            limit = stability_limit(stepping, loss, tolerance=tolerance, seed=seed)
    found = _show_curvature.Measured(objective, loss, sharp, ends, total, limit, stepping)
    if as_json:
        screen.json(_show_curvature.as_json(found))
    elif not quiet:
        _show_curvature.show_curvature(screen, found)
    return 0
