"""What numbers must be before a neuron sees them: present, finite, moderate, and not all the same."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fallline._data._block import SQUARE_LIMIT, VALUE_LIMIT, Block, keep_rows
from fallline._data._source import Choice
from fallline._data._table import Floats, Table
from fallline._data._words import counted, row_list
from fallline._errors import DataError

_ROWS_EXPLAINED = "counted from 1 below the header"


def checked_table(
    block: Block,
    choice: Choice,
    *,
    name: str,
    source: str,
    notes: Sequence[str] = (),
    drop_missing: bool = False,
) -> Table:
    """A Table from the columns of ``choice``, the target last in ``block`` [N, D + 1].

    Raises DataError for fewer than two rows, missing or infinite values (unless dropped), values
    beyond ±1e150, a constant feature and a constant target.
    """
    names = (*choice.features, choice.target)
    _enough_rows(len(block.values), source, "")
    block, dropped = _without_missing(block, names, source, drop_missing=drop_missing)
    _moderate(block, names)
    _varied(block.values, choice)
    return Table(
        name=name,
        source=source,
        features=block.values[:, :-1],
        target=block.values[:, -1],
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
    block: Block, names: Sequence[str], source: str, *, drop_missing: bool
) -> tuple[Block, tuple[str, ...]]:
    """The block without its rows that hold a value that is not finite, and a note; or a DataError."""
    if np.isfinite(block.squares).all():
        return block, ()
    suspects = np.flatnonzero(~np.isfinite(block.squares)).tolist()
    bad = {names[index]: ~np.isfinite(block.values[:, index]) for index in suspects}
    bad = {name: mask for name, mask in bad.items() if mask.any()}
    if not bad:  # only the sum overflowed: some value is too large, which is told further on
        return block, ()
    rows: NDArray[np.bool_] = np.logical_or.reduce(list(bad.values()))
    count, total = int(rows.sum()), len(rows)
    words = _which(block, names, bad)
    where = row_list([int(row) + 1 for row in np.flatnonzero(rows)[:6]])
    if not drop_missing:
        columns = ", ".join(f"{name} ({int(mask.sum()):,})" for name, mask in bad.items())
        has = "has" if count == 1 else "have"
        raise DataError(
            f"{count:,} of {counted(total, 'row')} {has} {words}: {columns}; {where}, {_ROWS_EXPLAINED}. "
            f"Leave such rows out with --drop-missing (in Python drop_missing=True), or fill them in."
        )
    _enough_rows(total - count, source, f" after leaving out {count:,} with {words} in {', '.join(bad)}")
    note = f"{count:,} of {counted(total, 'row')} dropped: {words} in {', '.join(bad)} ({where})"
    return keep_rows(block, ~rows), (note,)


def _which(block: Block, names: Sequence[str], bad: dict[str, NDArray[np.bool_]]) -> str:
    """``missing values``, ``infinite values`` or both."""
    columns = [block.values[:, names.index(name)] for name in bad]
    missing = any(bool(np.isnan(column).any()) for column in columns)
    infinite = any(bool(np.isinf(column).any()) for column in columns)
    return "missing or infinite values" if missing and infinite else f"{'missing' if missing else 'infinite'} values"


def _moderate(block: Block, names: Sequence[str]) -> None:
    for index in np.flatnonzero(~(block.squares < SQUARE_LIMIT)).tolist():
        column = block.values[:, index]
        row = int(np.argmax(np.abs(column)))
        if abs(column[row]) >= VALUE_LIMIT:
            raise DataError(
                f'Column "{names[index]}" holds {column[row]:.4g} in row {row + 1}, {_ROWS_EXPLAINED}: '
                f"values beyond ±{VALUE_LIMIT:g} cannot be squared. Change the unit, or leave the row out."
            )


def _varied(values: Floats, choice: Choice) -> None:
    for name, column in zip(choice.features, values.T, strict=False):
        if _constant(column):
            raise DataError(
                f'The feature "{name}" is constant ({column[0]:.6g} in every row): its weight cannot be '
                f"told from the bias. Leave it out: name the others with --features (in Python features=)."
            )
    target = values[:, -1]
    if _constant(target):
        raise DataError(
            f'The target "{choice.target}" is constant ({target[0]:.6g} in every row): there is nothing to '
            f"learn. Choose another column as the target."
        )


def _constant(column: Floats) -> bool:
    """Whether all values are equal; a look at the first ones settles it for nearly every column."""
    return bool((column[:64] == column[0]).all() and (column == column[0]).all())
