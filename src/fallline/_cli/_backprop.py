"""``fallline backprop``: a piece of PyTorch run forward and backward, with every number on the way."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fallline._cli._options import Json, Quiet
from fallline._cli._places import check_place
from fallline._cli._screen import Screen

if TYPE_CHECKING:
    from fallline._records import Backprop


def backprop(
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help='Assignments and one result: "y = x + 2; z = y*y*2; z.mean()".')
    ],
    *,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="x=1,2,3", help='The inputs; may be repeated. A matrix: "W=[[1,2],[3,4]]".'),
    ] = None,
    vector: Annotated[
        str | None,
        typer.Option(metavar="0.1,1", help="What the entries of a result weigh that is no single number."),
    ] = None,
    jacobian: Annotated[bool, typer.Option("--jacobian", help="Print the whole matrix of derivatives too.")] = False,
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Status 1 where central differences say otherwise or nothing of an input was compared.",
        ),
    ] = None,
    tree: Annotated[bool, typer.Option("--tree", help="The way back as a tree instead of the table.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an offline page to this file.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Where a gradient comes from: values forward, local derivatives, gradients back, and a check of them.

    Known are + - * / ** @, comparisons with where, and functions such as exp, log, relu, softmax, cross_entropy.
    """
    if report is not None:
        check_place(report, "report", {})
    from fallline._backprop import backprop as run  # torch is loaded by what follows
    from fallline._backprop._language_values import parse_at, parse_vector
    from fallline._cli import _show_backprop
    from fallline._cli._show import use_one_thread

    screen = Screen.standard()
    use_one_thread()
    graph = run(
        expression,
        at=parse_at(at or []),
        vector=None if vector is None else parse_vector(vector),
        check=check is not False,
        jacobian=jacobian,
    )
    if report is not None:
        from fallline._report._backprop import backprop_report

        backprop_report(graph, report)
    if as_json:
        screen.json(_show_backprop.as_json(graph, report))
    elif not quiet:
        _show_backprop.show_backprop(screen, graph, report, tree=tree)
    return status_of(graph, asked=check is True)


def status_of(graph: "Backprop", *, asked: bool) -> int:
    """1 where the check was asked for by name and a gradient is wrong or lost, or nothing of one could be compared."""
    return 1 if asked and graph.check is not None and not graph.check.agrees else 0
