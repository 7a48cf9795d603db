"""The tables dropped onto the page: kept in this process only, bounded, under random ids."""

import csv
import re
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from fallline._desk._look import look_into
from fallline._errors import DataError, OptionError

if TYPE_CHECKING:
    from fallline._data import Table

MOST_TABLES = 16
MOST_BYTES = 64 * 2**20
"""Of all files together; the last one stays, however large."""
MOST_PARSED_BYTES = 128 * 2**20
"""Of all tables that were read of them: a small Parquet file may stand for a large one."""
MOST_CHOICES = 2
"""Choices of columns that are kept of one file, so that a drag does not read it again."""
LONGEST_NAME = 80
_SUFFIXES = (".csv", ".tsv", ".tab", ".parquet", ".pq", ".jsonl", ".ndjson", ".json")

_ELSEWHERE = re.compile(r"(: name the others)? with --[a-z-]+ \(in Python [^)]*\)")
GONE = "This table is no longer here: the server was started again since, or has newer ones. Drop the file again."

_Columns = tuple[str, tuple[str, ...] | None, bool]


@dataclass
class Upload:
    """One file as it came, and the tables that were read of it."""

    name: str
    content: bytes
    tables: "OrderedDict[_Columns, Table]" = field(default_factory=OrderedDict)


def shown_name(given: str) -> str:
    """A file's name for people: without folders and control characters, and not too long.

    >>> shown_name("../../etc/pass\\nwd.csv"), shown_name(""), shown_name("C:\\\\data\\\\a.csv")
    ('passwd.csv', 'table', 'a.csv')
    """
    last = given.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    if kept in ("", ".", ".."):
        return "table"
    stem, suffix = Path(kept).stem, Path(kept).suffix[:10]
    return stem[: LONGEST_NAME - len(suffix)] + suffix


@contextmanager
def as_file(upload: Upload) -> Iterator[Path]:
    """The content as a file for :func:`read_table`, gone afterwards; errors speak of the upload's own name."""
    suffix = Path(upload.name).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="fallline-") as folder:
        path = Path(folder) / ("table" + (suffix if suffix in _SUFFIXES else ""))
        path.write_bytes(upload.content)
        try:
            yield path
        except DataError as error:
            raise DataError(_on_the_page(str(error).replace(str(path), upload.name))) from error
        except csv.Error as error:  # a field longer than any number or name
            raise DataError(f"{upload.name} cannot be read as a table ({error}).") from error


def _on_the_page(sentence: str) -> str:
    """Without the ways out of the command line and of Python.

    >>> _on_the_page("Leave it out: name the others with --features (in Python features=).")
    'Leave it out.'
    """
    return _ELSEWHERE.sub("", sentence)


class Tables:
    """Uploads by id; the one longest unused goes where there is no room. Used from several threads."""

    def __init__(self) -> None:
        self._uploads: OrderedDict[str, Upload] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._uploads)

    def add(self, name: str, content: bytes) -> dict[str, object]:
        """Keep a file, and say what is in it: its id, its rows, its columns, and which are used unless told.

        Raises:
            DataError: it is no table, too long a one, or nothing can be learnt from it; nothing is kept.
        """
        upload = Upload(shown_name(name), content)
        with as_file(upload) as path:
            about = look_into(path, upload.name)
        if about.is_only_choice:
            _read(upload, about.target, about.features, drop_missing=True)
        key = token_urlsafe(12)
        with self._lock:
            self._uploads[key] = upload
            while len(self._uploads) > MOST_TABLES or (len(self._uploads) > 1 and self._bytes() > MOST_BYTES):
                self._uploads.popitem(last=False)
        return {"id": key, "name": upload.name, **about.told()}

    def table(
        self,
        key: str,
        *,
        target: str | None = None,
        features: Sequence[str] | None = None,
        drop_missing: bool = False,
    ) -> "Table":
        """An upload's columns as a table, by :func:`read_table` and with its sentences.

        Raises:
            OptionError: it is not kept (any longer).
            DataError: these columns cannot be used.
        """
        with self._lock:
            upload = self._uploads.get(key)
            if upload is None:
                raise OptionError(GONE)
            self._uploads.move_to_end(key)
        chosen = (target, None if features is None else tuple(features), drop_missing)
        columns: _Columns = (chosen[0] or "", chosen[1], chosen[2])
        known = upload.tables.get(columns)
        if known is not None:
            return known
        table = _read(upload, target, features, drop_missing=drop_missing)
        with self._lock:
            upload.tables[columns] = table
            while len(upload.tables) > MOST_CHOICES:
                upload.tables.popitem(last=False)
            self._forget_parsed(table)
        return table

    def _forget_parsed(self, kept: "Table") -> None:
        """Tables of the files longest unused go first: they can be read again. The one just asked for stays."""
        parsed = [(upload, columns) for upload in self._uploads.values() for columns in upload.tables]
        held = sum(_nbytes(upload.tables[columns]) for upload, columns in parsed)
        for upload, columns in parsed:
            if held <= MOST_PARSED_BYTES:
                return
            if upload.tables[columns] is not kept:
                held -= _nbytes(upload.tables.pop(columns))

    def _bytes(self) -> int:
        return sum(len(upload.content) for upload in self._uploads.values())


def _nbytes(table: "Table") -> int:
    """Its columns as they were read, and put together once they are used."""
    return 2 * 8 * table.rows * (len(table.feature_columns) + 1)


def _read(upload: Upload, target: str | None, features: Sequence[str] | None, *, drop_missing: bool) -> "Table":
    from fallline._data import read_table  # noqa: PLC0415  (Polars, only where there is a table)

    with as_file(upload) as path:
        table = read_table(
            path, target=target, features=features, drop_missing=drop_missing, name=Path(upload.name).stem
        )
    return replace(table, source=upload.name)
