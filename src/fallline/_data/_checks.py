"""What numbers must be before a neuron sees them: present, finite, moderate, and not all the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._data._columns import Column, copied, joined, length, sums_of_squares
from fallline._data._source import Choice
from fallline._data._table import Table
from fallline._data._words import counted, row_list
from fallline._errors import DataError
from fallline._records import Floats

VALUE_LIMIT = 1e150
"""Values from here on are refused: their squares, which loss and curvature need, near the end of float64."""
_ROWS_EXPLAINED = "counted from 1 below the header"


def checked_table(
    columns: tuple[Column, ...],
    choice: Choice,
    *,
    name: str,
    source: str,
    notes: Sequence[str] = (),
    drop_missing: bool = False,
) -> Table:
    """A Table from the columns of ``choice`` [D + 1], the target last.

    Raises DataError for fewer than two rows, missing or infinite values (unless dropped), values
    beyond ±1e150, a constant feature and a constant target.
    """
    names = (*choice.features, choice.target)
    enough_rows(length(columns[0]), source)
    dropped: tuple[str, ...] = ()
    rows: NDArray[np.int64] | None = None
    squares = sums_of_squares(columns)
    if not np.isfinite(squares).all():
        columns, rows, dropped = _without_missing(columns, names, source, drop_missing=drop_missing)
        squares = sums_of_squares(columns)
    _moderate(columns, squares, names, rows)
    _varied(columns, choice)
    return Table(
        name=name,
        source=source,
        feature_columns=columns[:-1],
        target_column=columns[-1],
        feature_names=choice.features,
        target_name=choice.target,
        notes=(*notes, *choice.notes, *dropped),
    )


def enough_rows(rows: int, source: str, circumstance: str = "") -> None:
    """Raise DataError for fewer than two rows."""
    if rows == 0:
        raise DataError(f"{source} has no rows of data{circumstance}: expected at least two.")
    if rows == 1:
        raise DataError(f"{source} has one row of data{circumstance}: at least two are needed to fit a line.")


@dataclass(frozen=True)
class Missing:
    """What is missing or infinite in a table."""

    counts: Mapping[str, int]
    """By column, of those that miss any."""
    rows: int
    """Rows that miss a value."""
    first_rows: Sequence[int]
    """The first few of them (six are enough), counted from 0."""
    total: int
    """Rows in all."""
    has_nan: bool
    has_infinity: bool

    @property
    def words(self) -> str:
        """``missing values``, ``infinite values`` or both."""
        if self.has_nan and self.has_infinity:
            return "missing or infinite values"
        return f"{'missing' if self.has_nan else 'infinite'} values"

    @property
    def where(self) -> str:
        """The first rows, counted from 1."""
        return row_list([row + 1 for row in self.first_rows])

    def error(self) -> DataError:
        """The refusal of such a table."""
        told = ", ".join(f"{name} ({count:,})" for name, count in self.counts.items())
        has = "has" if self.rows == 1 else "have"
        return DataError(
            f"{self.rows:,} of {counted(self.total, 'row')} {has} {self.words}: {told}; {self.where}, "
            f"{_ROWS_EXPLAINED}. Leave such rows out with --drop-missing (in Python drop_missing=True), or "
            f"fill them in."
        )

    def note(self, source: str) -> str:
        """What is said where those rows were left out; DataError where fewer than two are left."""
        columns = ", ".join(self.counts)
        left = self.total - self.rows
        enough_rows(left, source, f" after leaving out {self.rows:,} with {self.words} in {columns}")
        return f"{self.rows:,} of {counted(self.total, 'row')} dropped: {self.words} in {columns} ({self.where})"


def _without_missing(
    columns: tuple[Column, ...], names: Sequence[str], source: str, *, drop_missing: bool
) -> tuple[tuple[Column, ...], "NDArray[np.int64] | None", tuple[str, ...]]:
    """The columns without the rows that hold a value that is not finite, the rows kept, a note; or a DataError."""
    values = dict(zip(names, map(joined, columns), strict=True))
    bad = {name: ~np.isfinite(column) for name, column in values.items()}
    bad = {name: mask for name, mask in bad.items() if mask.any()}
    if not bad:  # only the sum overflowed: some value is too large, which is told further on
        return columns, None, ()
    rows: NDArray[np.bool_] = np.logical_or.reduce(list(bad.values()))
    missing = Missing(
        counts={name: int(mask.sum()) for name, mask in bad.items()},
        rows=int(rows.sum()),
        first_rows=np.flatnonzero(rows)[:6].tolist(),
        total=len(rows),
        has_nan=any(bool(np.isnan(values[name]).any()) for name in bad),
        has_infinity=any(bool(np.isinf(values[name]).any()) for name in bad),
    )
    if not drop_missing:
        raise missing.error()
    return copied(column[~rows] for column in values.values()), np.flatnonzero(~rows), (missing.note(source),)


def _moderate(
    columns: Sequence[Column], squares: Floats, names: Sequence[str], rows: "NDArray[np.int64] | None"
) -> None:
    for index in np.flatnonzero(~(squares < VALUE_LIMIT**2)).tolist():
        column = joined(columns[index])
        at = int(np.argmax(np.abs(column)))
        if abs(column[at]) >= VALUE_LIMIT:
            raise too_large(names[index], float(column[at]), at if rows is None else int(rows[at]))


def too_large(name: str, value: float, row: int) -> DataError:
    """The error for a value that cannot be squared; ``row`` counted from 0."""
    return DataError(
        f'Column "{name}" holds {value:.4g} in row {row + 1}, {_ROWS_EXPLAINED}: '
        f"values beyond ±{VALUE_LIMIT:g} cannot be squared. Change the unit, or leave the row out."
    )


def _varied(columns: Sequence[Column], choice: Choice) -> None:
    for name, column in zip(choice.features, columns, strict=False):
        if _constant(column):
            raise constant_feature(name, float(column[0][0]))
    target = columns[-1]
    if _constant(target):
        raise constant_target(choice.target, float(target[0][0]))


def constant_feature(name: str, value: float) -> DataError:
    """The error for a feature that is ``value`` throughout."""
    return DataError(
        f'The feature "{name}" is constant ({value:.6g} in every row): its weight cannot be '
        f"told from the bias. Leave it out: name the others with --features (in Python features=)."
    )


def constant_target(name: str, value: float) -> DataError:
    """The error for a target that is ``value`` throughout."""
    return DataError(
        f'The target "{name}" is constant ({value:.6g} in every row): there is nothing to '
        f"learn. Choose another column as the target."
    )


def _constant(column: Column) -> bool:
    """Whether all values are equal; a look at the first ones settles it for nearly every column."""
    first = column[0][0]
    return bool((column[0][:64] == first).all() and all((piece == first).all() for piece in column))
