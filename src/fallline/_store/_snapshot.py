"""Opening a run file to read it: one consistent snapshot, and never a write to it."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path

from fallline._atomic import FOLDER, os_reason
from fallline._errors import RunFileError, near
from fallline._store._faults import primary_code, reading, unreadable
from fallline._store._schema import APPLICATION_ID, FORMAT, RECORDING_VERSION, VERSION

_BUSY_SECONDS = 5.0
_JOURNALS = ("-wal", "-journal")

_NOTHING = "nothing has been written to it; its process has only just begun, or ended before it could"

# A killed process left a journal where we may not write beside it, or which we may not roll back.
_NEEDS_COPY = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})


class NothingWrittenError(RunFileError):
    """The file is there, and its process never came to write into it."""


class RunKind(StrEnum):
    """What a run file holds."""

    NEURON = "a neuron's run"
    RECORDING = "the recording of a training loop"


def run_kind(path: Path | str) -> RunKind:
    """What the file holds, without reading it.

    Raises:
        RunFileError: as :func:`snapshot`.
    """
    with snapshot(Path(path)) as connection:
        return _kind(connection)


@contextmanager
def intact(path: Path, kind: RunKind) -> Iterator[sqlite3.Connection]:
    """A snapshot whose contents are not trusted: what does not fit together is damage.

    Raises:
        RunFileError: as :func:`snapshot`, or the file holds another kind of run.
    """
    with snapshot(path) as connection:
        found = _kind(connection)
        if found is not kind:
            raise unreadable(path, f"it holds {found.value}, not {kind.value}")
        try:
            yield connection
        except KeyError as problem:
            raise unreadable(path, f"it is damaged ({problem.args[0]} is missing)") from problem
        except (RunFileError, ValueError, TypeError, OverflowError, MemoryError) as problem:
            raise unreadable(path, f"it is damaged ({problem})") from problem


def _kind(connection: sqlite3.Connection) -> RunKind:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return RunKind.RECORDING if version == RECORDING_VERSION else RunKind.NEURON


@contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """A read transaction on the run file, whether finished, being written or left by a killed process.

    Raises:
        RunFileError: no such file, not a run file, from a newer fallline, damaged, or not to be opened.
    """
    _refuse_missing(path)
    with reading(path), _opened(path) as connection:
        yield connection


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        connection = _begin(path, "ro")
    except sqlite3.OperationalError as problem:
        if primary_code(problem) not in _NEEDS_COPY or not _left_behind(path):
            raise
    else:
        with closing(connection):
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix="fallline-") as folder:
        copy = Path(folder) / "run.db"
        for suffix in ("", *_JOURNALS):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        with closing(_begin(copy, "rw")) as connection:
            yield connection


def _begin(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_SECONDS
    )
    try:
        connection.execute("BEGIN")
        _check_format(connection, path)  # its first read also fixes the snapshot
    except BaseException:  # Ctrl-C as well: the connection would keep the file open
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables == 0:
        raise NothingWrittenError(str(unreadable(path, _NOTHING)))
    if application != APPLICATION_ID:
        raise unreadable(path, "it is an SQLite database, but not a fallline run")
    if version > VERSION:
        raise RunFileError(
            f"The run file {path} was written by a newer fallline ({FORMAT}/{version}; this one reads up to "
            f"{FORMAT}/{VERSION}): upgrade with `pip install --upgrade fallline`."
        )


def _left_behind(path: Path) -> bool:
    """True where the file may not be all: a journal lies beside it, or its header says WAL."""
    if any(path.with_name(path.name + suffix).exists() for suffix in _JOURNALS):
        return True
    with path.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


def _refuse_missing(path: Path) -> None:
    try:
        if path.is_dir():
            raise unreadable(path, FOLDER)
        if path.stat().st_size == 0 and not any(path.with_name(path.name + s).exists() for s in _JOURNALS):
            raise NothingWrittenError(str(unreadable(path, _NOTHING)))
    except FileNotFoundError:
        raise RunFileError(f"There is no run file {path}.{_near_files(path)}") from None
    except OSError as problem:
        raise unreadable(path, os_reason(problem)) from problem
    with reading(path):  # of a refused permission SQLite says "unable to open"; the system says it better
        path.open("rb").close()


def _near_files(path: Path) -> str:
    try:
        return near(path.name, [entry.name for entry in path.parent.iterdir()])
    except OSError:
        return ""
