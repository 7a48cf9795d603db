"""``fallline why``: the questions every learner asks, answered by experiment."""

from pathlib import Path
from typing import Annotated

import typer

from fallline._cli._options import (
    DropMissing,
    Features,
    FormulaText,
    Json,
    Loss,
    Quiet,
    Seed,
    Standardise,
    Start,
    Table,
    Target,
    check_table,
    names,
    start_values,
)
from fallline._cli._places import check_place
from fallline._cli._screen import Screen


def why(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="minus, rate, derivative or minimum.")],
    table: Table = None,
    *,
    target: Target = None,
    features: Features = None,
    drop_missing: DropMissing = False,
    standardise: Standardise = None,
    formula: FormulaText = None,
    loss: Loss = "mse",
    start: Start = None,
    seed: Seed = 0,
    price: Annotated[
        float | None,
        typer.Option(
            metavar="PASSES", help="Forward passes that one gradient costs (derivative); measured here unless told."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an offline page to this file.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Answer a question by an experiment that is run now, with its own numbers.

    minus: why not plus? rate: why a learning rate, and why small? derivative: why not just try things out?
    minimum: which one does it find, can it get stuck?
    """
    from fallline._why import check_question  # torch is loaded by what follows

    check_question(question, price)
    check_table(table, target)
    if report is not None:
        check_place(report, "report", {} if table is None else {"table": Path(table)})
    from fallline._cli import _show_answer
    from fallline._cli._show import use_one_thread
    from fallline._question import why as answered

    screen = Screen.standard()
    use_one_thread()
    answer = answered(
        question,
        table,
        target=target,
        features=names(features),
        drop_missing=drop_missing,
        standardise=standardise,
        formula=formula,
        loss=loss,
        start=start_values(start),
        seed=seed,
        price=price,
    )
    if report is not None:
        from fallline._report._answer import answer_report

        answer_report(answer, report)
    if as_json:
        screen.json(_show_answer.as_json(answer, report))
    elif not quiet:
        _show_answer.show_answer(screen, answer, report)
    return 0
