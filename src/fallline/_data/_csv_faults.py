"""What is wrong with the lines of a CSV file. Reads the whole file: only for one already known to be odd."""

import csv
from codecs import getincrementaldecoder
from pathlib import Path

from fallline._data._words import counted
from fallline._errors import DataError

_PIECE = 1 << 20


def undecodable(path: Path, label: str) -> None:
    """Raise DataError with the line and byte of the first bytes that are not UTF-8."""
    decoder = getincrementaldecoder("utf-8")()
    lines, start = 1, 0
    with path.open("rb") as file:
        while True:
            piece = file.read(_PIECE)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                lines += error.object[: error.start].count(b"\n")
                byte = start - pending + error.start
                raise DataError(
                    f"{label} is not UTF-8: line {lines} holds the byte 0x{error.object[error.start]:02x} "
                    f"at byte {byte:,}. Save it again as CSV UTF-8 (it may be Latin-1 or Windows-1252)."
                ) from None
            if not piece:
                return
            lines += piece.count(b"\n")
            start += len(piece)


def find_faults(path: Path, label: str, delimiter: str, columns: int) -> list[int]:
    """The positions (from 0, below the header) of blank lines.

    Raises DataError for the first row with more or fewer fields than the header, and for a quote left open.
    """
    blank: list[int] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            next(reader)
            for position, row in enumerate(reader):
                if not row:
                    blank.append(position)
                elif len(row) != columns:
                    raise DataError(
                        f"{label} has {counted(len(row), 'field')} in row {position - len(blank) + 1} "
                        f"(line {reader.line_num}) where the header has {columns}: "
                        f"correct the row, or the delimiter."
                    )
        except csv.Error as error:
            raise DataError(
                f"{label} cannot be read as CSV at line {reader.line_num} ({error}): "
                f"look for a quote that is not closed."
            ) from error
    return blank
