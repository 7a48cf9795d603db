"""The checks of :func:`~fallline._data._checks.checked_table`, made on blocks as they pass by."""

import numpy as np
from numpy.typing import NDArray

from fallline._data._checks import VALUE_LIMIT, Missing, constant_feature, constant_target, enough_rows, too_large
from fallline._data._source import Choice
from fallline._records import Floats

_FIRST_ROWS = 6


class Screen:
    """Looks at every block of the chosen columns [C = D + 1], lets sound rows through, and keeps what was wrong."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._names = (*choice.features, choice.target)
        self._seen = 0
        self._bad = np.zeros(len(self._names), dtype=np.int64)
        self._bad_rows = 0
        self._first_bad: list[int] = []
        self._has_nan = self._has_infinity = False
        self._largest: list[tuple[float, int] | None] = [None] * len(self._names)
        self._low, self._high = np.full((2, len(self._names)), [[np.inf], [-np.inf]])

    def sound(self, block: Floats) -> tuple[Floats, tuple[Floats, Floats]]:
        """The block [C + 1, n] without the rows that miss a value, and the smallest and largest values [C] left."""
        rows = np.arange(self._seen, self._seen + block.shape[1])
        self._seen += block.shape[1]
        low, high = block[:-1].min(axis=1), block[:-1].max(axis=1)  # NaN where any value is
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            block, rows = self._without_missing(block, rows)
            if not len(rows):
                return block, (low, high)
            low, high = block[:-1].min(axis=1), block[:-1].max(axis=1)
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        for column in np.flatnonzero(np.maximum(high, -low) >= VALUE_LIMIT).tolist():
            at = int(np.argmax(np.abs(block[column])))
            before = self._largest[column]
            if before is None or abs(block[column, at]) > abs(before[0]):
                self._largest[column] = float(block[column, at]), int(rows[at])
        return block, (low, high)

    def _without_missing(self, block: Floats, rows: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
        finite = np.isfinite(block)
        good = finite.all(axis=0)
        self._bad += np.count_nonzero(~finite[:-1], axis=1)
        self._bad_rows += int(np.count_nonzero(~good))
        self._first_bad = [*self._first_bad, *rows[~good][:_FIRST_ROWS].tolist()][:_FIRST_ROWS]
        self._has_nan = self._has_nan or bool(np.isnan(block).any())
        self._has_infinity = self._has_infinity or bool(np.isinf(block).any())
        return np.compress(good, block, axis=1), rows[good]

    def hopeless(self, *, drop_missing: bool) -> bool:
        """True once the table is known to be refused: nothing more need be worked out from its blocks."""
        too_large = any(found is not None for found in self._largest)
        return too_large or (self._bad_rows > 0 and not drop_missing)

    def verdict(self, source: str, *, drop_missing: bool) -> tuple[str, ...]:
        """After the last block: a note on what was left out; or the DataError that a table in memory would get."""
        enough_rows(self._seen, source)
        notes: tuple[str, ...] = ()
        if self._bad_rows:
            missing = Missing(
                counts={name: int(count) for name, count in zip(self._names, self._bad, strict=True) if count},
                rows=self._bad_rows,
                first_rows=self._first_bad,
                total=self._seen,
                has_nan=self._has_nan,
                has_infinity=self._has_infinity,
            )
            if not drop_missing:
                raise missing.error()
            notes = (missing.note(source),)
        for name, found in zip(self._names, self._largest, strict=True):
            if found is not None:
                raise too_large(name, *found)
        for index in np.flatnonzero(self._low == self._high).tolist():  # the target comes last
            refusal = constant_target if index == len(self._names) - 1 else constant_feature
            raise refusal(self._names[index], float(self._low[index]))
        return notes
