"""Any table a person has, as a Table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fallline._data._arrays import is_tensor, open_matrix, open_pair
from fallline._data._checks import checked_table
from fallline._data._files import open_path
from fallline._data._frames import is_frame, open_columns, open_frame
from fallline._data._source import Kind, Source, choose
from fallline._data._table import Table
from fallline._errors import DataError

if TYPE_CHECKING:
    import torch
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    Array: TypeAlias = "NDArray[Any] | torch.Tensor"
    TableSource: TypeAlias = (
        "str | PathLike[str] | IntoFrame | Array | tuple[Array, Array] | Mapping[str, Any] | Table"
    )


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
    columns to learn from (None: every other numeric column; a note says what was left out). Missing and infinite
    values are refused unless ``drop_missing`` leaves out their rows. The source itself is never altered.

    Raises :class:`~fallline.DataError` with a sentence that says what was expected, what arrived, what to do.

    >>> read_table({"x": [1, 2, 3], "y": [2.0, 4.0, 6.5]}, target="y")
    <Table table: 3 rows, y from x>
    """
    if isinstance(source, Table):
        return _selected(source, target, features, name)
    opened = _open(source)
    choice = choose(opened.kinds, target, features, opened.label)
    block = opened.numbers((*choice.features, choice.target))
    return checked_table(
        block,
        choice,
        name=opened.name if name is None else name,
        source=opened.label,
        notes=opened.notes,
        drop_missing=drop_missing,
    )


def _open(source: Any) -> Source:
    if isinstance(source, (str, PathLike)):
        return open_path(Path(fspath(source)))
    if isinstance(source, tuple):
        return open_pair(source)
    if isinstance(source, np.ndarray) or is_tensor(source):
        return open_matrix(source)
    if isinstance(source, Mapping):
        return open_columns(source)
    if is_frame(source):
        return open_frame(source)
    if hasattr(source, "__array__") and not hasattr(source, "name"):
        return open_matrix(source)
    raise DataError(
        f"A {type(source).__name__} cannot be read as a table: expected a path, a data frame, an array "
        f"[N, D + 1], a pair of arrays (X, y), or a dictionary of columns."
    )


def _selected(
    table: Table, target: str | None, features: str | Sequence[str] | None, name: str | None
) -> Table:
    """The table itself, or a new one of its columns."""
    renamed = table if name is None else replace(table, name=name)
    if target is None and features is None:
        return renamed
    columns = dict(zip(table.feature_names, table.features.T, strict=True))
    columns[table.target_name] = table.target
    kinds = dict.fromkeys(columns, Kind.NUMBER)
    choice = choose(kinds, table.target_name if target is None else target, features, table.name)
    return replace(
        renamed,
        features=np.array([columns[feature] for feature in choice.features]).T,
        target=columns[choice.target].copy(),
        feature_names=choice.features,
        target_name=choice.target,
    )
