"""Run files back into records."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fallline._errors import RunFileError, near
from fallline._records import Columns, Floats, Header, Mask, Moments, Run, Sample, Summary
from fallline._store._json import from_json
from fallline._store._schema import COLUMN_NAMES, COLUMNS, LITTLE, ColumnKind, array_from, stored_steps
from fallline._store._snapshot import RunKind, intact


@dataclass(frozen=True)
class NewSteps:
    """What a live run file has gained."""

    first_step: int
    """The index of the first row of ``columns``."""
    columns: Columns
    """Possibly of length 0."""
    summary: Summary | None
    """Once the run is finished: nothing more will come."""


@dataclass(frozen=True)
class Column:
    """One recorded column: ``values`` [T] or [T, P]; ``measured`` [T]."""

    values: Floats
    measured: Mask


@dataclass(frozen=True)
class Overview:
    """A run without its steps: what a list shows."""

    header: Header
    steps: int
    last_full_loss: float | None
    """Mean loss over all rows, the last one measured."""
    summary: Summary | None


def read_run(path: Path | str) -> Run:
    """The whole run; its summary is None while it is written, or where its process was killed.

    Raises:
        RunFileError: the file is missing, damaged, no run file or from a newer fallline.
    """
    path = Path(path)
    with intact(path, RunKind.NEURON) as connection:
        meta = _meta(connection)
        header = from_json(Header, meta["header"])
        return Run(
            header=header,
            columns=_columns(connection, len(header.parameter_names), 0),
            sample=None if header.formula is not None else _sample(connection, meta),
            moments=_moments(connection, meta),
            summary=_summary(meta),
            path=str(path),
        )


def read_header(path: Path | str) -> Header:
    """What was run, without its steps.

    Raises:
        RunFileError: as :func:`read_run`.
    """
    path = Path(path)
    with intact(path, RunKind.NEURON) as connection:
        return from_json(Header, _meta(connection)["header"])


def read_column(path: Path | str, name: str) -> Column:
    """One column of all steps: ``loss``, ``parameters``, ``reach`` … (a field of ``Columns``, not a mask).

    Raises:
        RunFileError: as :func:`read_run`, or no column has this name.
    """
    path = Path(path)
    if name not in COLUMN_NAMES:
        known = list(COLUMN_NAMES)
        raise RunFileError(f'A run file has no column "{name}"; it has {", ".join(known)}.{near(name, known)}')
    with intact(path, RunKind.NEURON) as connection:
        parameters = len(from_json(Header, _meta(connection)["header"]).parameter_names)
        return Column(*_column(connection, COLUMN_NAMES[name], parameters, 0))


def new_steps(path: Path | str, after: int) -> NewSteps:
    """The steps beyond the first ``after`` ones (pass how many you have), and the summary once there is one.

    Raises:
        ValueError: ``after`` is negative.
        RunFileError: as :func:`read_run`.
    """
    if after < 0:
        raise ValueError(f"after counts steps: expected 0 or more, got {after}")
    path = Path(path)
    with intact(path, RunKind.NEURON) as connection:
        meta = _meta(connection)
        parameters = len(from_json(Header, meta["header"]).parameter_names)
        return NewSteps(after, _columns(connection, parameters, after), _summary(meta))


def read_overview(path: Path | str) -> Overview:
    """What a list of runs shows; reads no more than the last blocks.

    Raises:
        RunFileError: as :func:`read_run`.
    """
    path = Path(path)
    with intact(path, RunKind.NEURON) as connection:
        meta = _meta(connection)
        header = from_json(Header, meta["header"])
        return Overview(header, stored_steps(connection), _last_full_loss(connection), _summary(meta))


def _meta(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT key, value FROM meta").fetchall())


def _summary(meta: dict[str, str]) -> Summary | None:
    return from_json(Summary, meta["summary"]) if "summary" in meta else None


def _sample(connection: sqlite3.Connection, meta: dict[str, str]) -> Sample:
    return Sample(
        features=_array(connection, "sample.features"),
        target=_array(connection, "sample.target"),
        complete=_scalar(bool, meta["sample.complete"]),
    )


def _moments(connection: sqlite3.Connection, meta: dict[str, str]) -> Moments | None:
    if "moments.optimum_loss" not in meta:
        return None
    return Moments(
        hessian=_array(connection, "moments.hessian"),
        optimum=_array(connection, "moments.optimum"),
        optimum_loss=_scalar(float, meta["moments.optimum_loss"]),
    )


def _array(connection: sqlite3.Connection, name: str) -> Floats:
    row = connection.execute("SELECT shape, data FROM array WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise KeyError(name)
    return array_from(row[1], tuple(json.loads(row[0])))


def _scalar(kind: type[Any], text: str) -> Any:
    return from_json(kind, text)


def _last_full_loss(connection: sqlite3.Connection) -> float | None:
    blocks = connection.execute("SELECT data, mask FROM chunk WHERE column = 'full_loss' ORDER BY block DESC")
    for data, mask in blocks:
        values = array_from(data, (len(data) // LITTLE.itemsize,))
        if mask is not None:
            values = values[np.frombuffer(mask, dtype=np.uint8).astype(np.bool_)]
        if len(values):
            return float(values[-1])
    return None


def _columns(connection: sqlite3.Connection, parameters: int, after: int) -> Columns:
    found: dict[str, Any] = {}
    for kind in COLUMNS:
        values, measured = _column(connection, kind, parameters, after)
        found[kind.name] = values
        if kind.mask is not None:
            found[kind.mask] = measured
    lengths = {name: len(values) for name, values in found.items()}
    if len(set(lengths.values())) > 1:
        raise RunFileError(f"its columns are not equally long ({lengths})")
    return Columns(**found)


def _column(connection: sqlite3.Connection, kind: ColumnKind, parameters: int, after: int) -> tuple[Floats, Mask]:
    """Values and mask of the steps from ``after`` on; blocks that leave a gap are refused."""
    rows = connection.execute(
        "SELECT first_step, count, width, data, mask FROM block JOIN chunk ON chunk.block = block.id"
        " WHERE column = ? AND first_step + count > ? ORDER BY first_step",
        (kind.name, after),
    ).fetchall()
    width = parameters if kind.vector else 1
    first = next_step = min(rows[0][0], after) if rows else after
    masks = []
    for first_step, count, stored_width, _, mask in rows:
        if first_step != next_step or stored_width != width:
            raise RunFileError(f"its column {kind.name} does not go on at step {next_step} as it should")
        masks.append(b"\x01" * count if mask is None else mask)
        next_step = first_step + count
    steps = next_step - first
    values = array_from(b"".join(row[3] for row in rows), (steps, width) if kind.vector else (steps,))
    measured = np.frombuffer(b"".join(masks), dtype=np.uint8).astype(np.bool_)
    if len(measured) != steps:
        raise RunFileError(f"the mask of its column {kind.name} has {len(measured)} entries for {steps} steps")
    return values[after - first :], measured[after - first :]
