"""Text that stands for numbers: what is missing, what is a number, and which row is neither."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fallline._data._source import Kind
from fallline._data._words import short
from fallline._errors import DataError

if TYPE_CHECKING:
    import polars

MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "-", "?")
"""Spellings of a missing value, in lower case; white space around them does not matter."""
_TRUTH = {"true": 1.0, "false": 0.0}
_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{4}")
_WITH_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}([.,' ]\d{3})+)([.,]\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def kind_of_text(values: Iterable[str]) -> Kind:
    """What a column of text holds: more numbers than words is a column of numbers with mistakes in it.

    >>> kind_of_text(["1", "NA", "2.5"]), kind_of_text(["Adelie", "3"]), kind_of_text(["?", ""])
    (<Kind.NUMBER: 'numbers'>, <Kind.TEXT: 'text'>, <Kind.EMPTY: 'no values'>)
    """
    present = [clean for clean in (value.strip().lower() for value in values) if clean not in MISSING]
    if not present:
        return Kind.EMPTY
    if all(value in _TRUTH for value in present):
        return Kind.BOOLEAN
    if 2 * sum(is_number(value) for value in present) > len(present):
        return Kind.NUMBER
    if all(_DATE.fullmatch(value) for value in present):
        return Kind.DATE
    commas = all(_WITH_COMMA.fullmatch(value) for value in present)
    return Kind.COMMA if commas else Kind.TEXT


def is_number(value: str) -> bool:
    """Whether a piece of text is a number as a table writes one (so not ``1_000``)."""
    if "_" in value:
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def numbers_from_text(column: "polars.Series") -> "polars.Series":
    """A text column as float64, missing spellings as null or NaN.

    Raises DataError that names the first row (counted from 1) whose value is neither a number nor missing.
    """
    import polars as pl

    clean = column.cast(pl.String).str.strip_chars()
    lowered = clean.str.to_lowercase()
    present = ~lowered.is_in(MISSING).fill_null(value=True)
    numbers = clean.cast(pl.Float64, strict=False)
    bad = present & numbers.is_null()
    if not bad.any():
        return numbers
    if bool((lowered.is_in(list(_TRUTH)) | ~present).all()):
        return lowered.replace_strict(_TRUTH, default=None, return_dtype=pl.Float64)
    row = bad.arg_true()[0]
    raise DataError(_bad_value(column.name, row + 1, str(clean[row]), int(bad.sum()), len(column)))


def _bad_value(name: str, row: int, value: str, count: int, rows: int) -> str:
    if _DATE.fullmatch(value):
        remedy = "it looks like a date; turn dates into numbers first, such as days since the first one"
    elif _DECIMAL_COMMA.fullmatch(value):
        remedy = "it looks like a number with a decimal comma; write it with a point"
    elif 2 * count > rows:
        remedy = "the column is text; choose another one"
    else:
        remedy = "correct it, or leave the cell empty if the value is missing"
    others = f" (and {count - 1:,} more such rows)" if count > 1 else ""
    return (
        f'Column "{name}" holds "{short(value)}" in row {row}, counted from 1 below the header{others}, '
        f"where a number is expected: {remedy}."
    )
