"""What SQLite and the operating system refuse, put into one sentence."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fallline._atomic import os_reason
from fallline._errors import RunFileError

_FULL = "the disk is full; what was written before, if anything, can still be read"

_WRITING = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: "it, or its folder, is read-only; choose another place with {setting}",
    sqlite3.SQLITE_PERM: "permission was refused; choose another place with {setting}",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened for writing; choose another place with {setting}",
    sqlite3.SQLITE_BUSY: "another process is using it",
    sqlite3.SQLITE_LOCKED: "another process is using it",
    sqlite3.SQLITE_CORRUPT: "it was damaged while it was being written",
    sqlite3.SQLITE_NOTADB: "it was damaged while it was being written",
}
_READING = {
    sqlite3.SQLITE_NOTADB: "it is not a run file (not an SQLite database)",
    sqlite3.SQLITE_CORRUPT: "it is damaged or cut short",
    sqlite3.SQLITE_PERM: "permission was refused",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_BUSY: "another process has kept it locked",
    sqlite3.SQLITE_LOCKED: "another process has kept it locked",
    sqlite3.SQLITE_FULL: "the disk is full",
}


def primary_code(problem: sqlite3.Error) -> int | None:
    """SQLite's primary result code, None where the error did not come from SQLite itself."""
    code: int | None = getattr(problem, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def is_busy(problem: BaseException | None) -> bool:
    """True where only another process's lock was in the way."""
    busy = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return isinstance(problem, sqlite3.Error) and primary_code(problem) in busy


@contextmanager
def writing(path: Path, setting: str = "--run") -> Iterator[None]:
    """Turn what goes wrong while ``path`` is written into a ``RunFileError``; ``setting`` names another place."""
    try:
        yield
    except sqlite3.Error as problem:
        reason = _WRITING.get(primary_code(problem) or 0)
        if reason is None and _no_room(path):
            reason = _FULL  # a full disk also shows as an I/O error, where the shared memory file cannot grow
        said = str(problem) if reason is None else reason.format(setting=setting)
        raise RunFileError(f"The run file {path} cannot be written: {said}.") from problem
    except OSError as problem:
        raise RunFileError(f"The run file {path} cannot be written: {os_reason(problem)}.") from problem


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong while ``path`` is read into a ``RunFileError`` that names the file."""
    try:
        yield
    except sqlite3.Error as problem:
        reason = _READING.get(primary_code(problem) or 0, str(problem))
        raise unreadable(path, reason) from problem
    except UnicodeDecodeError as problem:  # SQLite quotes damaged text in its message
        raise unreadable(path, _READING[sqlite3.SQLITE_CORRUPT]) from problem
    except OSError as problem:
        raise unreadable(path, os_reason(problem)) from problem


def unreadable(path: Path, reason: str) -> RunFileError:
    """The sentence for a run file that cannot be read."""
    return RunFileError(f"The run file {path} cannot be read: {reason}.")


def _no_room(path: Path) -> bool:
    try:
        room = os.statvfs(path.parent)
    except (AttributeError, OSError):
        return False  # no statvfs on Windows, or no such folder: nothing is known
    return room.f_bavail * room.f_frsize < 1 << 16
