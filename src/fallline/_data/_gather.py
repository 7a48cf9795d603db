"""One pass over the rows of any table, whatever its size."""

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fallline._data._blocks import Chunk, blocks
from fallline._data._columns import joined
from fallline._data._even_sample import EvenSample
from fallline._data._read import open_source
from fallline._data._running_moments import RunningMoments
from fallline._data._screen import Screen
from fallline._data._source import Choice, ReadInWholeError, choose
from fallline._data._table import Table
from fallline._data._table_moments import TableMoments
from fallline._errors import DataError
from fallline._records import Floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fallline._data._read import TableSource


def gather_table(
    source: "TableSource",
    *,
    target: str | None = None,
    features: str | Sequence[str] | None = None,
    drop_missing: bool = False,
    name: str | None = None,
    kept_numbers: int = 200_000,
) -> TableMoments:
    """The moments of N rows of D features and a target, gathered in one pass; and an even sample of the rows.

    It takes what :func:`fallline.read_table` takes, chooses the same columns and refuses the same tables in the same
    words. Arrays and tensors are read where they lie; files are read a batch at a time: Parquet by row groups, of the
    chosen columns only; CSV, TSV and JSON lines as long as their columns hold plain numbers, else in whole.

    ``source_hash`` begins with ``block-sums-sha256:``. It is of the number of columns and, for each block of rows
    in turn (8,192 of them where there are nine columns), of their count and each column's sum of its float64 bit
    patterns (mod 2⁶⁴): any one number that differs changes it; rows that trade places within a block do not, as they
    don't change the moments.

    The sample holds at most ``kept_numbers`` numbers. Raises :class:`~fallline.DataError` as ``read_table`` does.

    >>> gathered = gather_table({"x": [1, 2, 3], "y": [2.0, 4.0, 6.0]})
    >>> gathered.center, gathered.covariance.round(6)
    (array([2., 4.]), array([[0.666667, 1.333333],
           [1.333333, 2.666667]]))
    """
    opened = open_source(source, streamed=True)
    choice = choose(opened.kinds, target, features, opened.label)
    names = (*choice.features, choice.target)
    gathering = _Gathering(choice, kept_numbers, drop_missing=drop_missing)
    try:
        gathering.read(opened.chunks(names))
    except ReadInWholeError:
        gathering = _Gathering(choice, kept_numbers, drop_missing=drop_missing)
        gathering.read([tuple(map(joined, opened.numbers(names)))])
    notes = gathering.screen.verdict(opened.label, drop_missing=drop_missing)
    sample = gathering.sample.values
    moments = gathering.moments
    return TableMoments(
        name=opened.name if name is None else name,
        source=opened.label,
        source_hash=f"block-sums-sha256:{gathering.digest.hexdigest()}",
        feature_names=choice.features,
        target_name=choice.target,
        rows=moments.rows,
        center=moments.center,
        covariance=moments.covariance,
        low=moments.low,
        high=moments.high,
        sample_features=sample[:-1].T,
        sample_target=sample[-1],
        complete=gathering.sample.complete,
        notes=(*opened.notes, *choice.notes, *notes),
        drawn=source.drawn if isinstance(source, Table) else 0,
        seed=source.seed if isinstance(source, Table) else None,
    )


def gather_arrays(chunks: "Iterable[tuple[ArrayLike, ArrayLike]]") -> tuple[Floats, Floats]:
    """The means [D + 1] and the population covariance [D + 1, D + 1] of rows (features [n, D], target [n]) in chunks.

    Raises DataError where there is no row, or a value that is not finite.

    >>> gather_arrays([([[1.0]], [2.0]), ([[3.0]], [6.0])])
    (array([2., 4.]), array([[1., 2.],
           [2., 4.]]))
    """
    columns = ((*np.asarray(features).T, np.asarray(target)) for features, target in chunks)
    moments: RunningMoments | None = None
    first = next(columns, ())
    with np.errstate(invalid="ignore", over="ignore"):
        for block in blocks(itertools.chain([first], columns), len(first)) if first else ():
            moments = RunningMoments(len(first)) if moments is None else moments
            moments.add(block)
    if moments is None:
        raise DataError("There are no rows to take the moments of: expected at least one.")
    if not np.isfinite(moments.covariance).all():
        raise DataError("The features or the target hold a value that is missing, infinite or too large to be squared.")
    return moments.center, moments.covariance


class _Gathering:
    """What is taken from each block on the way."""

    def __init__(self, choice: Choice, kept_numbers: int, *, drop_missing: bool) -> None:
        self.columns = columns = len(choice.features) + 1
        self.screen = Screen(choice)
        self.moments = RunningMoments(columns)
        self.sample = EvenSample(max(2, kept_numbers // columns))
        self.digest = hashlib.sha256(f"{columns}".encode())
        self._drop_missing = drop_missing

    def read(self, chunks: Iterable[Chunk]) -> None:
        """Look at every row; once the table is known to be refused, only for what the refusal tells."""
        for block in blocks(chunks, self.columns):
            sound, bounds = self.screen.sound(block)
            if self.screen.hopeless(drop_missing=self._drop_missing) or sound.shape[1] == 0:
                continue
            self.digest.update(_bit_sums(sound))
            self.sample.add(sound[:-1])
            self.moments.add(sound, bounds)


def _bit_sums(block: Floats) -> bytes:
    """The number of rows and each column's sum of bit patterns, little-endian."""
    sums = np.add.reduce(block[:-1].view(np.uint64), axis=1)
    return np.append(sums, np.uint64(block.shape[1])).astype("<u8").tobytes()
