"""Going on with a recording: whether it is the same run, and where it goes on."""

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from fallline._errors import RunFileError
from fallline._records import Event, EventKind, RecordingHeader
from fallline._store._json import to_json
from fallline._store._place import put
from fallline._store._recording_changes import changes_told
from fallline._store._recording_commit import insert_event
from fallline._store._recording_schema import FLIGHT, LAYOUTS, LOGGED, STEPS, Dimensions, SeriesLayout
from fallline._store._recording_tables import delete_block, insert_rows, read_block
from fallline._wording import count


def check_same_run(path: Path, stored: RecordingHeader, now: RecordingHeader) -> None:
    """Compare what was watched with what is to be watched.

    Raises:
        RunFileError: they differ; the sentence says in what.
    """
    difference = next(_differences(stored, now), None)
    if difference is not None:
        raise RunFileError(f"The run file {path} cannot be resumed: {difference}.")


def _differences(stored: RecordingHeader, now: RecordingHeader) -> Iterator[str]:
    if stored.optimizers != now.optimizers:
        yield f"it records {' + '.join(stored.optimizers)}, and now there is {' + '.join(now.optimizers)}"
    if len(stored.groups) != len(now.groups):
        yield f"it records {count(len(stored.groups), 'parameter group')}, and now there are {len(now.groups)}"
    if len(stored.parameters) != len(now.parameters):
        yield f"it records {count(len(stored.parameters), 'parameter')}, and now there are {len(now.parameters)}"
    for before, after in zip(stored.parameters, now.parameters, strict=False):
        if before.name != after.name:
            yield f"its parameter {before.name} is now {after.name}"
        if (before.shape, before.dtype) != (after.shape, after.dtype):
            yield (
                f"its parameter {before.name} has the shape {before.shape} in {before.dtype}, "
                f"and now {after.shape} in {after.dtype}"
            )
        if (before.layer, before.optimizer, before.group) != (after.layer, after.optimizer, after.group):
            yield f"its parameter {before.name} belongs to another layer, optimizer or parameter group now"
    if [layer.name for layer in stored.layers] != [layer.name for layer in now.layers]:
        yield "its layers have other names now"


def rewind(
    connection: sqlite3.Connection,
    header: RecordingHeader,
    now: RecordingHeader,
    at: int | None,
    meta: Mapping[str, str],
) -> int:
    """Remove what will be recorded again, and mark it, in one transaction; the step where the record goes on.

    Rows and snapshots of that step and later go; events and alarms only where ``at`` was asked for: after a crash
    they tell of it. What is other ``now`` than in the stored ``header`` is told by a mark of its own.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        (last,) = connection.execute("SELECT max(last_step) FROM block WHERE series = ?", (STEPS.name,)).fetchone()
        stored_next = 0 if last is None else last + 1
        next_step = stored_next if at is None else at
        _cut(connection, header, next_step)
        if at is not None:
            _forget_marks(connection, at)
        insert_event(connection, Event(next_step, EventKind.RESUMED, _told(stored_next, next_step)))
        changes = changes_told(header, now)
        if changes is not None:
            insert_event(connection, Event(next_step, EventKind.NOTE, changes))
        connection.execute("DELETE FROM meta WHERE key = 'summary'")
        for key, value in {"header": to_json(header), **meta}.items():
            put(connection, key, value)
        connection.execute("COMMIT")
    except BaseException:  # Ctrl-C as well: half a transaction must not be left open
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return next_step


def _told(stored_next: int, next_step: int) -> str:
    if next_step < stored_next:
        return f"Resumed at step {next_step:,}: {count(stored_next - next_step, 'step')} recorded later were removed."
    if next_step > stored_next:
        return f"Resumed at step {next_step:,}: steps {stored_next:,} to {next_step - 1:,} are missing."
    return f"Resumed at step {next_step:,}."


def _cut(connection: sqlite3.Connection, header: RecordingHeader, next_step: int) -> None:
    """Remove the rows of ``next_step`` and later from every series but the flights, and such snapshots."""
    dimensions = Dimensions.of(header)
    found = connection.execute(
        "SELECT id, series, first_step FROM block WHERE series != ? AND last_step >= ?", (FLIGHT.name, next_step)
    ).fetchall()
    for block, series, first_step in found:
        if first_step < next_step:
            rows = read_block(connection, _layout_of(series), dimensions, block)
            kept = rows.part(slice(0, int(rows.columns["step"].searchsorted(next_step))))
            insert_rows(connection, series, kept)
        delete_block(connection, block)
    connection.execute("DELETE FROM snapshot WHERE step >= ?", (next_step,))


def _layout_of(series: str) -> SeriesLayout:
    if series.startswith(LOGGED.name):
        return LOGGED
    return next(layout for layout in LAYOUTS if layout.name == series)


def _forget_marks(connection: sqlite3.Connection, at: int) -> None:
    for (flight,) in connection.execute("SELECT flight FROM alarm WHERE step >= ?", (at,)).fetchall():
        delete_block(connection, flight)
    connection.execute("DELETE FROM alarm WHERE step >= ?", (at,))
    connection.execute("DELETE FROM event WHERE step >= ?", (at,))
