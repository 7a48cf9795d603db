"""How deep the objects of a JSON file are nested, found out before a reader follows them.

A reader that follows thousands of brackets within brackets runs out of its stack, and the process ends with it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fallline._errors import DataError

DEEPEST = 32
"""Brackets within brackets; a row of numbers needs one."""
_PIECE_BYTES = 2**20
_MARKS = b'{[]}"\n'


def refuse_deep(path: Path, label: str) -> None:
    """Count the brackets outside of quotation marks, a piece of the file at a time.

    A text is over at the end of its line, and a bracket that closes nothing counts for nothing: a reader may
    begin anew behind either.

    Raises:
        DataError: more than :data:`DEEPEST` are open at once.
    """
    still_open = 0
    for lines in _pieces(path):
        if _is_flat(lines):
            continue
        level = still_open + np.cumsum(_steps(lines), dtype=np.int64)
        depth = level - np.minimum(np.minimum.accumulate(level), 0)
        if depth.max(initial=0) > DEEPEST:
            raise DataError(f"{label} is nested too deeply: expected JSON lines, one object of numbers per line.")
        still_open = int(depth[-1]) if depth.size else still_open


def _pieces(path: Path) -> Iterator[bytes]:
    """Whole lines, about a megabyte of them at a time; each ends with its line's end."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES) + file.readline():
            yield piece if piece.endswith(b"\n") else piece + b"\n"


def _is_flat(lines: bytes) -> bool:
    """Whether every line is one object without another bracket in it, as tables have them."""
    opened = lines.count(b"{")
    at_a_start = lines.count(b"\n{") + lines.startswith(b"{")
    closed = lines.count(b"}")
    return opened == at_a_start == closed == lines.count(b"}\n") and b"[" not in lines and b"]" not in lines


def _steps(lines: bytes) -> NDArray[np.int8]:
    """+1 for each opening and −1 for each closing bracket that is not part of a text."""
    plain = lines.replace(b"\\\\", b"").replace(b'\\"', b"")  # an escaped quotation mark ends no text
    is_mark = np.zeros(256, dtype=np.bool_)
    is_mark[list(_MARKS)] = True
    letters = np.frombuffer(plain, dtype=np.uint8)
    marks = letters[is_mark[letters]]
    quotes = np.cumsum(marks == ord('"'))
    in_line = quotes - np.maximum.accumulate(np.where(marks == ord("\n"), quotes, 0))
    opening, closing = (np.isin(marks, list(pair)) for pair in (b"{[", b"}]"))
    return np.where(in_line % 2 == 0, opening.astype(np.int8) - closing.astype(np.int8), np.int8(0))
