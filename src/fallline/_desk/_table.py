"""The table that settings name, with what was dragged, added and taken away on the page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fallline._data import Table, line, read_table, with_outliers
from fallline._desk._client import Client, Reply
from fallline._desk._settings import MOST_POINTS, Edit, LineData, PointsData, Settings, UploadData
from fallline._desk._tables import Tables
from fallline._errors import OptionError
from fallline._records import Floats


@dataclass(frozen=True, eq=False)
class PageTable:
    """A table as the page shows it."""

    table: Table
    numbers: NDArray[np.int64]
    """[N] the number of each row: edits speak of rows by it, and it stays when others are removed."""
    file: str | None = None
    """The name of an uploaded file."""


def table_told(request: Mapping[str, object], client: Client) -> Reply:
    """Answer kind ``table``: ``{"payload": {id, name, rows, columns, target, features}}``, for who has its link.

    Raises:
        OptionError: it is not kept (any longer).
    """
    return {"payload": client.tables.about(str(request.get("table")))}


def page_table(settings: Settings, tables: Tables) -> PageTable:
    """The rule's, the points', or the uploaded table, and the edits done to it.

    Raises:
        DataError: the table cannot be trained on.
        OptionError: the upload is gone, or an edit speaks of a row that is not there.

    >>> page_table(Settings(edits=((0, None, None), (None, 3.0, 9.0))), Tables()).numbers[[0, -1]].tolist()
    [1, 100]
    """
    base = _base(settings, tables)
    file = tables.file(settings.data.table) if isinstance(settings.data, UploadData) else None
    if not settings.edits:
        return PageTable(base, np.arange(base.rows), file)
    if len(base.feature_names) != 1:
        raise OptionError(f"Points can be moved where there is one feature; this table has {len(base.feature_names)}.")
    if base.rows > MOST_POINTS:
        raise OptionError(f"Points can be moved among up to {MOST_POINTS:,} rows; this table has {base.rows:,}.")
    x, y, numbers = _edited(base.features[:, 0], base.target, settings.edits)
    feature, target = base.feature_names[0], base.target_name
    table = read_table((x[:, None], y), name=base.name)
    named = replace(
        table,
        feature_names=(feature,),
        target_name=target,
        source=f"{base.source}, {len(settings.edits)} edit{'s' if len(settings.edits) != 1 else ''}",
        notes=base.notes,
        drawn=base.drawn,
        seed=base.seed,
    )
    return PageTable(named, numbers, file)


def _base(settings: Settings, tables: Tables) -> Table:
    data = settings.data
    if isinstance(data, LineData):
        made = line(data.slope, data.intercept, data.noise, points=data.points, seed=settings.seed)
        return with_outliers(made, data.outliers, seed=settings.seed) if data.outliers else made
    if isinstance(data, PointsData):
        return read_table({"x": list(data.x), "y": list(data.y)}, target="y", name="points")
    return tables.table(data.table, target=data.target, features=data.features, drop_missing=data.drop_missing)


def _edited(x: Floats, y: Floats, edits: tuple[Edit, ...]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The columns after the edits, and the rows' numbers; the columns themselves are left as they are."""
    total = len(x) + sum(1 for row, _, _ in edits if row is None)
    xs, ys = np.full(total, np.nan), np.full(total, np.nan)
    xs[: len(x)], ys[: len(y)] = x, y
    here = np.zeros(total, dtype=np.bool_)
    here[: len(x)] = True
    added = len(x)
    for row, to_x, to_y in edits:
        place = added if row is None else row
        if row is None:
            added += 1
            here[place] = True
        elif row >= added or not here[row]:
            raise OptionError(f"There is no point {row:,} to move: the rows are counted from 0.")
        if to_x is None or to_y is None:
            here[place] = False
        else:
            xs[place], ys[place] = to_x, to_y
    return xs[here], ys[here], np.flatnonzero(here)
