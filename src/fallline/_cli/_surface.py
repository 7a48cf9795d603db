"""``fallline surface``: the loss of any model on a plane, and how far the picture can be trusted."""

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fallline._cli._curvature import OwnObjective
from fallline._cli._options import Folder, Json, Quiet
from fallline._cli._own_code import is_own_code
from fallline._cli._own_objective import own_objective, own_value
from fallline._cli._places import check_place
from fallline._cli._screen import ProgressLine, Screen
from fallline._errors import OptionError
from fallline._run_names import RUNS
from fallline._wording import STOPPED

if TYPE_CHECKING:
    from fallline._loss_function import LossFunction
    from fallline._records import Plane

INTERRUPTED = 130
KINDS = ("parameters", "path", "hessian", "random", "checkpoints")


def surface(
    objective: OwnObjective,
    *,
    plane: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="parameters, path, hessian, random or checkpoints; hessian unless told."),
    ] = None,
    axes: Annotated[
        str | None, typer.Option(metavar="A,B", help='Two parameters: "0.weight[3,5],0.bias[1]", or numbers.')
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="A watched run: its snapshots are the path in the picture.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="The path in your own code: a list of points.")
    ] = None,
    checkpoints: Annotated[
        str | None,
        typer.Option(metavar="A,B[,C]", help="Two or three: state dicts in files, or module:name each."),
    ] = None,
    shape: Annotated[str, typer.Option(metavar="NX,NY", help="Cells along the two axes.")] = "101,81",
    extent: Annotated[
        float | None, typer.Option(metavar="LENGTH", help="How far the picture goes to each side of its middle.")
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Evaluate every cell instead of interpolating.")] = False,
    folder: Folder = RUNS,
    seed: Annotated[int, typer.Option(help="Of random directions and of the cells that are checked.")] = 0,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an offline page to this file.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """The loss of your model on a plane through its parameters, with what the picture hides.

    MODULE:NAME is looked for in the working directory first: mymodule:objective. Ctrl-C keeps the finished cells.
    """
    cells = _shape(shape)
    if extent is not None and not 0 < extent < math.inf:
        raise OptionError(f"--extent is a length above 0, not {extent:g}.")
    if report is not None:
        check_place(report, "report", {})
    from fallline._arguments import checked_seed
    from fallline._cli import _show_surface
    from fallline._cli._show import use_one_thread  # torch is loaded by what follows
    from fallline._surface import refuse_too_many
    from fallline._surface import surface as measured_on

    refuse_too_many(*cells)
    checked_seed(seed)
    screen = Screen.standard()
    use_one_thread()
    walked = _path(run, path, folder)
    loss = own_objective(objective)
    cut = _plane(loss, plane, axes, walked, checkpoints, seed)
    with ProgressLine(screen, visible=not (quiet or as_json), things="evaluations") as progress:
        found = measured_on(
            loss,
            cut,
            cells,
            exact=exact,
            extent=extent,
            path=None if cut.kind == "path" else walked,
            seed=seed,
            progress=lambda done, total: progress.update(done, total, float("nan")),
        )
    if report is not None:
        from fallline._report import report as write

        write(found, report)
    if as_json:
        screen.json(_show_surface.as_json(objective, found, report))
    elif not quiet:
        _show_surface.show_surface(screen, objective, loss, found, report)
    stopped = not found.complete or any(note.startswith(STOPPED.removesuffix(".")) for note in found.notes)
    return INTERRUPTED if stopped else 0


def _shape(text: str) -> tuple[int, int]:
    """``101,81`` or ``101x81`` as two numbers.

    >>> _shape("101,81"), _shape("21 x 21")
    ((101, 81), (21, 21))
    """
    found = re.fullmatch(r"\s*(\d{1,5})\s*[,x×]\s*(\d{1,5})\s*", text)
    if found is None or min(int(found[1]), int(found[2])) < 2:
        raise OptionError(f'--shape takes cells along both axes, two or more each, as in 101,81, not "{text}".')
    return int(found[1]), int(found[2])


def _split(text: str) -> list[str]:
    """Names at commas outside of brackets.

    >>> _split("0.weight[3, 5],0.bias[1]")
    ['0.weight[3, 5]', '0.bias[1]']
    """
    return [part.strip() for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


def _path(run: str | None, path: str | None, folder: Path) -> object:
    """A recording's file, or the user's own points; None where neither was given."""
    if run is not None and path is not None:
        raise OptionError("One path is drawn: give --run or --path, not both.")
    if path is not None:
        return own_value(path, "path")
    if run is None:
        return None
    from fallline._store import find_run

    return find_run(folder, run)


def _plane(
    loss: "LossFunction", kind: str | None, axes: str | None, walked: object, checkpoints: str | None, seed: int
) -> "Plane":
    """The plane that was asked for; what else was given says which, where it was not."""
    from fallline._planes import plane

    if kind is None:
        kind = "parameters" if axes is not None else "checkpoints" if checkpoints is not None else None
    if kind is None:
        kind = "path" if walked is not None else "parameters" if loss.parameter_count == 2 else "hessian"
    if kind == "path" and walked is None:
        raise OptionError("A plane of a path needs its points: --run RUN, or --path mymodule:path.")
    if kind == "checkpoints" and checkpoints is None:
        raise OptionError("A plane through checkpoints needs them: --checkpoints first.pt,last.pt.")
    if kind == "parameters" and axes is None and loss.parameter_count > 2:
        raise OptionError('Which two parameters? --axes "0.weight[0,0],0.bias[0]", or two numbers counted from 0.')
    return plane(
        loss,
        kind,
        names=None if axes is None else [int(name) if name.isdecimal() else name for name in _split(axes)],
        path=walked if kind == "path" else None,
        checkpoints=None if checkpoints is None else [_checkpoint(name) for name in _split(checkpoints)],
        seed=seed,
    )


def _checkpoint(text: str) -> object:
    """A state dict in a file, read without running anything that it may hold, or something in the user's own code."""
    if is_own_code(text):
        return own_value(text, "checkpoint")
    place = Path(text)
    if not place.is_file():
        raise OptionError(f"There is no checkpoint {text}.")
    import torch

    try:
        return torch.load(place, map_location="cpu", weights_only=True)
    except Exception as error:  # what a foreign file makes of it; the unpickler's own error is imported nowhere here
        raise OptionError(
            f"{text} cannot be read as a state dict (tensors by name, saved by torch.save): "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}."
        ) from error
