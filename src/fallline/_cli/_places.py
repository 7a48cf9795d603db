"""Where a command would write, looked at before any work is done."""

from collections.abc import Mapping
from pathlib import Path

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
    if place.is_dir():
        raise OptionError(f"The {what} cannot be written to {place}: it is a folder; name a file in it.")
    if not place.parent.is_dir() and (made is None or place.parent.resolve() != made.resolve()):
        raise OptionError(f"The {what} cannot be written to {place}: there is no folder {place.parent}; make it first.")
