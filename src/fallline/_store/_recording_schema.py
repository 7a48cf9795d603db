"""The tables of a recording (version 3 of the run file), and how its series become blobs.

``meta``      key, value: ``format``, ``header``, ``summary`` (once finished), ``written`` (by whom, how far);
              each strict JSON.
``block``     rows of one series whose steps lie one after the other; gaps between steps are legal.
``chunk``     one column of one block: ``count`` × ``width`` numbers of type ``dtype``; ``stored`` rows of them, which
              is 1 where every row is the same. A mask is a column of its own, of the type ``b1``.
``snapshot``  the parameters after a step, in parts.
``event``, ``alarm``  one row each, as JSON; an alarm's flight is a block of the series ``flight``.

The series are ``steps``, ``layers``, ``batches``, ``parts``, ``effective``, ``sharpness``, ``flight`` and
``logged:<name>``. A file from before one of them was has no rows of it; who does not know a series skips it.
Float64 numbers are stored as float32 where that loses no bit of any of a chunk's, integers as narrow as they fit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._errors import RunFileError
from fallline._records import (
    PARTS,
    EffectiveSeries,
    Flight,
    LayerSeries,
    PartSeries,
    RecordingHeader,
    SameBatchSeries,
    SharpnessSeries,
    StepSeries,
    UserSeries,
)
from fallline._store._schema import APPLICATION_ID

Array = NDArray[Any]
Series = (
    StepSeries | LayerSeries | SameBatchSeries | PartSeries | EffectiveSeries | SharpnessSeries | UserSeries | Flight
)

TABLES = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE block (id INTEGER PRIMARY KEY, series TEXT NOT NULL, first_step INTEGER NOT NULL,"
    " last_step INTEGER NOT NULL, count INTEGER NOT NULL)",
    "CREATE INDEX block_of_series ON block (series, last_step)",
    "CREATE TABLE chunk (block INTEGER NOT NULL REFERENCES block (id), column TEXT NOT NULL, dtype TEXT NOT NULL,"
    " width INTEGER NOT NULL, stored INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (block, column))",
    "CREATE TABLE snapshot (step INTEGER NOT NULL, part INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY (step, part))",
    "CREATE TABLE event (id INTEGER PRIMARY KEY, step INTEGER NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE alarm (id INTEGER PRIMARY KEY, step INTEGER NOT NULL, data TEXT NOT NULL,"
    " flight INTEGER NOT NULL REFERENCES block (id))",
)

DTYPES: Mapping[str, np.dtype[Any]] = {name: np.dtype(f"<{name}") for name in ("f4", "f8", "i1", "i4", "i8", "b1")}
FLOAT, INTEGER, FLAG = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_)


@dataclass(frozen=True)
class ColumnLayout:
    """One field of a series."""

    name: str
    axes: str = ""
    """Beside the rows: ``G`` groups, ``O`` optimizers, ``L`` layers, ``S`` parts of a step."""
    dtype: np.dtype[Any] = FLOAT
    mask: str | None = None
    """The field that says which entries were measured; it may lack the last axes."""


@dataclass(frozen=True)
class SeriesLayout:
    """One series: which record it is, and its columns. The first is ``step``."""

    name: str
    record: type[Series]
    columns: tuple[ColumnLayout, ...]

    def column(self, name: str) -> ColumnLayout:
        """The column called ``name``."""
        (found,) = [column for column in self.columns if column.name == name]
        return found


def _columns(*columns: ColumnLayout) -> tuple[ColumnLayout, ...]:
    return (ColumnLayout("step", dtype=INTEGER), *columns)


def _measured(axes: str, *names: str, mask_axes: str | None = None) -> tuple[ColumnLayout, ...]:
    """Columns that share the mask ``measured``."""
    mask = ColumnLayout("measured", axes if mask_axes is None else mask_axes, FLAG)
    return (*(ColumnLayout(name, axes, mask="measured") for name in names), mask)


_NORMS = ("gradient_norm", "update_norm", "parameter_norm")

STEPS = SeriesLayout(
    "steps",
    StepSeries,
    _columns(
        ColumnLayout("seconds"),
        ColumnLayout("loss", mask="loss_measured"),
        ColumnLayout("loss_measured", dtype=FLAG),
        ColumnLayout("learning_rate", "G"),
        ColumnLayout("updates", "O", INTEGER),
        *_measured("O", *_NORMS, "first_order_change"),
    ),
)
LAYERS = SeriesLayout("layers", LayerSeries, _columns(*_measured("L", *_NORMS, "first_order_change")))
BATCHES = SeriesLayout(
    "batches",
    SameBatchSeries,
    _columns(
        ColumnLayout("loss_before"),
        ColumnLayout("loss_after"),
        ColumnLayout("first_order_change"),
        ColumnLayout("curvature", mask="moved"),
        ColumnLayout("gradient_cosine", mask="moved"),
        ColumnLayout("reach", mask="reach_measured"),
        ColumnLayout("reach_measured", dtype=FLAG),
        ColumnLayout("moved", dtype=FLAG),
        ColumnLayout("as_given", dtype=FLAG),
    ),
)
PARTS_OF_STEPS = SeriesLayout("parts", PartSeries, _columns(*_measured("OS", "norm", "share", mask_axes="O")))
EFFECTIVE = SeriesLayout("effective", EffectiveSeries, _columns(*_measured("L", "rate")))
SHARPNESS = SeriesLayout(
    "sharpness",
    SharpnessSeries,
    _columns(
        ColumnLayout("sharpness"),
        ColumnLayout("error"),
        ColumnLayout("products", dtype=INTEGER),
        ColumnLayout("preconditioned", dtype=FLAG),
        ColumnLayout("converged", dtype=FLAG),
        ColumnLayout("learning_rate"),
        ColumnLayout("limit", mask="limit_measured"),
        ColumnLayout("provable", dtype=FLAG, mask="limit_measured"),
        ColumnLayout("limit_measured", dtype=FLAG),
    ),
)
FLIGHT = SeriesLayout(
    "flight",
    Flight,
    _columns(
        ColumnLayout("loss", mask="loss_measured"),
        *_measured("L", *_NORMS),
        ColumnLayout("loss_measured", dtype=FLAG),
    ),
)
LOGGED = SeriesLayout("logged:", UserSeries, _columns(ColumnLayout("value")))
"""One for each name: ``logged:accuracy``."""

LAYOUTS: tuple[SeriesLayout, ...] = (STEPS, LAYERS, BATCHES, PARTS_OF_STEPS, EFFECTIVE, SHARPNESS)
"""Those that are fields of a ``Recording``, by that name."""


@dataclass(frozen=True)
class Dimensions:
    """How long each axis is in one recording."""

    lengths: Mapping[str, int]

    @classmethod
    def of(cls, header: RecordingHeader) -> "Dimensions":
        """Those of a recording with this header."""
        return cls({"G": len(header.groups), "O": len(header.optimizers), "L": len(header.layers), "S": len(PARTS)})

    def shape(self, column: ColumnLayout) -> tuple[int, ...]:
        """Of one row of the column."""
        return tuple(self.lengths[axis] for axis in column.axes)


def parameter_dtype(name: str) -> np.dtype[Any]:
    """The type in which a snapshot holds a parameter; of bfloat16, which NumPy lacks, that of its bits.

    Raises:
        RunFileError: NumPy does not know it.
    """
    try:
        return np.dtype("<u2") if name == "bfloat16" else np.dtype(name).newbyteorder("<")
    except TypeError:
        raise RunFileError(f"its parameters are of the type {name}, which NumPy does not know") from None


@dataclass(frozen=True)
class Rows:
    """Rows of one series, column by column, every array as long as ``step``."""

    layout: SeriesLayout
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.columns["step"])

    @property
    def nbytes(self) -> int:
        """What the arrays hold."""
        return sum(array.nbytes for array in self.columns.values())

    @property
    def first_step(self) -> int:
        """Of at least one row."""
        return int(self.columns["step"][0])

    @property
    def last_step(self) -> int:
        """Of at least one row."""
        return int(self.columns["step"][-1])

    def part(self, keep: slice | Array) -> "Rows":
        """Some of the rows."""
        return Rows(self.layout, {name: array[keep] for name, array in self.columns.items()})

    def record(self) -> Any:
        """The record that these columns are the fields of."""
        return self.layout.record(**self.columns)


def rows_of(layout: SeriesLayout, record: Series, dimensions: Dimensions) -> Rows:
    """A record's arrays, checked.

    Raises:
        ValueError: an array has not the shape that the record's class states.
    """
    count = len(record.step)
    columns = {}
    for column in layout.columns:
        values = np.asarray(getattr(record, column.name))
        shape = (count, *dimensions.shape(column))
        if values.shape != shape:
            raise ValueError(f"{layout.name}.{column.name}: expected shape {shape}, got {values.shape}")
        columns[column.name] = values.astype(column.dtype, copy=False)
    return Rows(layout, columns)


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after the other, of one series."""
    if len(parts) == 1:
        return parts[0]
    names = parts[0].columns
    return Rows(parts[0].layout, {name: np.concatenate([part.columns[name] for part in parts]) for name in names})


