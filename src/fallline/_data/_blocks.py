"""Columns that arrive in chunks of any size, cut into blocks that stay in the processor's cache.

The blocks don't depend on the chunks: a file and an array of the same numbers give the same blocks, so everything
that is worked out from them is the same to the last bit.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats

Chunk: TypeAlias = "tuple[NDArray[Any], ...]"
"""[C] arrays [n] of one length and any real dtype, which are read and never altered; missing is NaN."""

BLOCK_NUMBERS = 131_072
"""In a block, at most: 1 MiB."""
FEWEST_ROWS = 1_024


def block_rows(columns: int) -> int:
    """Rows in a full block: the largest power of two that keeps it to BLOCK_NUMBERS, and no less than FEWEST_ROWS.

    >>> block_rows(2), block_rows(9), block_rows(1000)
    (32768, 8192, 1024)
    """
    return 1 << max(BLOCK_NUMBERS // (columns + 1), FEWEST_ROWS).bit_length() - 1


def blocks(chunks: Iterable[Chunk], columns: int) -> Iterator[Floats]:
    """Blocks [C + 1, n] of float64, one column of the table in each row and ones in the last; n ≤ :func:`block_rows`.

    It is the same memory each time: whoever takes a block may alter it and must be done with it before the next.

    >>> chunks = [(np.array([1, 2]), np.array([3.0, 4.0])), (np.array([5]), np.array([6.0]))]
    >>> [block.copy() for block in blocks(chunks, 2)]
    [array([[1., 2., 5.],
           [3., 4., 6.],
           [1., 1., 1.]])]
    """
    most = block_rows(columns)
    memory = np.empty((columns + 1, most))
    filled = 0
    for chunk in chunks:
        rows, taken = len(chunk[0]), 0
        while taken < rows:
            count = min(rows - taken, most - filled)
            for place, column in zip(memory[:-1], chunk, strict=True):
                place[filled : filled + count] = column[taken : taken + count]
            taken, filled = taken + count, filled + count
            if filled == most:
                memory[-1] = 1.0
                yield memory
                filled = 0
    if filled:
        memory[-1] = 1.0
        yield memory[:, :filled]
