"""Columns gathered into one array [N, C], column by column, while their sums of squares are taken.

The sum of squares is the cheapest question that finds every bad number: it is finite and below
:data:`SQUARE_LIMIT` only if all values of the column are finite and moderate.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fallline._data._table import Floats

VALUE_LIMIT = 1e150
"""Values from here on are refused: their squares, which loss and curvature need, near the end of float64."""
SQUARE_LIMIT = VALUE_LIMIT**2
_LARGE = 200_000
"""Numbers from which two threads gather faster than one."""


class Block(NamedTuple):
    """Numbers as they were read, not yet checked."""

    values: Floats
    """[N, C] in Fortran order; missing is NaN."""
    squares: Floats
    """[C] sum of squares, not finite where a value is not."""


Chunks = Sequence[NDArray[np.generic]]
"""One column in pieces, in order."""


def gather(columns: Sequence[Chunks], rows: int) -> Block:
    """Copy C columns, each given in pieces, into one new float64 array [N, C]; the pieces stay as they are.

    >>> gather([[np.array([1.0, 2.0])], [np.array([3]), np.array([4])]], rows=2).values
    array([[1., 3.],
           [2., 4.]])
    """
    stored = np.empty((len(columns), rows))
    squares = np.zeros(len(columns))

    def fill(index: int) -> None:
        start = 0
        for chunk in columns[index]:
            piece = stored[index, start : start + len(chunk)]
            piece[:] = chunk
            # einsum and not dot: the threads of BLAS would go on spinning beside those of the reader.
            squares[index] += np.einsum("i,i->", piece, piece)
            start += len(chunk)

    with np.errstate(over="ignore", invalid="ignore"):
        if rows * len(columns) < _LARGE:
            for index in range(len(columns)):
                fill(index)
        else:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(fill, range(len(columns))))
    return Block(stored.T, squares)


def keep_rows(block: Block, keep: NDArray[np.bool_]) -> Block:
    """The rows where ``keep`` [N] is True, as a new block."""
    return gather([[column[keep]] for column in block.values.T], int(keep.sum()))
