"""The table a neuron is fitted to: numbers, names and where they came from."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Checked numbers: finite, at least two rows, no constant column. The arrays belong to the table alone.

    Made by :func:`fallline.read_table` and the rules (:func:`fallline.line` …), which do the checking.
    """

    name: str
    """Short and readable: ``line``, ``penguins``."""
    source: str
    """The rule, the path, or the kind of object the numbers came from."""
    features: Floats
    """[N, D] stored column by column (Fortran order): each feature is contiguous."""
    target: Floats
    """[N]"""
    feature_names: tuple[str, ...]
    """[D]"""
    target_name: str
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or guessed while reading."""

    @cached_property
    def source_hash(self) -> str:
        """``sha256:…`` of the shape and the numbers, feature by feature, then the target."""
        digest = hashlib.sha256(f"{self.features.shape}".encode())
        for column in (*self.features.T, self.target):
            digest.update(np.ascontiguousarray(column, dtype="<f8").data)
        return f"sha256:{digest.hexdigest()}"

    @property
    def rows(self) -> int:
        """N, the number of examples."""
        return len(self.target)

    def __repr__(self) -> str:
        features = ", ".join(self.feature_names)
        return f"<Table {self.name}: {self.rows} rows, {self.target_name} from {features}>"
