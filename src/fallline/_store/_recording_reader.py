"""Recordings back from their files."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fallline._errors import RunFileError, near
from fallline._records import (
    Alarm,
    Event,
    Integers,
    Mask,
    Recording,
    RecordingHeader,
    RecordingSummary,
    SameBatchSeries,
    StepSeries,
)
from fallline._store._json import from_json
from fallline._store._recording_schema import (
    BATCHES,
    FLIGHT,
    LAYOUTS,
    LOGGED,
    STEPS,
    Array,
    ColumnLayout,
    Dimensions,
    Rows,
    SeriesLayout,
    parameter_dtype,
)
from fallline._store._recording_tables import check_rising, logged_names, read_block, read_column, read_rows
from fallline._store._snapshot import RunKind, intact, run_kind


@dataclass(frozen=True, eq=False)
class RecordedColumn:
    """One column of a recording: T rows."""

    step: Integers
    """[T]"""
    values: Array
    """[T], or [T, …] as the record has it."""
    measured: Mask
    """Of the shape of ``values``."""


@dataclass(frozen=True, eq=False)
class RecordingNews:
    """What a live recording has gained."""

    steps: StepSeries
    """The rows after the step that was asked for."""
    batches: SameBatchSeries
    """Likewise."""
    events: tuple[Event, ...]
    """All of them: one may tell of an earlier step."""
    alarms: tuple[Alarm, ...]
    """All of them."""
    summary: RecordingSummary | None
    """Once the run is finished: nothing more will come."""


@dataclass(frozen=True)
class RecordingOverview:
    """A recording without its series: what a list shows."""

    header: RecordingHeader
    steps: int
    last_loss: float | None
    """The last one measured."""
    learning_rate: float | None
    """Of the first parameter group, at the start."""
    summary: RecordingSummary | None
    alarms: int
    """How many were raised."""


def is_recording(path: Path | str) -> bool:
    """True for a recording of a training loop, False for a neuron's run.

    Raises:
        RunFileError: the file is missing, damaged, no run file or from a newer fallline.
    """
    return run_kind(path) is RunKind.RECORDING


def read_recording(path: Path | str) -> Recording:
    """The whole recording; its summary is None while it is made, or where its process was killed.

    Then its series end at its last step: what was measured within the next one is not of the recording yet.

    Raises:
        RunFileError: the file is missing, damaged, no recording or from a newer fallline.
    """
    path = Path(path)
    with intact(path, RunKind.RECORDING) as connection:
        header, summary = _head(connection)
        dimensions = Dimensions.of(header)
        rows = {layout.name: read_rows(connection, layout.name, layout, dimensions) for layout in LAYOUTS}
        if summary is None:
            last = rows[STEPS.name].last_step if len(rows[STEPS.name]) else -1
            rows = {name: _up_to(last, each) for name, each in rows.items()}
        series = {name: each.record() for name, each in rows.items()}
        logged = {
            name: read_rows(connection, LOGGED.name + name, LOGGED, dimensions).record()
            for name in logged_names(connection)
        }
        return Recording(
            header=header,
            **series,
            logged=logged,
            events=_events(connection),
            alarms=_alarms(connection, dimensions),
            snapshots=_snapshot_steps(connection),
            summary=summary,
            path=str(path),
        )


def stored_header(path: Path | str) -> RecordingHeader:
    """What was watched, without its series.

    Raises:
        RunFileError: as :func:`read_recording`.
    """
    with intact(Path(path), RunKind.RECORDING) as connection:
        return _head(connection)[0]


def read_series(path: Path | str, column: str) -> RecordedColumn:
    """One column without reading the rest: ``loss``, ``gradient_norm`` …, or of another series ``batches.reach``.

    Raises:
        RunFileError: as :func:`read_recording`, or there is no such column.
    """
    layout, wanted = _named(column)
    path = Path(path)
    with intact(path, RunKind.RECORDING) as connection:
        dimensions = Dimensions.of(_head(connection)[0])

        def read(one: ColumnLayout) -> Array:
            return read_column(connection, layout.name, one, dimensions.shape(one))

        step, values = read(layout.column("step")), read(wanted)
        mask = None if wanted.mask is None else read(layout.column(wanted.mask))
        check_rising(step, layout.name)
        if len(values) != len(step) or (mask is not None and len(mask) != len(step)):
            raise RunFileError(f"its column {column} has not a row for every step")
        return RecordedColumn(step, values, _whole_mask(mask, values))


def read_snapshot(path: Path | str, step: int) -> dict[str, Array]:
    """The parameters after a step (−1: before the first), by name, in their shapes.

    bfloat16 comes as float32, which holds it exactly.

    Raises:
        RunFileError: as :func:`read_recording`; there is no snapshot of this step; a type that NumPy lacks.
    """
    path = Path(path)
    with intact(path, RunKind.RECORDING) as connection:
        header = _head(connection)[0]
        known = _snapshot_steps(connection)
        parts = connection.execute("SELECT data FROM snapshot WHERE step = ? ORDER BY part", (step,)).fetchall()
        data = b"".join(part for (part,) in parts)
        kept = {} if step not in known else _parameters(header, data)
    if step not in known:
        raise RunFileError(f"The run file {path} keeps no parameters of step {step}; it has those of {_listed(known)}.")
    return kept


def stored_snapshots(path: Path | str) -> tuple[int, ...]:
    """The steps whose parameters are kept, without its series.

    Raises:
        RunFileError: as :func:`read_recording`.
    """
    with intact(Path(path), RunKind.RECORDING) as connection:
        return _snapshot_steps(connection)


def new_recording_rows(path: Path | str, after_step: int, after_batch_step: int | None = None) -> RecordingNews:
    """The rows beyond ``after_step`` (−1 for all) and what tells of them, for somebody who watches the file grow.

    Same-batch rows come later than their step's own: of them those beyond ``after_batch_step`` are given, where
    that is said.

    Raises:
        RunFileError: as :func:`read_recording`.
    """
    with intact(Path(path), RunKind.RECORDING) as connection:
        header, summary = _head(connection)
        dimensions = Dimensions.of(header)
        after_batch = after_step if after_batch_step is None else after_batch_step
        return RecordingNews(
            steps=read_rows(connection, STEPS.name, STEPS, dimensions, after_step).record(),
            batches=read_rows(connection, BATCHES.name, BATCHES, dimensions, after_batch).record(),
            events=_events(connection),
            alarms=_alarms(connection, dimensions),
            summary=summary,
        )


def read_recording_overview(path: Path | str) -> RecordingOverview:
    """What a list of runs shows; reads no more than the last blocks.

    Raises:
        RunFileError: as :func:`read_recording`.
    """
    with intact(Path(path), RunKind.RECORDING) as connection:
        header, summary = _head(connection)
        (steps,) = connection.execute(
            "SELECT coalesce(sum(count), 0) FROM block WHERE series = ?", (STEPS.name,)
        ).fetchone()
        (alarms,) = connection.execute("SELECT count(*) FROM alarm").fetchone()
        last_loss = _last_loss(connection, Dimensions.of(header)) if summary is None else summary.last_loss
        return RecordingOverview(header, steps, last_loss, _first_rate(header), summary, alarms)


def _head(connection: sqlite3.Connection) -> tuple[RecordingHeader, RecordingSummary | None]:
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    summary = from_json(RecordingSummary, meta["summary"]) if "summary" in meta else None
    return from_json(RecordingHeader, meta["header"]), summary


def _up_to(last: int, rows: Rows) -> Rows:
    return rows.part(slice(int(rows.columns["step"].searchsorted(last, side="right"))))


def _events(connection: sqlite3.Connection) -> tuple[Event, ...]:
    found = connection.execute("SELECT data FROM event ORDER BY id")
    return tuple(from_json(Event, text) for (text,) in found)


def _alarms(connection: sqlite3.Connection, dimensions: Dimensions) -> tuple[Alarm, ...]:
    found = connection.execute("SELECT data, flight FROM alarm ORDER BY id").fetchall()
    return tuple(
        from_json(Alarm, text, flight=read_block(connection, FLIGHT, dimensions, block).record())
        for text, block in found
    )


def _last_loss(connection: sqlite3.Connection, dimensions: Dimensions) -> float | None:
    blocks = connection.execute("SELECT id FROM block WHERE series = ? ORDER BY id DESC", (STEPS.name,))
    for (block,) in blocks:
        steps: StepSeries = read_block(connection, STEPS, dimensions, block).record()
        measured = steps.loss[steps.loss_measured]
        if len(measured):
            return float(measured[-1])
    return None


def _first_rate(header: RecordingHeader) -> float | None:
    rate = header.groups[0].options.get("lr") if header.groups else None
    return float(rate) if isinstance(rate, float | int) and not isinstance(rate, bool) else None


def _named(column: str) -> tuple[SeriesLayout, ColumnLayout]:
    series, _, name = column.rpartition(".")
    columns = {
        (one.name if layout is STEPS else f"{layout.name}.{one.name}"): (layout, one)
        for layout in LAYOUTS
        for one in layout.columns
    }
    wanted = name if series == STEPS.name else column
    if wanted not in columns:
        known = list(columns)
        raise RunFileError(f'A recording has no column "{column}"; it has {", ".join(known)}.{near(column, known)}')
    return columns[wanted]


def _whole_mask(mask: Array | None, values: Array) -> Mask:
    if mask is None:
        return np.ones(values.shape, dtype=np.bool_)
    missing = values.ndim - mask.ndim
    return np.broadcast_to(mask.reshape(*mask.shape, *(1,) * missing), values.shape).copy()


def _parameters(header: RecordingHeader, data: bytes) -> dict[str, Array]:
    found: dict[str, Array] = {}
    first = 0
    for parameter in header.parameters:
        dtype = parameter_dtype(parameter.dtype)
        stop = first + dtype.itemsize * int(np.prod(parameter.shape, dtype=np.int64))
        values = np.frombuffer(data[first:stop], dtype=dtype)
        if parameter.dtype == "bfloat16":  # the upper half of a float32
            values = (values.astype("<u4") << 16).view("<f4")
        found[parameter.name] = values.reshape(parameter.shape).astype(values.dtype.newbyteorder("="))
        first = stop
    if first != len(data):
        raise RunFileError(f"a snapshot has {len(data)} bytes for parameters of {first}")
    return found


def _snapshot_steps(connection: sqlite3.Connection) -> tuple[int, ...]:
    return tuple(step for (step,) in connection.execute("SELECT DISTINCT step FROM snapshot ORDER BY step"))


def _listed(steps: Sequence[int]) -> str:
    if not steps:
        return "none"
    shown = ", ".join(str(step) for step in steps[:8])
    return shown + (f" and {len(steps) - 8} more" if len(steps) > 8 else "")
