"""One commit of a recording: what waits becomes blocks, snapshots, events and alarms.

Commits are frequent and small, blocks should be neither: while the last block of a series is small, it is written
anew with the rows that follow, so that a column is read in few pieces however rarely a step comes.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from fallline._records import Alarm, Event, Logged, Snapshot
from fallline._store._json import plain, to_json
from fallline._store._recording_schema import FLIGHT, LOGGED, Rows, joined
from fallline._store._recording_tables import delete_block, insert_rows
from fallline._store._recording_waiting import Entry

BLOCK_ROWS = 1024
BLOCK_BYTES = 1 << 17
"""A block with so many rows or bytes is left as it is."""
SNAPSHOT_PART = 1 << 20
"""Bytes: SQLite takes no more than a gigabyte at once, and every part is copied while Python waits."""


@dataclass(frozen=True)
class Tails:
    """The last block of each series, while it may still grow: its id and its rows."""

    blocks: dict[str, tuple[int, Rows]] = field(default_factory=dict)


def insert_entries(connection: sqlite3.Connection, entries: Sequence[Entry], tails: Tails) -> Tails:
    """Write records inside the transaction that is open; the tails as they are once it is committed."""
    blocks = dict(tails.blocks)
    for series, new in _by_series(entries).items():
        rows = new
        if series in blocks:
            block, earlier = blocks.pop(series)
            delete_block(connection, block)
            rows = joined([earlier, new])
        block = insert_rows(connection, series, rows)
        if len(rows) < BLOCK_ROWS and rows.nbytes < BLOCK_BYTES:
            blocks[series] = block, rows
    for entry in entries:
        if isinstance(entry.content, Snapshot):
            _insert_snapshot(connection, entry.content)
        elif isinstance(entry.content, Event):
            insert_event(connection, entry.content)
        elif isinstance(entry.content, tuple):
            _insert_alarm(connection, *entry.content)
    return Tails(blocks)


def insert_event(connection: sqlite3.Connection, event: Event) -> None:
    """Write one event."""
    connection.execute("INSERT INTO event (step, data) VALUES (?, ?)", (event.step, to_json(event)))


def _by_series(entries: Iterable[Entry]) -> dict[str, Rows]:
    parts: dict[str, list[Rows]] = {}
    logged: dict[str, list[Logged]] = {}
    for entry in entries:
        if isinstance(entry.content, Rows):
            parts.setdefault(entry.content.layout.name, []).append(entry.content)
        elif isinstance(entry.content, Logged):
            logged.setdefault(LOGGED.name + entry.content.name, []).append(entry.content)
    found = {series: joined(rows) for series, rows in parts.items()}
    return found | {series: _logged_rows(numbers) for series, numbers in logged.items()}


def _logged_rows(numbers: Sequence[Logged]) -> Rows:
    step = np.array([number.step for number in numbers], dtype=np.int64)
    return Rows(LOGGED, {"step": step, "value": np.array([number.value for number in numbers], dtype=np.float64)})


def _insert_snapshot(connection: sqlite3.Connection, snapshot: Snapshot) -> None:
    """A second snapshot after the same step takes the place of the first."""
    data = np.ascontiguousarray(snapshot.values).data
    connection.execute("DELETE FROM snapshot WHERE step = ?", (snapshot.step,))
    connection.executemany(
        "INSERT INTO snapshot VALUES (?, ?, ?)",
        (
            (snapshot.step, part, data[first : first + SNAPSHOT_PART])
            for part, first in enumerate(range(0, max(len(data), 1), SNAPSHOT_PART))
        ),
    )


def _insert_alarm(connection: sqlite3.Connection, alarm: Alarm, flight: Rows) -> None:
    block = insert_rows(connection, FLIGHT.name, flight)
    told = {name: plain(getattr(alarm, name)) for name in alarm.__dataclass_fields__ if name != "flight"}
    connection.execute("INSERT INTO alarm (step, data, flight) VALUES (?, ?, ?)", (alarm.step, to_json(told), block))