def encoded(values: Array) -> tuple[str, int, bytes]:
    """One chunk of at least one row: its ``dtype``, how many rows are stored, and their bytes."""
    rows = np.ascontiguousarray(values).reshape(len(values), values.size // len(values))
    if len(rows) > 1 and _all_rows_equal(rows):
        rows = rows[:1]
    code, narrow = _narrow(rows)
    return code, len(rows), narrow.tobytes()


def _all_rows_equal(rows: Array) -> bool:
    bits = rows if rows.dtype == FLAG else rows.view(np.int64)
    return bool((bits[-1] == bits[0]).all() and (bits[1:] == bits[0]).all())


def _narrow(rows: Array) -> tuple[str, Array]:
    if rows.dtype == FLAG:
        return "b1", rows
    if rows.dtype == INTEGER:
        low, high = (int(rows.min()), int(rows.max())) if rows.size else (0, 0)
        code = next(c for c in ("i1", "i4", "i8") if np.iinfo(DTYPES[c]).min <= low and high <= np.iinfo(DTYPES[c]).max)
        return code, rows.astype(DTYPES[code])
    with np.errstate(all="ignore"):  # too large for float32, or a signalling NaN: then its bits differ
        single = rows.astype(DTYPES["f4"])
        same = (single.astype(FLOAT).view(np.int64) == rows.view(np.int64)).all()
    return ("f4", single) if same else ("f8", rows.astype(DTYPES["f8"], copy=False))


@dataclass(frozen=True)
class StoredChunk:
    """One chunk as it lies in the file, with the number of its block's rows."""

    count: int
    dtype: str
    width: int
    stored: int
    data: bytes


def decoded(chunks: Iterable[StoredChunk], column: ColumnLayout, shape: tuple[int, ...]) -> Array:
    """[rows, *shape] of all chunks of a column, one after the other; writable, with every bit of a NaN.

    Raises:
        RunFileError: a chunk does not fit the column.
    """
    width = int(np.prod(shape, dtype=np.int64))
    stored = [(chunk.count, _stored_rows(chunk, column, width)) for chunk in chunks]
    values = np.empty((sum(count for count, _ in stored), *shape), dtype=column.dtype)
    flat = values.reshape(len(values), width)
    first = 0
    for count, rows in stored:
        flat[first : first + count] = rows  # one stored row stands for all of them
        first += count
    return values


def _stored_rows(chunk: StoredChunk, column: ColumnLayout, width: int) -> Array:
    dtype = DTYPES.get(chunk.dtype)
    if dtype is None or dtype.kind != column.dtype.kind:
        raise RunFileError(f"its column {column.name} has the type {chunk.dtype}")
    if chunk.width != width or chunk.stored not in (1, chunk.count):
        raise RunFileError(f"its column {column.name} has {chunk.stored} × {chunk.width} numbers for a block of rows")
    expected = chunk.stored * width * dtype.itemsize
    if len(chunk.data) != expected:
        raise RunFileError(f"a chunk of its column {column.name} should take {expected} bytes, not {len(chunk.data)}")
    return np.frombuffer(chunk.data, dtype=dtype).reshape(chunk.stored, width)
