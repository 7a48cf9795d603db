"""Parquet and JSON lines read a batch at a time, so that a file may be larger than memory.

A Parquet file is read a row group at a time, and of it the chosen columns only: what its writer put together is the
least that has to be in memory. JSON lines are looked through once beforehand, for the types of their columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fallline._data._blocks import Chunk
from fallline._data._columns import Column
from fallline._data._nesting import refuse_deep
from fallline._data._polars_frame import chunk_of_polars, kind_of_dtype
from fallline._data._source import Kind, ReadInWholeError, Source, demand_numeric
from fallline._data._text import kind_of_text
from fallline._data._typed_files import open_json_lines, open_parquet

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class StreamedFile:
    """A file of which only the types of the columns are known yet."""

    scan: "polars.LazyFrame"
    label: str
    name: str
    kinds: Mapping[str, Kind]
    whole: Callable[[], Source]
    """Reads all of it into memory."""
    texts: frozenset[str] = frozenset()
    """Columns of text that may stand for numbers."""
    notes: tuple[str, ...] = ()

    def rows(self) -> int:
        """N, as a Parquet file says itself: none of its values is read for that."""
        import polars as pl

        return int(self.scan.select(pl.len()).collect().item())

    def numbers(self, names: Sequence[str]) -> tuple[Column, ...]:
        """The columns [C] of the whole file; see :class:`~fallline._data._source.Source`."""
        return self.whole().numbers(names)

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """The columns [C] a batch at a time; see :class:`~fallline._data._source.Source`."""
        import polars as pl

        if not self.texts.isdisjoint(names):
            raise ReadInWholeError
        demand_numeric(self.kinds, names)
        try:
            for batch in self.scan.select(names).collect_batches(maintain_order=True, engine="streaming"):
                yield chunk_of_polars(batch.iter_columns())
        except pl.exceptions.PolarsError as error:
            raise ReadInWholeError from error  # and there it is said what is wrong with the file


def stream_parquet(path: Path, label: str) -> Source:
    """Look at the columns of a Parquet file."""
    import polars as pl

    scan = pl.scan_parquet(path, glob=False)
    try:
        schema = scan.collect_schema()
    except pl.exceptions.PolarsError:
        return open_parquet(path, label)
    kinds = {name: kind_of_dtype(dtype) for name, dtype in schema.items()}
    return StreamedFile(scan, label, path.stem, kinds, lambda: open_parquet(path, label))


def stream_json_lines(path: Path, label: str) -> Source:
    """Look through a file of one JSON object per line; only its columns of text have to be in memory for that."""
    import polars as pl

    refuse_deep(path, label)
    scan = pl.scan_ndjson(path, infer_schema_length=None)
    try:
        schema = scan.collect_schema()
        texts = frozenset(name for name, dtype in schema.items() if dtype == pl.String)
        held = scan.select(sorted(texts)).collect() if texts else pl.DataFrame()
    except pl.exceptions.PolarsError:
        return open_json_lines(path, label)
    kinds = {
        name: kind_of_text(held[name].drop_nulls()) if name in texts else kind_of_dtype(dtype)
        for name, dtype in schema.items()
    }
    return StreamedFile(scan, label, path.stem, kinds, lambda: open_json_lines(path, label), texts)
