"""Options that several commands share, and the reading of KEY=VALUE."""

from pathlib import Path
from typing import Annotated

import typer

from fallline._errors import OptionError

RUNS = Path("runs")
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
