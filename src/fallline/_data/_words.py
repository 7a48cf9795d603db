"""How columns, rows and values are written in sentences."""

from collections.abc import Iterable, Sequence

from fallline._errors import near

_SHOWN = 12


def listed(names: Iterable[str]) -> str:
    """Names in quotes, the first few of them.

    >>> listed(["a", "b"])
    '"a", "b"'
    """
    known = list(names)
    shown = ", ".join(f'"{name}"' for name in known[:_SHOWN])
    return shown if len(known) <= _SHOWN else f"{shown} and {len(known) - _SHOWN} more"


def row_list(rows: Sequence[int], shown: int = 5) -> str:
    """Row numbers (counted from 1), the first few of them.

    >>> row_list([4, 272])
    'rows 4, 272'
    >>> row_list([1, 2, 3, 4, 5, 6, 7])
    'rows 1, 2, 3, 4, 5, …'
    """
    word = "row" if len(rows) == 1 else "rows"
    tail = ", …" if len(rows) > shown else ""
    return f"{word} {', '.join(str(row) for row in rows[:shown])}{tail}"


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(1000000, "row")
    ('1 row', '1,000,000 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def unknown_column(name: str, known: Sequence[str], role: str) -> str:
    """The sentence for a column that is not there."""
    there = f"The columns are {listed(known)}." if known else "There are no columns."
    return f'There is no column "{name}" to take as {role}.{near(name, list(known))} {there}'


def short(value: str, length: int = 30) -> str:
    """A value as it may be shown in a sentence."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in value)
    return clean if len(clean) <= length else clean[: length - 1] + "…"
