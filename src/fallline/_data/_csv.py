"""CSV and its relatives. Polars reads the file; the first lines are looked at beforehand.

The fast way reads the chosen columns as float64. Where that fails, or finds values missing where a line may
be too short, the file is read again as text, which is slower and can tell exactly what is wrong and where.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from fallline._data._blocks import Chunk
from fallline._data._columns import Column
from fallline._data._csv_faults import find_faults, undecodable
from fallline._data._polars_frame import chunk_of_polars, columns_of_polars
from fallline._data._source import Kind, ReadInWholeError
from fallline._data._text import is_number, kind_of_text, numbers_from_text
from fallline._data._words import listed, short
from fallline._errors import DataError

if TYPE_CHECKING:
    import polars

_HEAD_BYTES = 262_144
_HEAD_ROWS = 1_000
_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}


class _Reading(TypedDict):
    separator: str
    schema_overrides: "list[type[polars.DataType]]"
    infer_schema_length: int


@dataclass(frozen=True)
class CsvSource:
    """A text file with a header and one line per row."""

    path: Path
    label: str
    delimiter: str
    header: tuple[str, ...]
    kinds: Mapping[str, Kind]
    notes: tuple[str, ...]

    @cached_property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    def numbers(self, names: Sequence[str]) -> tuple[Column, ...]:
        """The columns [C] as float64, missing as NaN; see :class:`~fallline._data._source.Source`."""
        import polars as pl

        if any(self.kinds[name] is not Kind.NUMBER for name in names):
            return columns_of_polars(self._from_text(names))
        try:
            frame = self._read(names)
        except pl.exceptions.PolarsError:
            return columns_of_polars(self._from_text(names))
        last = max(names, key=self.header.index)
        if frame[last].has_nulls():  # a blank or short line is missing its last value
            return columns_of_polars(self._from_text(names))
        return columns_of_polars(frame)

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """The columns [C] a batch at a time, if they are plain; see :class:`~fallline._data._source.Source`."""
        import polars as pl

        if any(self.kinds[name] is not Kind.NUMBER for name in names):
            raise ReadInWholeError
        last = max(names, key=self.header.index)
        scan = pl.scan_csv(self.path, glob=False, **self._reading(names))
        try:
            for batch in scan.collect_batches(maintain_order=True, engine="streaming"):
                columns = {name: batch.to_series(self.header.index(name)) for name in names}
                if columns[last].has_nulls():  # a blank or short line is missing its last value
                    raise ReadInWholeError
                yield chunk_of_polars(columns.values())
        except pl.exceptions.PolarsError as error:
            raise ReadInWholeError from error

    def _reading(self, as_float: Sequence[str]) -> "_Reading":
        """How Polars is to read the file."""
        import polars as pl

        types: list[type[pl.DataType]] = [pl.Float64 if name in as_float else pl.String for name in self.header]
        return {"separator": self.delimiter, "schema_overrides": types, "infer_schema_length": 0}

    def _read(self, as_float: Sequence[str]) -> "polars.DataFrame":
        """The named columns as float64; the others are read, too, so that a long line is noticed."""
        import polars as pl

        frame = pl.read_csv(self.path, **self._reading(as_float))
        return pl.DataFrame([frame.to_series(self.header.index(name)).rename(name) for name in as_float])

    def _from_text(self, names: Sequence[str]) -> "polars.DataFrame":
        """The named columns as float64 by way of text, blank lines left out; or a DataError."""
        import polars as pl

        undecodable(self.path, self.label)
        blank = find_faults(self.path, self.label, self.delimiter, len(self.header))
        try:
            frame = pl.read_csv(self.path, separator=self.delimiter, infer_schema_length=0)
        except pl.exceptions.PolarsError as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"{self.label} cannot be read as CSV ({reason}).") from error
        if blank:
            keep = np.ones(len(frame), dtype=bool)
            keep[[row for row in blank if row < len(frame)]] = False
            frame = frame.filter(pl.Series(keep))
        columns = [frame.to_series(self.header.index(name)).rename(name) for name in names]
        return pl.DataFrame([numbers_from_text(column) for column in columns])


def open_csv(path: Path, label: str) -> CsvSource:
    """Look at the first lines of a file: its delimiter, its columns and what they hold."""
    with path.open("rb") as file:
        raw = file.read(_HEAD_BYTES)
    complete = len(raw) < _HEAD_BYTES
    text = _decoded(raw, path, label)
    first = text.split("\n", 1)[0]
    delimiter, notes = _delimiter(first, path, label)
    rows = _rows(text, delimiter, complete=complete)
    header = tuple(name.strip() for name in rows[0])
    _check_header(header, label)
    columns = list(zip(*(row for row in rows[1:] if len(row) == len(header)), strict=True))
    kinds = {name: kind_of_text(columns[index]) if columns else Kind.NUMBER for index, name in enumerate(header)}
    if not complete:
        kinds = _look_further(path, delimiter, kinds)
    return CsvSource(path, label, delimiter, header, kinds, notes)


def _decoded(raw: bytes, path: Path, label: str) -> str:
    """The first bytes of the file as text, or a DataError that says what they are instead."""
    if not raw.strip(b"\xef\xbb\xbf \t\r\n"):
        raise DataError(f"{label} is empty: expected a header line with column names and rows of numbers.")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{label} is encoded in UTF-16: expected UTF-8. Save it again as CSV UTF-8.")
    if b"\0" in raw:
        raise DataError(
            f"{label} holds a NUL byte at byte {raw.index(0)}: it is not a text file. "
            f"Expected CSV, TSV, JSON lines (.jsonl) or Parquet (.parquet)."
        )
    if b"\n" not in raw and b"\r" in raw:
        raise DataError(f"{label} ends its lines with a carriage return alone: save it with ordinary line ends.")
    try:
        return raw[: raw.rfind(b"\n") + 1 or None].decode("utf-8-sig")
    except UnicodeDecodeError:
        undecodable(path, label)
        return raw.decode("utf-8-sig", errors="replace")


def _delimiter(first: str, path: Path, label: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter of the header line, with a note where the suffix promises another one."""
    if not first.strip():
        raise DataError(f"{label} begins with an empty line: the first line must hold the column names.")
    expected = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
    found = [mark for mark in _DELIMITERS if len(next(csv.reader([first], delimiter=mark))) > 1]
    if expected in found or not found:
        return expected, ()
    if len(found) > 1:
        raise DataError(
            f"{label} has no {_DELIMITERS[expected]} in its header, which may be parted by "
            f"{' or by '.join(_DELIMITERS[mark] for mark in found)}: use one kind of delimiter."
        )
    return found[0], (f"Columns are parted by a {_DELIMITERS[found[0]]}, not a {_DELIMITERS[expected]}.",)


