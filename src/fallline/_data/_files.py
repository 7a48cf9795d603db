"""A path: is it there, may it be read, and what kind of table is it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from fallline._data._csv import open_csv
from fallline._data._source import Source
from fallline._data._streamed_files import stream_json_lines, stream_parquet
from fallline._data._typed_files import open_json_lines, open_parquet
from fallline._errors import DataError, near

Opener = Callable[[Path, str], Source]

_OPENERS: Mapping[str, Opener] = MappingProxyType(
    {
        ".csv": open_csv,
        ".tsv": open_csv,
        ".tab": open_csv,
        ".parquet": open_parquet,
        ".pq": open_parquet,
        ".jsonl": open_json_lines,
        ".ndjson": open_json_lines,
    }
)
_STREAMED: Mapping[Opener, Opener] = MappingProxyType(
    {open_parquet: stream_parquet, open_json_lines: stream_json_lines}
)
"""Who opens a file to read it a batch at a time; a CSV file is not read on opening anyway."""
_REFUSED = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive: export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: export the sheet as CSV"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"SQLite format 3", "an SQLite database: export the table as CSV"),
    (b"\x93NUMPY", "a NumPy file: load it in Python with numpy.load and pass the array"),
)


def open_path(given: str | Path, *, streamed: bool = False) -> Source:
    """Open a file by its suffix, else by its first bytes; one that is to be ``streamed`` without reading its rows.

    Raises DataError for a path that is missing, a folder, unreadable, or of another format.
    """
    path = Path(given).expanduser()
    label = str(given)
    if not label.isprintable() and label.encode("utf-8", "replace") != label.encode("utf-8", "surrogatepass"):
        raise DataError(f"The name {label!a} is not UTF-8, and the reader of tables opens no such file: rename it.")
    try:
        if path.is_dir():
            raise DataError(f"{label} is a folder: expected a file (CSV, TSV, Parquet or JSON lines).")
        with path.open("rb") as file:
            start = file.read(64)
        opener = _opener(path, start, label)
        return (_STREAMED.get(opener, opener) if streamed else opener)(path, label)
    except FileNotFoundError as error:
        raise DataError(_missing(path, label)) from error
    except PermissionError as error:
        raise DataError(f"{label} may not be read (permission denied): change its permissions.") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{label} cannot be read ({error}): check the path.") from error


def _opener(path: Path, start: bytes, label: str) -> Opener:
    for magic, what in _REFUSED:
        if start.startswith(magic):
            raise DataError(f"{label} is {what}.")
    if start.startswith(b"PAR1"):
        return open_parquet
    known = _OPENERS.get(path.suffix.lower())
    if known is not None and start.strip():
        return known
    content = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if content.startswith(b"{"):
        return open_json_lines
    if content.startswith(b"[") and path.suffix.lower() == ".json":
        raise DataError(f"{label} is one JSON array: expected JSON lines, one object per line.")
    return open_csv


def _missing(path: Path, label: str) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder {folder}, so {label} cannot be read: check the path."
    try:
        names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    except PermissionError:
        names = []
    return f"There is no file {label}.{near(path.name, names) or ' Check the path.'}"
