"""Files that are written whole or not at all, and what is in the way of one."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

FOLDER = "it is a folder; name a file in it"
"""What is said of a folder where a file is meant."""
NO_FILE: Final = {
    stat.S_IFCHR: "it is a device; name a file",
    stat.S_IFBLK: "it is a device; name a file",
    stat.S_IFIFO: "it is a pipe; name a file",
    stat.S_IFSOCK: "it is a socket; name a file",
}
"""What is said of other things that are no files: ``/dev/null`` would be one no more once a file has taken its name."""


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A file to write in the same folder; it takes the target's name once all of it is on the disk.

    After an error nothing is left of it, and what stood at the target before still does. Of a link it is the file that
    the link leads to.

    Raises:
        OSError: the folder cannot be written, or is full; or what stands there is no file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "line.txt") as part:
    ...         _ = part.write_text("whole")
    ...     [item.name for item in Path(folder).iterdir()]
    ['line.txt']
    """
    problem = _no_file(target)
    if problem:
        raise OSError(problem)
    target = target.resolve() if target.is_symlink() else target
    part = target.with_name(f".{target.name}.{token_hex(4)}.part")
    try:
        yield part
        with part.open("rb+") as file:  # open for writing: some systems refuse to flush what is read
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def place_problem(place: Path, *, made: Path | None = None) -> str:
    """Why no file can stand at a place, empty where nothing is seen in the way.

    ``made`` is a folder that will be there by the time the file is written.

    >>> place_problem(Path("/"))
    'it is a folder; name a file in it'
    """
    problem = _no_file(place)
    if problem:
        return problem
    if not place.parent.is_dir() and (made is None or place.parent.resolve() != made.resolve()):
        return f"there is no folder {place.parent}; make it first"
    return ""


def _no_file(place: Path) -> str:
    """What stands there, or is linked there, where it is no file: such a thing is never replaced."""
    try:
        kind = stat.S_IFMT(place.stat().st_mode)
    except OSError:  # nothing, or nothing that can be looked at: opening it will say why
        return ""
    return FOLDER if kind == stat.S_IFDIR else NO_FILE.get(kind, "")


def os_reason(problem: OSError) -> str:
    """The operating system's reason without its error number and path.

    >>> os_reason(FileNotFoundError(2, "No such file or directory", "a.db"))
    'no such file or directory'
    """
    return (os.strerror(problem.errno) if problem.errno is not None else str(problem)).lower()
