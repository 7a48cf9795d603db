"""The run file's tables, and how arrays become blobs.

Version 1 is a neuron's run. Version 2 is a formula's: it has no sample, so an older program refuses it with a clear
sentence. The tables are the same; a neuron's run is still written as version 1, which every program reads. Version 3
is the recording of a training loop, with tables of its own (``_recording_schema.py``).

``meta``   key, value: ``format``, ``header``, ``summary`` (once finished) and scalars, each strict JSON.
``array``  the sample (of a neuron's run) and the moments: float64, little-endian, row by row, ``shape`` as JSON.
``block``  consecutive steps; ``chunk`` one column of one block: ``width`` numbers a step; ``mask`` one byte a
           step, 1 where measured, NULL where everything was.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._errors import RunFileError
from fallline._records import Columns, Floats, Mask

FORMAT = "fallline.run"
NEURON_VERSION = 1
FORMULA_VERSION = 2
RECORDING_VERSION = 3
VERSION = RECORDING_VERSION
"""The newest that is read."""
APPLICATION_ID = 0x464C4C31
"""``FLL1`` in the file's own header, where ``file`` and SQLite look for it."""

TABLES = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE array (name TEXT PRIMARY KEY, shape TEXT NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE block (id INTEGER PRIMARY KEY, first_step INTEGER NOT NULL UNIQUE, count INTEGER NOT NULL)",
    "CREATE TABLE chunk (block INTEGER NOT NULL REFERENCES block (id), column TEXT NOT NULL,"
    " width INTEGER NOT NULL, data BLOB NOT NULL, mask BLOB, PRIMARY KEY (column, block))",
)

LITTLE = np.dtype("<f8")


@dataclass(frozen=True)
class ColumnKind:
    """How one field of ``Columns`` lies in the file."""

    name: str
    vector: bool = False
    """[T, P] where True, [T] else."""
    mask: str | None = None
    """The field that says which entries were measured."""


COLUMNS: tuple[ColumnKind, ...] = (
    ColumnKind("epoch"),
    ColumnKind("learning_rate"),
    ColumnKind("loss"),
    ColumnKind("real_change"),
    ColumnKind("first_order_change"),
    ColumnKind("reach", mask="reach_measured"),
    ColumnKind("full_loss", mask="full_loss_measured"),
    ColumnKind("gradient", vector=True),
    ColumnKind("parameters", vector=True),
)
COLUMN_NAMES: Mapping[str, ColumnKind] = {kind.name: kind for kind in COLUMNS}


@dataclass(frozen=True)
class Chunk:
    """One column of one block, as bytes."""

    column: str
    width: int
    data: bytes
    mask: bytes | None


def array_bytes(values: NDArray[np.generic]) -> bytes:
    """float64, little-endian, row by row; every bit of a NaN survives."""
    return np.ascontiguousarray(values, dtype=LITTLE).tobytes()


def array_from(data: bytes, shape: tuple[int, ...]) -> Floats:
    """The writable array of ``shape`` that :func:`array_bytes` turned into ``data``.

    Raises:
        RunFileError: the bytes do not fill the shape.
    """
    expected = LITTLE.itemsize * int(np.prod(shape, dtype=np.int64))
    if len(data) != expected:
        raise RunFileError(f"an array of shape {shape} should take {expected} bytes and takes {len(data)}")
    # astype copies: frombuffer alone would be read-only, which torch refuses to wrap.
    return np.frombuffer(data, dtype=LITTLE).astype(np.float64).reshape(shape)


def chunks_of(columns: Columns, parameters: int) -> list[Chunk]:
    """The chunks of one block.

    Raises:
        ValueError: an array has not the shape that ``Columns`` states.
    """
    steps = len(columns)
    chunks = []
    for kind in COLUMNS:
        values: Floats = getattr(columns, kind.name)
        shape = (steps, parameters) if kind.vector else (steps,)
        if values.shape != shape:
            raise ValueError(f"column {kind.name}: expected shape {shape}, got {values.shape}")
        width = parameters if kind.vector else 1
        chunks.append(Chunk(kind.name, width, array_bytes(values), _mask_bytes(columns, kind, steps)))
    return chunks


def _mask_bytes(columns: Columns, kind: ColumnKind, steps: int) -> bytes | None:
    if kind.mask is None:
        return None
    mask: Mask = getattr(columns, kind.mask)
    if mask.shape != (steps,):
        raise ValueError(f"column {kind.mask}: expected shape {(steps,)}, got {mask.shape}")
    return None if mask.all() else np.ascontiguousarray(mask, dtype=np.uint8).tobytes()


def insert_block(connection: sqlite3.Connection, first_step: int, count: int, chunks: Iterable[Chunk]) -> None:
    """Write one block inside the transaction that is open."""
    cursor = connection.execute("INSERT INTO block (first_step, count) VALUES (?, ?)", (first_step, count))
    connection.executemany(
        "INSERT INTO chunk VALUES (?, ?, ?, ?, ?)",
        [(cursor.lastrowid, chunk.column, chunk.width, chunk.data, chunk.mask) for chunk in chunks],
    )


def stored_steps(connection: sqlite3.Connection) -> int:
    """How many steps the file holds."""
    row = connection.execute("SELECT first_step + count FROM block ORDER BY first_step DESC LIMIT 1").fetchone()
    return 0 if row is None else int(row[0])
