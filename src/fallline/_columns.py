"""Text in the columns of a terminal: 漢 takes two of them, a combining accent none."""

import unicodedata
from collections.abc import Sequence
from typing import Final

WIDE: Final = {"W", "F"}
ON_TOP: Final = {"Mn", "Me", "Cf"}
"""Categories of what is drawn over its neighbour, or not at all."""


def columns_of(text: str) -> int:
    """How many columns a line takes.

    >>> columns_of("conv1"), columns_of("漢字"), columns_of("e\\u0301")
    (5, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_columns_of_letter, text))


def widths_of(rows: Sequence[Sequence[str]]) -> list[int]:
    """How many terminal columns each column of a table takes."""
    return [max(map(columns_of, cells)) for cells in zip(*rows, strict=True)]


def aligned(rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> list[str]:
    """The cells of a table under each other, numbers to the right.

    >>> aligned([("layer", "ratio"), ("漢字", "1 %")], (False, True))
    ['layer  ratio', '漢字     1 %']
    """
    widths = widths_of(rows)
    return ["  ".join(map(_cell, row, widths, numeric)).rstrip() for row in rows]


def beginning(text: str, most: int) -> str:
    """As much of the beginning as ``most`` columns hold, with … where something is missing.

    >>> beginning("encoder.block", 8), beginning("漢字漢字", 6)
    ('encoder…', '漢字…')
    """
    if columns_of(text) <= most:
        return text
    while columns_of(text) > most - 1:
        text = text[:-1]
    return text + "…"


def end(text: str, most: int) -> str:
    """As much of the end as ``most`` columns hold, with … where something is missing: where names differ.

    >>> end("encoder.block", 8)
    '…r.block'
    """
    if columns_of(text) <= most:
        return text
    while columns_of(text) > most - 1:
        text = text[1:]
    return "…" + text


def _cell(text: str, width: int, numeric: bool) -> str:
    room = " " * (width - columns_of(text))
    return room + text if numeric else text + room


def _columns_of_letter(letter: str) -> int:
    if unicodedata.category(letter) in ON_TOP:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in WIDE else 1
