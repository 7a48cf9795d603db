"""What a dropped file holds, found out without trusting it: its size once read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fallline._errors import DataError
from fallline._wording import count

if TYPE_CHECKING:
    from fallline._data._source import Kind, Source

MOST_ROWS = 1_000_000
MOST_CELLS = 5_000_000
"""Rows × columns: a small Parquet file may stand for very many."""
FEWEST_ROWS = 2
_JSON_LINES = (".jsonl", ".ndjson")
_LOOKED_AT = 2**14
"""Bytes of a file without numbers that are looked through for decimal commas."""
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_CELLS = re.compile(r"[;\t|]")
_PIECE_BYTES = 2**20
_KEYS = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\s*:)?')


@dataclass(frozen=True)
class Look:
    """What is in a file."""

    rows: int
    columns: tuple[tuple[str, str], ...]
    """Names and kinds."""
    target: str
    features: tuple[str, ...]

    @property
    def is_only_choice(self) -> bool:
        """Whether other columns could not do better where these cannot be used."""
        return self.rows < FEWEST_ROWS or len(self.features) == 1

    def told(self) -> dict[str, object]:
        """As it travels."""
        columns = [{"name": column, "kind": kind} for column, kind in self.columns]
        return {"rows": self.rows, "columns": columns, "target": self.target, "features": list(self.features)}


def look_into(path: Path, name: str) -> Look:
    """Rows, columns and which of them are used unless told, by the reader of every table.

    Raises:
        DataError: it is no table that could be trained on, or too large a one.
    """
    from fallline._data._read import open_source  # noqa: PLC0415  (Polars, only where there is a table)

    _refuse_many_keys(path, name)
    source = open_source(path, streamed=True)
    kinds = {column: kind for column, kind in source.kinds.items() if column}
    numeric = _numeric(kinds)
    if len(numeric) < 2:
        if _has_decimal_commas(path):
            raise DataError(
                f"{name} writes its numbers with decimal commas, as in 1,5: write them with a point, as in 1.5, and "
                "drop it again."
            )
        raise DataError(
            f"{name} has {count(len(numeric), 'column')} of numbers: expected at least a feature and a target."
        )
    rows = _rows(source, numeric[0], len(kinds), name)
    columns = tuple((column, kind.value) for column, kind in kinds.items())
    return Look(rows, columns, numeric[-1], tuple(numeric[:-1]))


def _has_decimal_commas(path: Path) -> bool:
    """Whether the lines below the first hold cells such as 1,5 between semicolons, tabs or bars."""
    with path.open("rb") as file:
        lines = file.read(_LOOKED_AT).decode("utf-8", "replace").splitlines()[1:]
    rows = [cells for line in lines[:20] if len(cells := _CELLS.split(line)) > 1]
    return any(_DECIMAL_COMMA.fullmatch(cell.strip(' "')) for cells in rows for cell in cells)


def _refuse_many_keys(path: Path, name: str) -> None:
    """JSON lines whose keys are others in every line: a reader gives each of them a column of all rows.

    Raises:
        DataError: rows × keys are more than :data:`MOST_CELLS`, as far as they were counted.
    """
    keys: set[bytes] = set()
    rows = 0
    with path.open("rb") as file:
        start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
        if path.suffix.lower() not in _JSON_LINES and not start.startswith(b"{"):
            return
        file.seek(0)
        while piece := file.read(_PIECE_BYTES) + file.readline():
            rows += piece.count(b"\n")
            keys.update(key for key, colon in _KEYS.findall(piece) if colon)
            if rows * len(keys) > MOST_CELLS:
                raise DataError(
                    f"{name} has {len(keys):,} keys in its first {rows:,} lines, and each is a column: the studio "
                    f"takes {MOST_CELLS:,} values. Expected the same few keys in every line."
                )


def _numeric(kinds: "Mapping[str, Kind]") -> list[str]:
    from fallline._data._source import NUMERIC  # noqa: PLC0415  (with Polars)

    return [column for column, kind in kinds.items() if kind in NUMERIC]


def _rows(source: "Source", column: str, columns: int, name: str) -> int:
    """How many rows, found out before all of them are in memory."""
    from fallline._data._streamed_files import StreamedFile  # noqa: PLC0415  (with Polars)

    if isinstance(source, StreamedFile):
        rows = source.rows()
    else:
        rows = sum(len(piece) for piece in source.numbers([column])[0])
    if rows > MOST_ROWS or rows * columns > MOST_CELLS:
        raise DataError(
            f"{name} has {rows:,} rows of {count(columns, 'column')}: the studio takes {MOST_ROWS:,} rows and "
            f"{MOST_CELLS:,} values; `fallline fit` takes more."
        )
    return rows
