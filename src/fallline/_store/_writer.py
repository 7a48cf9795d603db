"""Writing one run into one file, so that killing the process loses nothing that was flushed."""

import json
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Self

from fallline._errors import RunFileError
from fallline._records import Columns, Floats, Header, Moments, Sample, Summary
from fallline._store._closing import ClosedByWith
from fallline._store._faults import is_busy, writing
from fallline._store._journal import choose_journal, fold_journal
from fallline._store._json import to_json
from fallline._store._place import first_transaction, new_connection, put
from fallline._store._schema import (
    FORMAT,
    FORMULA_VERSION,
    NEURON_VERSION,
    TABLES,
    Chunk,
    array_bytes,
    chunks_of,
    insert_block,
    stored_steps,
)

COMMIT_SECONDS = 0.25
"""``append`` commits by itself once this long has passed since the last commit."""
COMMIT_BYTES = 4 << 20
"""… or once this much is waiting."""

_BUSY_SECONDS = 5.0
_SWITCH_TRIES = 40
_SWITCH_PAUSE = 0.025


class RunWriter(ClosedByWith):
    """One run file while it is written; made by :meth:`create`, closed by ``with``.

    ::

        with RunWriter.create(next_run_path("runs", header.name), header, sample, moments) as writer:
            for columns in blocks:        # at least once a second
                writer.append(columns)
            writer.finish(summary)
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, header: Header, note: str | None) -> None:
        """Use :meth:`create`."""
        self.path = path
        self.header = header
        """As stored: with the journal's note, where there is one."""
        self.journal_note = note
        """Why the journal is not WAL, None where it is."""
        self._connection = connection
        self._waiting: list[tuple[int, int, list[Chunk]]] = []  # first step, steps, chunks
        self._waiting_bytes = 0
        self._flushed = 0
        self._committed_at = time.monotonic()
        self._open = True

    @classmethod
    def create(cls, path: Path | str, header: Header, sample: Sample | None, moments: Moments | None) -> Self:
        """Make the file with everything known before step 0; durable when it returns.

        An existing file is refused, but for an empty one (a name that :func:`next_run_path` has claimed).

        Raises:
            RunFileError: the path exists or cannot be written, or the disk is full; nothing is left behind.
        """
        path = Path(path)
        with new_connection(path, _BUSY_SECONDS) as connection:
            header, note = _write_head(connection, path, header, sample, moments)
        return cls(path, connection, header, note)

    @property
    def flushed_steps(self) -> int:
        """How many steps are durable."""
        return self._flushed

    @property
    def appended_steps(self) -> int:
        """How many steps have been handed over, durable or still waiting."""
        if not self._waiting:
            return self._flushed
        first_step, count, _ = self._waiting[-1]
        return first_step + count

    def append(self, columns: Columns) -> None:
        """Add consecutive steps; they are durable at the next commit (soon by itself, or by :meth:`flush`).

        Raises:
            ValueError: an array has not the shape that ``Columns`` states.
            RunFileError: the file cannot be written, for instance because the disk is full.
        """
        if not len(columns):
            return
        chunks = chunks_of(columns, len(self.header.parameter_names))
        self._waiting.append((self.appended_steps, len(columns), chunks))
        self._waiting_bytes += sum(len(chunk.data) for chunk in chunks)
        due = time.monotonic() - self._committed_at >= COMMIT_SECONDS
        if due or self._waiting_bytes >= COMMIT_BYTES:
            self._commit_unless_busy()

    def flush(self) -> None:
        """Commit; when it returns, what had been appended survives ``kill -9``.

        Raises:
            RunFileError: the file cannot be written; what was flushed before stays readable.
        """
        if self._waiting:
            self._commit(None)

    def finish(self, summary: Summary) -> None:
        """Commit what is left with the summary, leave one single file, and close.

        Raises:
            RunFileError: the file cannot be written; what was flushed before stays readable.
        """
        self._commit(summary)
        self._single_file()
        self.close()

    def close(self) -> None:
        """Flush and close; without :meth:`finish` the run reads as unfinished. A second call does nothing."""
        if not self._open:
            return
        try:
            self.flush()
        finally:
            self._open = False
            with writing(self.path):
                self._connection.close()

    def _commit(self, summary: Summary | None) -> None:
        """One transaction. Ctrl-C may strike between its end and the book-keeping, so the file is asked."""
        with writing(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                durable = stored_steps(self._connection)
                for first_step, count, chunks in self._waiting:
                    if first_step >= durable:
                        insert_block(self._connection, first_step, count, chunks)
                if summary is not None:
                    put(self._connection, "summary", to_json(summary))
                self._connection.execute("COMMIT")
            except BaseException:  # Ctrl-C as well: half a transaction must not be left open
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self._flushed = self.appended_steps
        self._waiting.clear()
        self._waiting_bytes = 0
        self._committed_at = time.monotonic()

    def _commit_unless_busy(self) -> None:
        """Without WAL a reader can be in the way; then the steps wait on, for the next append or flush."""
        try:
            self._commit(None)
        except RunFileError as problem:
            if not is_busy(problem.__cause__):
                raise
            self._committed_at = time.monotonic()

    def _single_file(self) -> None:
        fold_journal(self._connection, _SWITCH_TRIES, _SWITCH_PAUSE)


def _write_head(
    connection: sqlite3.Connection, path: Path, header: Header, sample: Sample | None, moments: Moments | None
) -> tuple[Header, str | None]:
    """Tables, header, sample and moments in one transaction; the header as stored, and the journal's note."""
    connection.execute("PRAGMA synchronous = OFF")  # there is nothing yet that a power failure could take
    note = choose_journal(connection, path)
    if note is not None:
        header = replace(header, notes=(*header.notes, note))
    with first_transaction(connection, path, TABLES):
        version = NEURON_VERSION if header.formula is None else FORMULA_VERSION
        connection.execute(f"PRAGMA user_version = {version}")
        put(connection, "format", to_json(f"{FORMAT}/{version}"))
        put(connection, "header", to_json(header))
        _put_data(connection, sample, moments)
    return header, note


def _put_data(connection: sqlite3.Connection, sample: Sample | None, moments: Moments | None) -> None:
    arrays: dict[str, Floats] = {}
    if sample is not None:
        put(connection, "sample.complete", to_json(sample.complete))
        arrays |= {"sample.features": sample.features, "sample.target": sample.target}
    if moments is not None:
        put(connection, "moments.optimum_loss", to_json(moments.optimum_loss))
        arrays |= {"moments.hessian": moments.hessian, "moments.optimum": moments.optimum}
    connection.executemany(
        "INSERT INTO array VALUES (?, ?, ?)",
        [(name, json.dumps(values.shape), array_bytes(values)) for name, values in arrays.items()],
    )
