"""A table reduced to its moments: all that a linear model under the squared error ever asks of it."""

from dataclasses import dataclass

import numpy as np

from fallline._errors import DataError
from fallline._records import Floats, Scaling


@dataclass(frozen=True, eq=False, repr=False)
class TableMoments:
    """The moments of a table's rows, and a few of the rows. Made by :func:`gather_table`, which does the checking."""

    name: str
    """Short and readable: ``penguins``."""
    source: str
    """The path, or the kind of object the numbers came from."""
    source_hash: str
    """``block-sums-sha256:…`` see :func:`gather_table`."""
    feature_names: tuple[str, ...]
    """[D]"""
    target_name: str
    rows: int
    """N, of which none has to be in memory any more."""
    center: Floats
    """[D + 1] means, the target's last, in the table's units."""
    covariance: Floats
    """[D + 1, D + 1] mean products of deviations (population), in the table's units."""
    low: Floats
    """[D + 1] smallest values."""
    high: Floats
    """[D + 1] largest values."""
    sample_features: Floats
    """[M, D] evenly spaced rows, M ≤ N."""
    sample_target: Floats
    """[M]"""
    complete: bool
    """True where the sample is all rows."""
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or guessed while reading."""
    drawn: int = 0
    """How many normal numbers the rule that made the table drew from the stream of ``seed``."""
    seed: int | None = None
    """None for a table that was not drawn."""

    @property
    def scaling(self) -> Scaling:
        """What shifts the features to mean 0 and divides them by their population standard deviation.

        Raises DataError for a feature whose deviations vanish when squared.
        """
        variance = np.diag(self.covariance)[:-1]
        for name, value in zip(self.feature_names, variance.tolist(), strict=True):
            if not value >= np.finfo(np.float64).tiny:
                raise DataError(
                    f'The feature "{name}" varies by so little that the squares of its deviations vanish: '
                    f"change its unit."
                )
        return Scaling(tuple(self.center[:-1].tolist()), tuple(np.sqrt(variance).tolist()))

    def __repr__(self) -> str:
        features = ", ".join(self.feature_names)
        return f"<TableMoments {self.name}: {self.rows} rows, {self.target_name} from {features}>"
