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
"""That no page shows."""
MOST_BYTES = 128 * 2**20
"""Of all files together; those that pages show are not pushed out, so there may be no room for another."""
MOST_PARSED_BYTES = 128 * 2**20
"""Of all tables that were read of them: a small Parquet file may stand for a large one."""
MOST_CHOICES = 2
"""Choices of columns that are kept of one file, so that a drag does not read it again."""
LONGEST_NAME = 80
_SUFFIXES = (".csv", ".tsv", ".tab", ".parquet", ".pq", ".jsonl", ".ndjson", ".json")

_ELSEWHERE = re.compile(r"(: name the others)? with --[a-z-]+ \(in Python [^)]*\)")
FULL = (
    f"The pages that are open show {MOST_BYTES // 2**20} MB of tables, and the studio holds no more: close one of "
    "them, or train on this table with `fallline fit`."
)
GONE = "This table is no longer here: the server was started again since, or has newer ones. Drop the file again."

_Columns = tuple[str, tuple[str, ...] | None, bool]


@dataclass
class Upload:
    """One file as it came, and the tables that were read of it."""

    name: str
    content: bytes
    tables: "OrderedDict[_Columns, Table]" = field(default_factory=OrderedDict)
    given: "Table | None" = None
    """A table of this process instead of a content."""
    file: str | None = None
    """What a program reads it by; None for what has no file."""
    about: dict[str, object] = field(default_factory=dict)
    """What was told to whoever dropped it."""


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


class _Shared:
    """What all clients of a process have dropped, and which of it each of them shows."""

    def __init__(self) -> None:
        self.uploads: OrderedDict[str, Upload] = OrderedDict()
        self.shown: dict[Tables, str] = {}
        self.lock = threading.Lock()


class Tables:
    """Uploads by id, as one client sees them: all are there, and the one it used last is not pushed out by others'.

    Of those that nobody shows the one longest unused goes where there is no room. Used from several threads.
    """

    def __init__(self, shared: _Shared | None = None) -> None:
        self._shared = _Shared() if shared is None else shared
        self._uploads = self._shared.uploads
        self._lock = self._shared.lock
        self._is_open = True

    def __len__(self) -> int:
        return len(self._uploads)

    def of_client(self) -> "Tables":
        """The same uploads for another client."""
        return Tables(self._shared)

    def close(self) -> None:
        """The client is gone: what it showed may be pushed out."""
        with self._lock:
            self._is_open = False
            self._shared.shown.pop(self, None)

    def add(self, name: str, content: bytes) -> dict[str, object]:
        """Keep a file, and say what is in it: its id, its rows, its columns, and which are used unless told.

        Raises:
            DataError: it is no table, too long a one, or nothing can be learnt from it; nothing is kept.
            OptionError: the tables that are shown leave no room for it.
        """
        upload = Upload(shown_name(name), content)
        upload.file = upload.name
        with as_file(upload) as path:
            about = look_into(path, upload.name)
        if about.is_only_choice:
            _read(upload, about.target, about.features, drop_missing=True)
        key = token_urlsafe(12)
        upload.about = {"id": key, "name": upload.name, **about.told()}
        with self._lock:
            self._make_room(len(content))
            self._uploads[key] = upload
        return upload.about

    def hold(self, table: "Table", file: str | None) -> str:
        """Keep a table that was read already, and give its id.

        Args:
            table: with the columns that are used.
            file: the path that it was read from, None for data of this process.
        """
        key = token_urlsafe(12)
        with self._lock:
            self._uploads[key] = Upload(table.name, b"", given=table, file=file)
        return key

    def about(self, key: str) -> dict[str, object]:
        """What :meth:`add` said of it.

        Raises:
            OptionError: it is not kept (any longer).
        """
        with self._lock:
            upload = self._uploads.get(key)
        if upload is None:
            raise OptionError(GONE)
        return upload.about

    def file(self, key: str) -> str | None:
        """What a program reads an upload by, None where there is no file of it."""
        with self._lock:
            upload = self._uploads.get(key)
        return None if upload is None else upload.file

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
            if self._is_open:
                self._shared.shown[self] = key
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

    def _make_room(self, more: int) -> None:
        """For so many bytes: what nobody shows goes, the longest unused first, and only where that helps."""
        shown = set(self._shared.shown.values())
        idle = [key for key in self._uploads if key not in shown]
        held = sum(len(self._uploads[key].content) for key in shown if key in self._uploads)
        if held > 0 and held + more > MOST_BYTES:
            raise OptionError(FULL)
        waiting = sum(len(self._uploads[key].content) for key in idle)
        for place, key in enumerate(idle):
            if len(idle) - place < MOST_TABLES and held + waiting + more <= MOST_BYTES:
                return
            waiting -= len(self._uploads.pop(key).content)


def _nbytes(table: "Table") -> int:
    """Its columns as they were read, and put together once they are used."""
    return 2 * 8 * table.rows * (len(table.feature_columns) + 1)


def _read(upload: Upload, target: str | None, features: Sequence[str] | None, *, drop_missing: bool) -> "Table":
    from fallline._data import read_table  # noqa: PLC0415  (Polars, only where there is a table)

    if upload.given is not None:
        return read_table(upload.given, target=target, features=features)
    with as_file(upload) as path:
        table = read_table(
            path, target=target, features=features, drop_missing=drop_missing, name=Path(upload.name).stem
        )
    return replace(table, source=upload.name)
