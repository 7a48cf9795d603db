"""The table a neuron is fitted to: numbers, names and where they came from."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fallline._data._columns import Column, joined, length, stacked
from fallline._records import Floats


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Checked numbers: finite, at least two rows, no constant column. They are read-only, and the table's alone.

    Made by :func:`fallline.read_table` and the rules (:func:`fallline.line` …), which do the checking.
    """

    name: str
    """Short and readable: ``line``, ``penguins``."""
    source: str
    """The rule, the path, or the kind of object the numbers came from."""
    feature_columns: tuple[Column, ...]
    """[D] columns of N numbers, in the pieces in which they were read."""
    target_column: Column
    feature_names: tuple[str, ...]
    """[D]"""
    target_name: str
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or guessed while reading."""
    drawn: int = 0
    """How many normal numbers the rule that made the table drew from the stream of ``seed``."""
    seed: int | None = None
    """None for a table that was not drawn."""

    @cached_property
    def features(self) -> Floats:
        """[N, D] stored column by column (Fortran order): each feature is contiguous. Made on first use."""
        return stacked(self.feature_columns)

    @cached_property
    def target(self) -> Floats:
        """[N]"""
        return joined(self.target_column)

    @cached_property
    def source_hash(self) -> str:
        """``sha256:…`` of the features' shape and the numbers, feature by feature, then the target."""
        digest = hashlib.sha256(f"{(self.rows, len(self.feature_columns))}".encode())
        for column in (*self.feature_columns, self.target_column):
            for piece in column:
                digest.update(np.ascontiguousarray(piece, dtype="<f8").data)
        return f"sha256:{digest.hexdigest()}"

    @property
    def rows(self) -> int:
        """N, the number of examples."""
        return length(self.target_column)

    def __repr__(self) -> str:
        features = ", ".join(self.feature_names)
        return f"<Table {self.name}: {self.rows} rows, {self.target_name} from {features}>"
