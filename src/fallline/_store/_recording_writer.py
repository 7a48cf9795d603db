"""Writing the recording of a training loop into one file, so that killing the process loses nothing committed."""

import ctypes
import json
import os
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Self

from fallline._errors import RunFileError
from fallline._records import RecordingHeader, RecordingSummary, StepSeries
from fallline._store._closing import ClosedByWith
from fallline._store._faults import writing
from fallline._store._journal import choose_journal, fold_journal
from fallline._store._json import to_json
from fallline._store._place import first_transaction, new_connection, put
from fallline._store._recording_commit import Tails, insert_entries
from fallline._store._recording_reader import stored_header
from fallline._store._recording_resume import check_same_run, rewind
from fallline._store._recording_schema import STEPS, TABLES
from fallline._store._recording_waiting import Recorded, Waiting
from fallline._store._schema import FORMAT, RECORDING_VERSION
from fallline._store._snapshot import NothingWrittenError

SETTING = "run="
"""What names another place."""
_ADVICE = "choose another name, or resume=True goes on with it"
_BUSY_SECONDS = 1.0
_SWITCH_TRIES = 40
_SWITCH_PAUSE = 0.025


class RecordingWriter(ClosedByWith):
    """One recording while it is written; made by :meth:`create` or :meth:`resume`.

    Made on one thread, it may then be used by one other; a forked child can do nothing with it.

    ::

        writer = RecordingWriter.create(path, header)
        writer.append(steps, layers, Event(…))      # only keeps them
        writer.commit()                             # durable when it returns
        writer.finish(summary)
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, header: RecordingHeader, token: str, next_step: int
    ) -> None:
        """Use :meth:`create` or :meth:`resume`."""
        self.path = path
        self.header = header
        """As stored: with the journal's note, where there is one."""
        self.next_step = next_step
        """Where the record goes on, after what has been appended."""
        self.stored_steps: int | None = None
        """How many steps the file holds, once it is closed; None before, and where it could not be read."""
        self._connection = connection
        self._place = path.absolute()  # the program may change its folder
        self._identity = _identity(self._place)
        self._waiting = Waiting(header, next_step)
        self._tails = Tails()
        self._written = 0
        self._token = token
        self._process = os.getpid()
        self._open = True
        _keep_alive(connection)

    @classmethod
    def create(cls, path: Path | str, header: RecordingHeader) -> Self:
        """Make the file with everything known before the first step; durable when it returns.

        An existing file is refused, but for an empty one (a name that ``next_run_path`` has claimed).

        Raises:
            RunFileError: the path exists or cannot be written, or the disk is full; nothing is left behind.
        """
        return cls._create(Path(path), header, 0)

    @classmethod
    def _create(cls, path: Path, header: RecordingHeader, next_step: int, *, begun: bool = False) -> Self:
        with new_connection(
            path, _BUSY_SECONDS, setting=SETTING, same_thread=False, advice=_ADVICE, begun=begun
        ) as connection:
            token = token_hex(8)
            connection.execute("PRAGMA synchronous = OFF")  # nothing yet that a power failure could take
            header = _with_note(header, choose_journal(connection, path))
            with first_transaction(connection, path, TABLES):
                connection.execute(f"PRAGMA user_version = {RECORDING_VERSION}")
                put(connection, "format", to_json(f"{FORMAT}/{RECORDING_VERSION}"))
                put(connection, "header", to_json(header))
                put(connection, "written", _written_by(token, 0))
            return cls(path, connection, header, token, next_step)

    @classmethod
    def resume(cls, path: Path | str, header: RecordingHeader, at: int | None = None) -> Self:
        """Go on with a recording after its last step, or from step ``at``; a missing file is made.

        Rows, snapshots and marks of step ``at`` and later are removed, and an event says so, in one transaction. The
        header of the first start stays, and an event tells what is other now; a summary is removed.

        Raises:
            ValueError: ``at`` is negative.
            RunFileError: the file records another model or other optimizers, holds no recording, is damaged or
                cannot be written.
        """
        if at is not None and at < 0:
            raise ValueError(f"at: expected a step of 0 or more, got {at}")
        path = Path(path)
        if not path.exists():
            return cls._create(path, header, at or 0)
        try:
            stored = stored_header(path)
        except NothingWrittenError:  # its process was killed before it could
            return cls._create(path, header, at or 0, begun=True)
        check_same_run(path, stored, header)
        with writing(path, SETTING):
            connection = _connect(path)
            try:
                stored = _with_note(stored, choose_journal(connection, path))
                token = token_hex(8)
                next_step = rewind(connection, stored, header, at, {"written": _written_by(token, 0)})
            except (RunFileError, ValueError, TypeError, OverflowError) as problem:
                connection.close()
                raise RunFileError(f"The run file {path} cannot be resumed: it is damaged ({problem}).") from problem
            except BaseException:  # Ctrl-C as well: the connection would keep the file open
                connection.close()
                raise
            return cls(path, connection, stored, token, next_step)

    @property
    def waiting_bytes(self) -> int:
        """What has been appended and is not written yet, in bytes, but for snapshots."""
        return self._waiting.nbytes

    def append(self, *records: Recorded) -> None:
        """Keep records until the next commit; never touches the disk. Their arrays must not change any more.

        Raises:
            ValueError: an array has not the shape that its class states, or steps go backwards; none was kept.
        """
        self._waiting.add(records)
        for record in records:
            if isinstance(record, StepSeries) and len(record):
                self.next_step = max(self.next_step, int(record.step[-1]) + 1)

    def commit(self) -> None:
        """Write everything that waits, in one transaction; when it returns, it survives ``kill -9``.

        Raises:
            RunFileError: the file cannot be written; everything waits on.
        """
        if len(self._waiting):
            self._commit(None)

    def drop_waiting(self, keep_bytes: int = 0) -> tuple[int, int] | None:
        """Forget what waits, oldest first, until at most ``keep_bytes`` do; events, alarms and snapshots are kept.

        The first and the last step of what was dropped; None where nothing was.
        """
        return self._waiting.drop(keep_bytes)

    def finish(self, summary: RecordingSummary) -> None:
        """Commit what waits with the summary, leave one single file, and close.

        The summary is stored with the number of steps that the file holds.

        Raises:
            RunFileError: the file cannot be written; what was committed before stays readable.
        """
        self._commit(summary)
        fold_journal(self._connection, _SWITCH_TRIES, _SWITCH_PAUSE)
        self.close()

    def close(self) -> None:
        """Commit and close; without :meth:`finish` the recording reads as unfinished. A second call does nothing.

        Raises:
            RunFileError: what waits cannot be written. It is lost then.
        """
        if not self._open or os.getpid() != self._process:
            return
        try:
            self.commit()
        finally:
            self._open = False
            with suppress(sqlite3.Error):  # a damaged file: then nothing is known
                self.stored_steps = _stored_steps(self._connection)
            with writing(self.path, SETTING):
                _close(self._connection)

    def _commit(self, summary: RecordingSummary | None) -> None:
        """One transaction. Ctrl-C may strike between its end and the book-keeping, so the file is asked."""
        if not self._open or os.getpid() != self._process:
            raise RunFileError(f"The run file {self.path} cannot be written: it is closed, or this process was forked.")
        with writing(self.path, SETTING):
            self._follow_file()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                written = self._written_before()
                if written != self._written:  # an earlier commit went through, and was cut off after it
                    self._tails = Tails()
                new = [entry for entry in self._waiting if entry.serial > written]
                tails = insert_entries(self._connection, new, self._tails)
                if new:
                    written = new[-1].serial
                put(self._connection, "written", _written_by(self._token, written))
                if summary is not None:
                    stored = replace(summary, steps=_stored_steps(self._connection))
                    put(self._connection, "summary", to_json(stored))
                self._connection.execute("COMMIT")
            except BaseException:  # Ctrl-C as well: half a transaction must not be left open
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self._tails = tails
        self._written = written
        self._waiting.forget(written)

    def _written_before(self) -> int:
        """The serial of the last record that the file has.

        Raises:
            RunFileError: somebody else has resumed it.
        """
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'written'").fetchone()
        found = json.loads(row[0]) if row is not None else {}
        if found.get("by") != self._token:
            raise RunFileError(f"The run file {self.path} cannot be written: another process has gone on with it.")
        return int(found["serial"])

    def _follow_file(self) -> None:
        """A file that was removed would swallow what is written into it; one that was put back is opened again.

        Raises:
            OSError: there is no file.
            sqlite3.Error: it cannot be opened.
        """
        identity = _identity(self._place)
        if identity != self._identity:
            connection = _connect(self._place)
            self._connection, old = connection, self._connection
            self._identity = identity
            _keep_alive(connection)
            _close(old)


def _connect(path: Path) -> sqlite3.Connection:
    """To a file that is there: a missing one is not made."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_BUSY_SECONDS,
        check_same_thread=False,
    )  # fmt: skip
    connection.execute("PRAGMA synchronous = NORMAL")  # as first_transaction leaves it
    return connection


def _identity(path: Path) -> tuple[int, int]:
    """Which file lies at the path."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _with_note(header: RecordingHeader, note: str | None) -> RecordingHeader:
    if note is None or note in header.notes:
        return header
    return replace(header, notes=(*header.notes, note))


def _written_by(token: str, serial: int) -> str:
    return to_json({"by": token, "serial": serial})


def _stored_steps(connection: sqlite3.Connection) -> int:
    (steps,) = connection.execute(
        "SELECT coalesce(sum(count), 0) FROM block WHERE series = ?", (STEPS.name,)
    ).fetchone()
    return int(steps)


def _keep_alive(connection: sqlite3.Connection) -> None:
    """Until :func:`_close`, one reference too many: a forked child must not close its copy of the connection.

    Not even by letting go of it, as it may be in the middle of the parent's transaction.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _close(connection: sqlite3.Connection) -> None:
    connection.close()
    ctypes.pythonapi.Py_DecRef(ctypes.py_object(connection))
