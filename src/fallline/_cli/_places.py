"""Where a command would write, looked at before any work is done."""

from collections.abc import Mapping
from pathlib import Path

from fallline._atomic import place_problem
from fallline._errors import OptionError


def check_place(place: Path, what: str, inputs: Mapping[str, Path], *, made: Path | None = None) -> None:
    """Refuse a place that is a folder, lies in no folder, or is one of the files that the command reads or makes.

    ``made`` is a folder that the command itself would make.

    >>> check_place(Path("a.db"), "report", {"run file": Path("./a.db")})
    Traceback (most recent call last):
    fallline._errors.OptionError: The report would overwrite the run file a.db: name another place for it.
    """
    for name, taken in inputs.items():
        if place.resolve() == taken.resolve():
            raise OptionError(f"The {what} would overwrite the {name} {taken}: name another place for it.")
    if what == "report" and place.is_file() and not _is_page(place):
        raise OptionError(f"{place} exists and is no report: it is not overwritten. Name another place for the report.")
    problem = place_problem(place, made=made)
    if problem:
        raise OptionError(f"The {what} cannot be written to {place}: {problem}.")


def check_report_of(table: str | None, report: Path | None) -> None:
    """The same for a page that is written only where it is asked for."""
    if report is not None:
        check_place(report, "report", {} if table is None else {"table": Path(table)})


def _is_page(place: Path) -> bool:
    """True for an HTML page (an older report) or an empty file."""
    try:
        with place.open("rb") as file:
            start = file.read(64)
    except OSError:
        return True  # the writing itself will say what is wrong
    return not start or start.lstrip().lower().startswith(b"<!doctype html")
