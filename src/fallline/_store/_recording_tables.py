"""Blocks of rows in and out of an open recording; inside whatever transaction the caller has begun."""

import sqlite3
from collections.abc import Mapping

from fallline._errors import RunFileError
from fallline._store._recording_schema import (
    LOGGED,
    Array,
    ColumnLayout,
    Dimensions,
    Rows,
    SeriesLayout,
    StoredChunk,
    decoded,
    encoded,
)

_CHUNKS = (
    "SELECT block.count, dtype, width, stored, data FROM block JOIN chunk ON chunk.block = block.id AND column = ?"
    " WHERE series = ? AND last_step > ? ORDER BY last_step, block.id"
)
_CHUNK = (
    "SELECT block.count, dtype, width, stored, data FROM block JOIN chunk ON chunk.block = block.id AND column = ?"
    " WHERE block.id = ?"
)
BEFORE_ALL = -(1 << 62)
"""A step before every other."""


def insert_rows(connection: sqlite3.Connection, series: str, rows: Rows) -> int:
    """Write at least one row as a block of its own; the block's id."""
    cursor = connection.execute(
        "INSERT INTO block (series, first_step, last_step, count) VALUES (?, ?, ?, ?)",
        (series, rows.first_step, rows.last_step, len(rows)),
    )
    block = cursor.lastrowid
    if block is None:  # pragma: no cover  (an INSERT always has one)
        raise RunFileError("SQLite gave a block no id")
    chunks = ((name, *encoded(array), _width(array)) for name, array in rows.columns.items())
    connection.executemany(
        "INSERT INTO chunk (block, column, dtype, stored, data, width) VALUES (?, ?, ?, ?, ?, ?)",
        ((block, *chunk) for chunk in chunks),
    )
    return block


def _width(array: Array) -> int:
    return array.size // len(array)


def delete_block(connection: sqlite3.Connection, block: int) -> None:
    """Remove a block and its chunks."""
    connection.execute("DELETE FROM chunk WHERE block = ?", (block,))
    connection.execute("DELETE FROM block WHERE id = ?", (block,))


def read_block(connection: sqlite3.Connection, layout: SeriesLayout, dimensions: Dimensions, block: int) -> Rows:
    """The rows of one block.

    Raises:
        RunFileError: a column is missing or does not fit.
    """
    columns = {}
    for column in layout.columns:
        found = connection.execute(_CHUNK, (column.name, block)).fetchone()
        if found is None:
            raise RunFileError(f"block {block} has no column {column.name} of {layout.name}")
        columns[column.name] = decoded([StoredChunk(*found)], column, dimensions.shape(column))
    return _of_one_length(layout, columns)


def read_rows(
    connection: sqlite3.Connection, series: str, layout: SeriesLayout, dimensions: Dimensions, after: int = BEFORE_ALL
) -> Rows:
    """The rows of a series whose step is beyond ``after``.

    Raises:
        RunFileError: a column is missing or does not fit, or the steps do not rise.
    """
    columns = {
        column.name: read_column(connection, series, column, dimensions.shape(column), after)
        for column in layout.columns
    }
    rows = _of_one_length(layout, columns)
    check_rising(columns["step"], series)
    first = int(columns["step"].searchsorted(after, side="right"))
    return rows.part(slice(first, None)) if first else rows


def read_column(
    connection: sqlite3.Connection, series: str, column: ColumnLayout, shape: tuple[int, ...], after: int = BEFORE_ALL
) -> Array:
    """One column of the blocks that reach beyond ``after``, without reading the others."""
    found = connection.execute(_CHUNKS, (column.name, series, after))
    return decoded((StoredChunk(*row) for row in found), column, shape)


def check_rising(step: Array, series: str) -> None:
    """What SQLite cannot see.

    Raises:
        RunFileError: the steps do not rise.
    """
    if len(step) > 1 and (step[1:] < step[:-1]).any():
        raise RunFileError(f"the steps of its {series} do not rise")


def _of_one_length(layout: SeriesLayout, columns: Mapping[str, Array]) -> Rows:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise RunFileError(f"its columns of {layout.name} are not equally long ({lengths})")
    return Rows(layout, columns)


def logged_names(connection: sqlite3.Connection) -> list[str]:
    """The user's own numbers in the order in which they first came."""
    found = connection.execute(
        "SELECT series FROM block WHERE series >= ? AND series < ? GROUP BY series ORDER BY min(id)",
        (LOGGED.name, LOGGED.name[:-1] + ";"),
    )
    return [series.removeprefix(LOGGED.name) for (series,) in found]
