"""Parquet and JSON lines: files whose values have types."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from fallline._data._frames import open_columns
from fallline._data._nesting import refuse_deep
from fallline._data._polars_frame import PolarsSource, polars_source
from fallline._data._words import short
from fallline._errors import DataError

if TYPE_CHECKING:
    import polars


def open_parquet(path: Path, label: str) -> PolarsSource:
    """Read a Parquet file."""
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{label} cannot be read as Parquet ({short(reason, 90)}): expected a whole Parquet file; write it again."
        ) from error
    return polars_source(frame, label, path.stem, is_ours=True)


def open_json_lines(path: Path, label: str) -> PolarsSource:
    """Read a file of one JSON object per line; text in it may stand for numbers, as in a CSV file."""
    import polars as pl

    refuse_deep(path, label)
    try:
        frame = pl.read_ndjson(path, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        frame = _line_by_line(path, label)  # says which line, and accepts the NaN that Python writes
    return polars_source(frame, label, path.stem, is_ours=True, text_as_numbers=True)


def _line_by_line(path: Path, label: str) -> "polars.DataFrame":
    """The same by the standard library, which takes longer, or a DataError that names the line."""
    rows: list[dict[str, object]] = []
    with path.open(encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    rows.append(_row(line, number, label))
        except UnicodeDecodeError as error:
            raise DataError(f"{label} is not UTF-8 ({error.reason}): save it again as UTF-8.") from error
    if not rows:
        raise DataError(f"{label} is empty: expected one JSON object per line.")
    names = dict.fromkeys(name for row in rows for name in row)
    return open_columns({name: [row.get(name) for row in rows] for name in names}).frame


def _row(line: str, number: int, label: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f'{label} is not JSON lines: line {number} ("{short(line.strip())}") is not one whole JSON '
            f"object ({error.msg})."
        ) from error
    if not isinstance(row, dict):
        raise DataError(
            f'{label} is not JSON lines: line {number} ("{short(line.strip())}") is not an object. '
            f'Expected one object per line, such as {{"x": 1, "y": 2}}.'
        )
    return row
