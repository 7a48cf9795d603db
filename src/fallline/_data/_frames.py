"""Data frames of other libraries (by way of narwhals) and dictionaries of columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fallline._data._blocks import Chunk
from fallline._data._columns import Column, copied
from fallline._data._polars_frame import PolarsSource, polars_source
from fallline._data._source import Kind, demand_numeric
from fallline._data._words import listed
from fallline._errors import DataError

if TYPE_CHECKING:
    import narwhals

_CHUNK_ROWS = 65_536


@dataclass(frozen=True)
class FrameSource:
    """A data frame in memory."""

    frame: "narwhals.DataFrame[Any]"
    label: str
    name: str
    kinds: Mapping[str, Kind]
    notes: tuple[str, ...] = ()

    def numbers(self, names: Sequence[str]) -> tuple[Column, ...]:
        """Copies of the columns [C]; see :class:`~fallline._data._source.Source`."""
        demand_numeric(self.kinds, names)
        chosen = self.frame.select(*names)
        return copied(_pandas_or_arrow(chosen[name]) for name in names)

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """Rows of the columns [C], a few at a time; see :class:`~fallline._data._source.Source`."""
        demand_numeric(self.kinds, names)
        for first in range(0, len(self.frame), _CHUNK_ROWS):
            some = self.frame[first : first + _CHUNK_ROWS]
            yield tuple(_pandas_or_arrow(some[name]) for name in names)


def _pandas_or_arrow(series: "narwhals.Series[Any]") -> "np.ndarray[Any, Any]":
    """One column as float64, missing as NaN, whichever of its many ways the library marks a missing value."""
    import narwhals as nw

    return np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)


def is_frame(source: object) -> bool:
    """Whether narwhals knows this object as a data frame, eager or lazy."""
    from narwhals import dependencies as known

    return known.is_into_dataframe(source) or type(source).__name__ in ("LazyFrame", "DuckDBPyRelation")


def open_frame(source: Any) -> FrameSource:
    """Look at a data frame's columns. The frame itself is never altered."""
    import narwhals as nw

    library = type(source).__module__.split(".", 1)[0]
    label = f"the {library} data frame"
    names = [str(name) for name in getattr(source, "columns", [])] if library == "pandas" else []
    _check_names(names, label)
    if names and any(not isinstance(name, str) for name in source.columns):
        source = source.set_axis(names, axis=1)  # a new frame that shares its values
    frame: Any = nw.from_native(source)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    _check_names(frame.columns, label)
    kinds = {name: _kind(frame, name, dtype) for name, dtype in frame.schema.items()}
    return FrameSource(frame, label, "table", kinds)


def open_columns(source: Mapping[str, Any]) -> PolarsSource:
    """Look at a dictionary of columns (lists, arrays or tensors of one length)."""
    import polars as pl

    columns: dict[str, Any] = {}
    for name, values in source.items():
        if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
            raise DataError(f'Column "{name}" is a single {type(values).__name__}: expected a list or an array.')
        array = values if isinstance(values, (list, tuple)) else np.asarray(values)
        if isinstance(array, np.ndarray) and array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if isinstance(array, np.ndarray) and (array.ndim != 1 or array.dtype.kind == "c"):
            what = "complex numbers" if array.dtype.kind == "c" else f"the shape {array.shape}"
            raise DataError(f'Column "{name}" has {what}: expected one real number per row.')
        columns[str(name)] = array
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f'"{name}" has {length:,}' for name, length in lengths.items())
        raise DataError(f"The columns have different lengths ({told}): expected one value per row in each.")
    series = []
    for name, values in columns.items():
        try:
            series.append(pl.Series(name, values, strict=True))
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            series.append(pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String))
    return polars_source(pl.DataFrame(series), "the dictionary of columns")


def _check_names(names: Sequence[str], label: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"{label} has several columns named {listed(repeated)}: give each column its own name.")


def _kind(frame: "narwhals.DataFrame[Any]", name: str, dtype: "narwhals.dtypes.DType") -> Kind:
    """What a typed column holds."""
    import narwhals as nw

    families = (
        (dtype.is_numeric(), Kind.NUMBER),
        (dtype == nw.Boolean, Kind.BOOLEAN),
        (dtype.is_temporal(), Kind.DATE),
        (dtype.is_nested(), Kind.NESTED),
        (dtype in (nw.String, nw.Categorical, nw.Enum), Kind.TEXT),
    )
    for belongs, kind in families:
        if belongs:
            return kind
    native = str(getattr(frame[name].to_native(), "dtype", ""))
    if native.startswith("complex"):
        return Kind.COMPLEX
    return Kind.EMPTY if frame[name].null_count() == len(frame) else Kind.OTHER
