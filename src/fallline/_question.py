"""``fl.why``: a question becomes an experiment that is run now, and what it found becomes sentences."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fallline._explain._answers import answer_of
from fallline._problem import given_problem
from fallline._records import Answer
from fallline._why import ask, check_question, check_surface_only

if TYPE_CHECKING:
    from fallline._data._read import TableSource


def why(
    question: str,
    data: "TableSource | None" = None,
    *,
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    formula: str | None = None,
    loss: str = "mse",
    start: Mapping[str, float] | None = None,
    seed: int = 0,
    price: float | None = None,
) -> Answer:
    """Answer a question that every learner asks by an experiment that is run now.

    ``minus``: the same loop with plus climbs. ``rate``: the slope's promise holds nearby. ``derivative``: the same
    number of forward passes spent with and without it. ``minimum``: local minima, saddles, flat valleys.

    Args:
        question: ``minus``, ``rate``, ``derivative`` or ``minimum``.
        data: as for :func:`fallline.fit`; the textbook line unless told. ``minimum`` takes formulas only.
        target: the column to predict; the last one unless told.
        features: the columns to predict it from; every other numeric column unless told.
        drop_missing: leave out rows with missing values instead of refusing them.
        standardise: shift and scale the features; True for data, False for the textbook line.
        formula: a surface instead of a table: its name, or arithmetic such as ``"(w - 3)^2"``.
        loss: ``mse``, ``mae``, ``huber`` or ``bce``.
        start: parameters before the first step by name, in the training scale.
        seed: of the textbook noise, the start, random directions and noise.
        price: forward passes that one gradient costs (``derivative``); measured on this machine unless told, the
            only part of an answer that differs from run to run.

    Returns:
        An :class:`Answer`: sentences, curves and tables, and the numbers they were made of.

    Raises:
        DataError: the table cannot be used.
        OptionError: there is no such question, or a setting does not go with it.

    >>> answer = why("minus")
    >>> answer
    <Answer Why minus? line: 4 sections>
    >>> answer.numbers["plus_doubled_after"]
    1
    """
    check_question(question, price)
    table = data is not None or target is not None or features is not None or drop_missing
    nothing = not table and not standardise and formula is None and loss == "mse"
    if question == "minimum":
        check_surface_only(table=table or standardise is not None or loss != "mse")
    problem = None
    if not nothing:
        problem = given_problem(
            data,
            target=target,
            features=features,
            drop_missing=drop_missing,
            standardise=standardise,
            formula=formula,
            loss=loss,
            seed=seed,
        )
    return answer_of(ask(question, problem, start=start, seed=seed, price=price))
