"""What numbers must be before a neuron sees them: present, finite, moderate, and not all the same."""

from collections.abc import Sequence

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
    _enough_rows(length(columns[0]), source, "")
    dropped: tuple[str, ...] = ()
    squares = sums_of_squares(columns)
    if not np.isfinite(squares).all():
        columns, dropped = _without_missing(columns, names, source, drop_missing=drop_missing)
        squares = sums_of_squares(columns)
    _moderate(columns, squares, names)
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


def _enough_rows(rows: int, source: str, circumstance: str) -> None:
    if rows == 0:
        raise DataError(f"{source} has no rows of data{circumstance}: expected at least two.")
    if rows == 1:
        raise DataError(f"{source} has one row of data{circumstance}: at least two are needed to fit a line.")


def _without_missing(
    columns: tuple[Column, ...], names: Sequence[str], source: str, *, drop_missing: bool
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """The columns without the rows that hold a value that is not finite, and a note; or a DataError."""
    values = dict(zip(names, map(joined, columns), strict=True))
    bad = {name: ~np.isfinite(column) for name, column in values.items()}
    bad = {name: mask for name, mask in bad.items() if mask.any()}
    if not bad:  # only the sum overflowed: some value is too large, which is told further on
        return columns, ()
    rows: NDArray[np.bool_] = np.logical_or.reduce(list(bad.values()))
    count, total = int(rows.sum()), len(rows)
    words = _which([values[name] for name in bad])
    where = row_list([int(row) + 1 for row in np.flatnonzero(rows)[:6]])
    if not drop_missing:
        told = ", ".join(f"{name} ({int(mask.sum()):,})" for name, mask in bad.items())
        has = "has" if count == 1 else "have"
        raise DataError(
            f"{count:,} of {counted(total, 'row')} {has} {words}: {told}; {where}, {_ROWS_EXPLAINED}. "
            f"Leave such rows out with --drop-missing (in Python drop_missing=True), or fill them in."
        )
    _enough_rows(total - count, source, f" after leaving out {count:,} with {words} in {', '.join(bad)}")
    note = f"{count:,} of {counted(total, 'row')} dropped: {words} in {', '.join(bad)} ({where})"
    return copied(column[~rows] for column in values.values()), (note,)


def _which(columns: Sequence[Floats]) -> str:
    """``missing values``, ``infinite values`` or both."""
    missing = any(bool(np.isnan(column).any()) for column in columns)
    infinite = any(bool(np.isinf(column).any()) for column in columns)
    return "missing or infinite values" if missing and infinite else f"{'missing' if missing else 'infinite'} values"


def _moderate(columns: Sequence[Column], squares: Floats, names: Sequence[str]) -> None:
    for index in np.flatnonzero(~(squares < VALUE_LIMIT**2)).tolist():
        column = joined(columns[index])
        row = int(np.argmax(np.abs(column)))
        if abs(column[row]) >= VALUE_LIMIT:
            raise DataError(
                f'Column "{names[index]}" holds {column[row]:.4g} in row {row + 1}, {_ROWS_EXPLAINED}: '
                f"values beyond ±{VALUE_LIMIT:g} cannot be squared. Change the unit, or leave the row out."
            )


def _varied(columns: Sequence[Column], choice: Choice) -> None:
    for name, column in zip(choice.features, columns, strict=False):
        if _constant(column):
            raise DataError(
                f'The feature "{name}" is constant ({column[0][0]:.6g} in every row): its weight cannot be '
                f"told from the bias. Leave it out: name the others with --features (in Python features=)."
            )
    target = columns[-1]
    if _constant(target):
        raise DataError(
            f'The target "{choice.target}" is constant ({target[0][0]:.6g} in every row): there is nothing to '
            f"learn. Choose another column as the target."
        )


def _constant(column: Column) -> bool:
    """Whether all values are equal; a look at the first ones settles it for nearly every column."""
    first = column[0][0]
    return bool((column[0][:64] == first).all() and all((piece == first).all() for piece in column))
