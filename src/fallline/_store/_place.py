"""Making a run file: its place claimed once, its tables, and all cleared away where nothing came of it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fallline._atomic import place_problem
from fallline._errors import RunFileError
from fallline._store._faults import writing

ADVICE = "choose another name or delete it"


class TakenError(RunFileError):
    """Somebody else's file: it must not be cleared away."""


@contextmanager
def new_connection(
    path: Path,
    busy_seconds: float,
    *,
    setting: str = "--run",
    same_thread: bool = True,
    advice: str = ADVICE,
    begun: bool = False,
) -> Iterator[sqlite3.Connection]:
    """A connection to a file that is new, or empty; after an error inside nothing is left of either.

    Raises:
        RunFileError: the path exists or cannot be written, or the disk is full. ``setting`` names another
            place; ``advice`` says what to do where the name is taken. ``begun``: a file that a killed process has left
            without its tables is taken.
    """
    if not begun:
        with writing(path, setting):
            claim(path, advice)
    try:
        with writing(path, setting):
            connection = sqlite3.connect(
                path, isolation_level=None, timeout=busy_seconds, check_same_thread=same_thread
            )
            try:
                yield connection
            except BaseException:  # Ctrl-C as well: the connection would keep the file open
                connection.close()
                raise
    except TakenError:
        raise
    except BaseException:  # Ctrl-C as well: a file without a header is of no use to anybody
        remove(path)
        raise


@contextmanager
def first_transaction(connection: sqlite3.Connection, path: Path, tables: Sequence[str]) -> Iterator[None]:
    """Makes the tables, and whatever is written inside, at once: durable when it ends.

    Raises:
        TakenError: somebody else has written into the file meanwhile.
    """
    connection.execute("BEGIN EXCLUSIVE")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        raise taken(path)
    for statement in tables:
        connection.execute(statement)
    yield
    connection.execute("COMMIT")
    # NORMAL: nothing is lost to kill -9; to a power failure, in WAL, at most the last commits.
    connection.execute("PRAGMA synchronous = NORMAL")


def claim(path: Path, advice: str = ADVICE) -> None:
    """Make the empty file, or take one that is there.

    Raises:
        RunFileError: the path is taken, or its folder does not exist.
    """
    problem = place_problem(path)
    if problem:
        raise RunFileError(f"The run file {path} cannot be written: {problem}.")
    try:
        path.open("xb").close()
    except FileExistsError:
        if not path.is_file() or path.stat().st_size > 0:
            raise taken(path, advice) from None


def taken(path: Path, advice: str = ADVICE) -> TakenError:
    """The sentence for a name that somebody else has."""
    return TakenError(f"The run file {path} exists already and is never overwritten; {advice}.")


def put(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Set one entry of ``meta``; ``value`` is strict JSON."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def remove(path: Path) -> None:
    """Clear a file of ours away, with its journal."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
