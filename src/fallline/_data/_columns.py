"""Columns as a reader hands them over: float64 in pieces, which nothing alters, so nothing has to copy them.

A file of a million rows is read in pieces; joining them costs about as much as a fifth of reading them. They
are joined where a job needs them in one array, and there straight into their place.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats

Column: TypeAlias = tuple[Floats, ...]
"""[N] in pieces, in order and read-only, none of them empty; missing is NaN."""

_LARGE = 200_000
"""Numbers from which two threads look through them faster than one."""


def copied(arrays: Iterable[NDArray[np.generic]]) -> tuple[Column, ...]:
    """Arrays [N] of numbers that belong to somebody else, as columns of our own.

    >>> copied([np.array([1, 2])])
    ((array([1., 2.]),),)
    """
    return tuple((frozen(np.array(array, dtype=np.float64)),) for array in arrays)


def frozen(array: Floats) -> Floats:
    """The array itself, made read-only."""
    array.flags.writeable = False
    return array


def joined(column: Column) -> Floats:
    """The column [N] in one piece: itself where it is in one, else a new array.

    >>> joined((np.array([1.0]), np.array([2.0, 3.0])))
    array([1., 2., 3.])
    """
    return column[0] if len(column) == 1 else frozen(np.concatenate(column))


def stacked(columns: Sequence[Column]) -> Floats:
    """The columns side by side [N, C], each contiguous (Fortran order); a single one is not copied if in one piece.

    >>> stacked([(np.array([1.0, 2.0]),), (np.array([3.0]), np.array([4.0]))])
    array([[1., 3.],
           [2., 4.]])
    """
    if len(columns) == 1:
        return joined(columns[0])[:, np.newaxis]
    stored = np.empty((len(columns), length(columns[0])))
    for row, column in zip(stored, columns, strict=True):
        np.concatenate(column, out=row)
    return frozen(stored.T)


def length(column: Column) -> int:
    """N."""
    return sum(len(piece) for piece in column)


def sums_of_squares(columns: Sequence[Column]) -> Floats:
    """The sum of squares of each column [C]: infinite or NaN where a value is, or where one is huge.

    The cheapest question that finds every bad number: one pass, and no copy.

    >>> sums_of_squares([(np.array([1.0, 2.0]),), (np.array([3.0, np.nan]),)])
    array([ 5., nan])
    """
    if len(columns) * length(columns[0]) < _LARGE:
        return np.array([_sum_of_squares(column) for column in columns])
    with ThreadPoolExecutor(2) as pool:
        return np.array(list(pool.map(_sum_of_squares, columns)))


def _sum_of_squares(column: Column) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        # einsum and not dot: the threads of BLAS would go on spinning beside those of the reader.
        return float(sum(np.einsum("i,i->", piece, piece) for piece in column))
