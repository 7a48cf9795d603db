"""Any table a person has, as a Table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fallline._data._arrays import is_tensor, open_matrix, open_pair
from fallline._data._checks import checked_table
from fallline._data._files import open_path
from fallline._data._frames import is_frame, open_columns, open_frame
from fallline._data._polars_frame import is_polars, open_polars
from fallline._data._source import Kind, Source, choose
from fallline._data._table import Table
from fallline._data._table_columns import TableColumns
from fallline._errors import DataError

if TYPE_CHECKING:
    import torch
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    Array: TypeAlias = "NDArray[Any] | torch.Tensor"
    TableSource: TypeAlias = "str | PathLike[str] | IntoFrame | Array | tuple[Array, Array] | Mapping[str, Any] | Table"


def read_table(
    source: "TableSource",
    *,
    target: str | None = None,
    features: str | Sequence[str] | None = None,
    drop_missing: bool = False,
    name: str | None = None,
) -> Table:
    """Read N rows of D features and a target, in the units they come in, and check them.

    ``source`` is the path of a CSV, TSV, Parquet or JSON lines file; a data frame (pandas, Polars,
    PyArrow …); a NumPy array or tensor [N, D + 1] with the target last; a pair (X [N, D], y [N]); a
    dictionary of columns; or a Table. ``target`` is a column's name (None: the last column), ``features`` the
    columns to learn from (None: every other numeric column; a note says what was left out). Missing and
    infinite values are refused unless ``drop_missing`` leaves out their rows. The source is never altered.

    Raises :class:`~fallline.DataError` with a sentence that says what was expected, what arrived, what to do.

    >>> read_table({"x": [1, 2, 3], "y": [2.0, 4.0, 6.5]}, target="y")
    <Table table: 3 rows, y from x>
    """
    if isinstance(source, Table):
        return _selected(source, target, features, name)
    opened = open_source(source)
    choice = choose(opened.kinds, target, features, opened.label)
    columns = opened.numbers((*choice.features, choice.target))
    return checked_table(
        columns,
        choice,
        name=opened.name if name is None else name,
        source=opened.label,
        notes=opened.notes,
        drop_missing=drop_missing,
    )


def _is_array(source: object) -> bool:
    return isinstance(source, np.ndarray) or is_tensor(source)


def _is_array_like(source: object) -> bool:
    """Arrays of other libraries; a series, which has a name, is a single column."""
    return hasattr(source, "__array__") and not hasattr(source, "name")


_OPENERS: tuple[tuple[Callable[[object], bool], Callable[[Any], Source]], ...] = (
    (lambda source: isinstance(source, tuple), open_pair),
    (_is_array, open_matrix),
    (lambda source: isinstance(source, Mapping), open_columns),
    (is_polars, open_polars),
    (is_frame, open_frame),
    (_is_array_like, open_matrix),
)
"""Who opens what; the first that fits. Narwhals is asked late: asking imports it."""


def open_source(source: Any, *, streamed: bool = False) -> Source:
    """Find out what a source holds; of a file that is to be ``streamed`` no more is read than that takes."""
    if isinstance(source, (str, PathLike)):
        return open_path(Path(fspath(source)), streamed=streamed)
    if isinstance(source, Table):
        return TableColumns(source)
    for fits, opener in _OPENERS:
        if fits(source):
            return opener(source)
    kind = type(source).__name__
    one = "An" if kind[0] in "aeiou" else "A"
    raise DataError(
        f"{one} {kind} cannot be read as a table: expected a path, a data frame, an array "
        f"[N, D + 1], a pair of arrays (X, y), or a dictionary of columns."
    )


def _selected(table: Table, target: str | None, features: str | Sequence[str] | None, name: str | None) -> Table:
    """The table itself, or a new one of its columns."""
    renamed = table if name is None else replace(table, name=name)
    if target is None and features is None:
        return renamed
    columns = dict(zip(table.feature_names, table.feature_columns, strict=True))
    columns[table.target_name] = table.target_column
    kinds = dict.fromkeys(columns, Kind.NUMBER)
    choice = choose(kinds, table.target_name if target is None else target, features, table.name)
    return replace(
        renamed,
        feature_columns=tuple(columns[feature] for feature in choice.features),
        target_column=columns[choice.target],
        feature_names=choice.features,
        target_name=choice.target,
    )
