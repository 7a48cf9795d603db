"""Options that several commands share, and the reading of KEY=VALUE."""

from pathlib import Path
from typing import Annotated

import typer

from fallline._errors import OptionError

RunName = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="A run file, its number or its name; the last run unless told."),
]
Folder = Annotated[Path, typer.Option("--runs", metavar="FOLDER", help="The folder of run files.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to; beside the run file unless told."),
]
Table = Annotated[
    str | None,
    typer.Argument(metavar="TABLE", help="CSV, TSV, Parquet or JSON lines; the textbook line unless told."),
]
TableOrOwn = Annotated[
    str | None,
    typer.Argument(
        metavar="TABLE|MODULE:NAME",
        help="CSV, TSV, Parquet or JSON lines; or an fl.Objective in your own code. The textbook line unless told.",
    ),
]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column to predict.")]
Features = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Columns to predict it from; all other numeric ones unless told."),
]
DropMissing = Annotated[bool, typer.Option("--drop-missing", help="Leave out rows with missing values.")]
Standardise = Annotated[
    bool | None,
    typer.Option(
        "--standardise/--no-standardise",
        help="Shift and scale the features. The default for a table, not for the textbook line.",
    ),
]
FormulaText = Annotated[
    str | None,
    typer.Option(
        "--formula",
        metavar="TEXT",
        help='Descend on a formula instead: "(w - 3)^2", or rosenbrock, ravine, himmelblau … by name.',
    ),
]
Loss = Annotated[str, typer.Option(metavar="NAME", help="mse, mae, huber or bce (a logistic neuron, target 0/1).")]
Optimizer = Annotated[str, typer.Option(metavar="NAME", help="A class of torch.optim, or momentum, nesterov.")]
Option = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="An option of the optimizer; may be repeated."),
]
Epochs = Annotated[int, typer.Option(help="Passes over the rows; steps on a formula.")]
BatchSize = Annotated[int | None, typer.Option(metavar="ROWS", help="Rows per step; all of them unless told.")]
Start = Annotated[
    str | None,
    typer.Option(metavar="w=…,b=…", help="Parameters before the first step, training scale; random unless told."),
]
Seed = Annotated[int, typer.Option(help="Of the textbook noise, the random start and the batches.")]
Seeds = Annotated[int, typer.Option(metavar="K", help="Repeat from K starts; more than one gives bands.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def check_table(table: str | None, target: str | None) -> None:
    """A table needs to be told which column is predicted; a file that is none is told first."""
    if table is not None and target is None:
        _check_file(table)
        raise OptionError(f"Say which column of {table} to predict: --target COLUMN.")


def _check_file(table: str) -> None:
    from fallline._data._read import open_source  # Polars
    from fallline._data._source import choose

    source = open_source(table, streamed=True)
    choose(source.kinds, None, None, source.label)


def pairs(given: list[str], flag: str, example: str = "momentum=0.9") -> dict[str, str]:
    """``key=value`` strings as a dictionary.

    >>> pairs(["momentum=0.9"], "--option")
    {'momentum': '0.9'}
    """
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise OptionError(f'{flag} takes KEY=VALUE, as in {flag} {example}, not "{text}".')
        if key.strip() in found:
            raise OptionError(f"{flag} names {key.strip()} twice: give it once.")
        found[key.strip()] = value.strip()
    return found


def start_values(text: str | None) -> dict[str, float] | None:
    """``w=1,b=0`` as numbers by name.

    >>> start_values("w=1,b=-0.5")
    {'w': 1.0, 'b': -0.5}
    """
    if text is None:
        return None
    numbers = {}
    for key, value in pairs([part for part in text.split(",") if part.strip()], "--start", "w=1,b=0").items():
        try:
            numbers[key] = float(value)
        except ValueError:
            raise OptionError(f'--start {key}={value}: "{value}" is not a number.') from None
    return numbers


def names(text: str | None) -> list[str] | None:
    """``A,B`` as a list of column names.

    >>> names("bill_length_mm, year")
    ['bill_length_mm', 'year']
    """
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]
