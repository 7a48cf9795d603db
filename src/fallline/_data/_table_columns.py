"""A Table that was made before, looked at as a source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fallline._data._blocks import Chunk
from fallline._data._columns import Column, joined
from fallline._data._source import Kind
from fallline._data._table import Table


@dataclass(frozen=True)
class TableColumns:
    """The columns of a Table, its target last."""

    table: Table

    @property
    def label(self) -> str:
        """What the table says of where it is from."""
        return self.table.source

    @property
    def name(self) -> str:
        """The table's own."""
        return self.table.name

    @property
    def notes(self) -> tuple[str, ...]:
        """The table's own."""
        return self.table.notes

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Numbers throughout."""
        return dict.fromkeys((*self.table.feature_names, self.table.target_name), Kind.NUMBER)

    def numbers(self, names: Sequence[str]) -> tuple[Column, ...]:
        """The table's own columns [C], which nothing alters; see :class:`~fallline._data._source.Source`."""
        own = dict(zip(self.table.feature_names, self.table.feature_columns, strict=True))
        own[self.table.target_name] = self.table.target_column
        return tuple(own[name] for name in names)

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """All of them in one; see :class:`~fallline._data._source.Source`."""
        yield tuple(map(joined, self.numbers(names)))
