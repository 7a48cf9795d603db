"""Of the runs of several seeds at one rate, the one that everything is said of: the middle one.

Shapes: K seeds, S kept steps, B rates.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats, Mask


def middle_seed(diverged: Mask, reached: Floats, ends: Floats) -> NDArray[np.int64]:
    """[B] which of K runs [K, B] is the middle one, of two the worse.

    Worse is one that diverged, then one that took longer to the goal (∞ where it missed it), then one that ends higher.

    >>> middle_seed(np.array([[False], [True], [False]]), np.array([[3.0], [np.inf], [5.0]]), np.zeros((3, 1)))
    array([2])
    """
    worst_last = np.lexsort((np.where(np.isnan(ends), np.inf, ends), reached, diverged), axis=0)
    return np.asarray(worst_last[len(ends) // 2])


def of_seeds(values: NDArray[Any], seeds: NDArray[np.int64]) -> NDArray[Any]:
    """[…, B] of values [K, …, B] those of the seed chosen for each rate."""
    return np.asarray(np.moveaxis(values, -1, 0)[np.arange(len(seeds)), seeds].T)


def middle_run(runs: Floats, seeds: NDArray[np.int64]) -> Floats:
    """[S, B] of runs [K, S, B] the middle one of each rate."""
    return np.asarray(runs[0]) if len(runs) == 1 else of_seeds(runs, seeds)
