"""A Polars frame as a source: what files become, and what a Polars user passes. It needs no narwhals."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fallline._data._blocks import Chunk
from fallline._data._columns import Column, copied, frozen
from fallline._data._source import NUMERIC, Kind, ReadInWholeError, demand_numeric, not_numeric
from fallline._data._text import kind_of_text, numbers_from_text

if TYPE_CHECKING:
    import polars

CHUNK_ROWS = 65_536


@dataclass(frozen=True)
class PolarsSource:
    """A Polars frame in memory."""

    frame: "polars.DataFrame"
    label: str
    name: str
    kinds: Mapping[str, Kind]
    is_ours: bool = False
    """Whether nobody else holds the frame, as when it was just read: then its numbers need no copy."""
    text_as_numbers: bool = False
    """Whether text may stand for numbers, as in a file that has no types."""
    notes: tuple[str, ...] = ()

    def numbers(self, names: Sequence[str]) -> tuple[Column, ...]:
        """The columns [C] as float64, missing as NaN; see :class:`~fallline._data._source.Source`."""
        import polars as pl

        chosen = self.frame.select(names)
        for name in names:
            is_text = self.text_as_numbers and chosen[name].dtype == pl.String
            if self.kinds[name] not in NUMERIC and not is_text:
                raise not_numeric(name, self.kinds[name])
        text = [numbers_from_text(column) for column in chosen.iter_columns() if column.dtype == pl.String]
        numbers = (chosen.with_columns(text) if text else chosen).cast(pl.Float64)
        return columns_of_polars(numbers) if self.is_ours else copied(c.to_numpy() for c in numbers.iter_columns())

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """The frame's own pieces of the columns [C]; see :class:`~fallline._data._source.Source`."""
        import polars as pl

        chosen = self.frame.select(names)
        if self.text_as_numbers and any(dtype == pl.String for dtype in chosen.dtypes):
            raise ReadInWholeError
        demand_numeric(self.kinds, names)
        for some in chosen.iter_slices(CHUNK_ROWS):
            yield chunk_of_polars(some.iter_columns())


def chunk_of_polars(columns: "Iterable[polars.Series]") -> Chunk:
    """Columns as arrays [n], missing as NaN: float32 stays float32, everything else becomes float64."""
    return tuple(map(_array, columns))


def _array(column: "polars.Series") -> "np.ndarray[Any, Any]":
    import polars as pl

    if column.dtype in (pl.Float32, pl.Float64):
        return column.to_numpy()  # without a copy where no value is missing
    return column.cast(pl.Float64).to_numpy()


def polars_source(
    frame: "polars.DataFrame",
    label: str,
    name: str = "table",
    *,
    is_ours: bool = False,
    text_as_numbers: bool = False,
) -> PolarsSource:
    """Look at the columns of a Polars frame; with ``text_as_numbers`` also at what its text stands for."""
    kinds = {name: kind_of_dtype(dtype) for name, dtype in frame.schema.items()}
    if text_as_numbers:
        for column in [column for column, kind in kinds.items() if kind is Kind.TEXT]:
            kinds[column] = kind_of_text(frame[column].drop_nulls())
    return PolarsSource(frame, label, name, kinds, is_ours, text_as_numbers)


def is_polars(source: object) -> bool:
    """Whether it is a Polars frame, eager or lazy. Polars is only looked up: its owner has imported it."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(source, (polars.DataFrame, polars.LazyFrame))


def open_polars(source: "polars.DataFrame | polars.LazyFrame") -> PolarsSource:
    """A frame that somebody passed; a lazy one is collected."""
    frame = source.lazy().collect()
    return polars_source(frame, "the polars data frame")


def columns_of_polars(frame: "polars.DataFrame") -> tuple[Column, ...]:
    """The columns [C] of a frame of float64, null as NaN; pieces without a null share the frame's memory."""
    return tuple(
        tuple(frozen(piece.to_numpy()) for piece in column.get_chunks() if len(piece) > 0)
        for column in frame.iter_columns()
    )


def kind_of_dtype(dtype: "polars.DataType") -> Kind:
    """What a typed column holds."""
    import polars as pl

    families = (
        (dtype.is_numeric(), Kind.NUMBER),
        (dtype == pl.Boolean, Kind.BOOLEAN),
        (dtype.is_temporal(), Kind.DATE),
        (dtype.is_nested(), Kind.NESTED),
        (dtype in (pl.String, pl.Categorical, pl.Enum), Kind.TEXT),
        (dtype == pl.Null, Kind.EMPTY),
    )
    return next((kind for belongs, kind in families if belongs), Kind.OTHER)
