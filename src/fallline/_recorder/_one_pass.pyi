"""Compiled from _one_pass.c where a C compiler was at hand.

Addresses are taken on trust: whoever calls holds the tensors that lie there. The ``plan`` is an int64 array
[tensors, 2] of how many numbers each tensor has, and the column of the sums that it adds to.
"""

from typing import Any

import numpy as np

def gather(
    addresses: list[int], plan: np.ndarray[Any, np.dtype[np.int64]], into: np.ndarray[Any, np.dtype[Any]], /
) -> None:
    """Copy tensor after tensor to ``into``, float32 or float64; one with the address 0 is zeros.

    Raises:
        TypeError, ValueError: the plan does not fit the addresses or the buffer.
    """

def update_sums(
    addresses: list[int],
    gradients: list[int],
    plan: np.ndarray[Any, np.dtype[np.int64]],
    kept: np.ndarray[Any, np.dtype[Any]],
    columns: int,
    /,
) -> list[float]:
    """[4 × columns] |g|², |Δθ|², |θ|² before, g · Δθ; ``kept``, the parameters before, becomes the update Δθ.

    A gradient with the address 0 is zeros.

    Raises:
        TypeError, ValueError: the plan does not fit the addresses or the buffer, or a parameter has the address 0.
    """