def _rows(text: str, delimiter: str, *, complete: bool) -> list[list[str]]:
    """The first rows, the header among them; the last one is left out where it may be cut."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = [row for row, _ in zip(reader, range(_HEAD_ROWS), strict=False) if row]
    return rows if complete or len(rows) < 3 else rows[:-1]


def _check_header(header: Sequence[str], label: str) -> None:
    named = [name for name in header if name]
    repeated = sorted({name for name in named if named.count(name) > 1})
    if named and all(is_number(name) for name in named):
        raise DataError(
            f'{label} begins with numbers ("{short(named[0])}" …) where column names are expected: '
            f"add a header line such as x,y."
        )
    if repeated:
        raise DataError(f"{label} has several columns named {listed(repeated)}: give each column its own name.")


def _look_further(path: Path, delimiter: str, kinds: dict[str, Kind]) -> dict[str, Kind]:
    """Columns that were all missing in the first lines of a long file are looked at in full."""
    empty = [index for index, kind in enumerate(kinds.values()) if kind is Kind.EMPTY]
    if not empty:
        return kinds
    import polars as pl

    try:
        frame = pl.read_csv(path, separator=delimiter, columns=empty, infer_schema_length=0)
    except pl.exceptions.PolarsError:
        return kinds  # told in full when the columns are read
    names = list(kinds)
    found = {names[at]: kind_of_text(frame.to_series(i).drop_nulls()) for i, at in enumerate(empty)}
    return {**kinds, **found}
