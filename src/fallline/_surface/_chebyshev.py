"""The loss on a rectangle from few nodes: Chebyshev interpolation, and how far it may be off.

Source: Trefethen 2013, "Approximation Theory and Approximation Practice", chapters 2 to 4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from fallline._records import Floats

FEWER: Final = {13: 10, 17: 13, 33: 25}
"""How many terms along each axis the comparison keeps, of so many nodes."""
EACH: Final = 12
"""Fresh points of each kind: where terms disagree, among the lowest cells, and anywhere."""
SHARE_OF_RANGE: Final = 0.01
LEAST: Final = 1e-6
"""Of the range: differences below are rounding, not error."""

_SCALES: Final[tuple[tuple[str, Callable[[Floats], Floats], Callable[[Floats], Floats]], ...]] = (
    ("the loss", np.asarray, np.asarray),
    ("the square root of the loss", np.sqrt, np.square),
    ("the logarithm of the loss", np.log, np.exp),
)


@dataclass(frozen=True)
class Interpolant:
    """The loss in every cell from a square of nodes."""

    of: str
    """What was interpolated: ``the loss``, or its root or logarithm, whichever its terms agree on best."""
    loss: Floats
    """[ny, nx]"""
    difference: Floats
    """[ny, nx] local relative difference from what fewer terms give."""


def nodes(count: int) -> Floats:
    """[count] Chebyshev points of the second kind on [−1, 1], falling; every other one is a node of half as many."""
    return np.cos(np.pi * np.arange(count) / (count - 1))


def interpolant(values: Floats, shape: tuple[int, int]) -> Interpolant | None:
    """Of values [n, n] at the nodes to ``shape = (nx, ny)`` evenly spaced cells; None where one is not finite.

    Where all values are positive, root and logarithm are interpolated as well, and that is kept on which the terms
    agree best: near a minimum a loss that spans decades is smoother there.
    """
    if not np.isfinite(values).all():
        return None
    best: Interpolant | None = None
    for name, forward, back in _SCALES if values.min() > 0.0 else _SCALES[:1]:
        with np.errstate(over="ignore", invalid="ignore"):
            all_terms = back(_at_cells(forward(values), shape, len(values)))
            fewer = back(_at_cells(forward(values), shape, FEWER[len(values)]))
            difference = np.abs(all_terms - fewer) / local_scale(all_terms)
        if not (np.isfinite(all_terms).all() and np.isfinite(difference).all()):
            continue
        if best is None or difference.max() < best.difference.max():
            best = Interpolant(name, all_terms, difference)
    return best


def local_scale(loss: Floats, of: Floats | None = None) -> Floats:
    """What a difference from ``loss`` is relative to: the loss there, or its excess where that is less.

    The excess is over the lowest of ``of`` (``loss`` itself unless told), and a hundredth of its range is added. A
    loss that can be negative has no relative error of its own: there it is the excess alone.
    """
    whole = loss if of is None else of
    low, high = float(whole.min()), float(whole.max())
    scale = np.maximum(0.0, loss - low) + SHARE_OF_RANGE * (high - low)
    if low >= 0.0:
        scale = np.minimum(scale, np.abs(loss))
    return np.maximum(scale, max(LEAST * (high - low), float(np.finfo(np.float64).tiny)))


def fresh_cells(found: Interpolant, seed: int) -> tuple[Floats, Floats]:
    """Rows and columns of cells to check: where the terms disagree most, low ones, and some anywhere."""
    draw = np.random.default_rng(seed)
    size = found.loss.size
    shuffled = draw.permutation(size)
    groups = np.array_split(shuffled, min(EACH, size))
    doubtful = [group[int(np.argmax(found.difference.flat[group]))] for group in groups]
    ranks = np.unique(np.geomspace(1, size, EACH).astype(np.int64)) - 1
    low = np.argsort(found.loss, axis=None, kind="stable")[ranks]
    chosen = np.unique(np.concatenate([doubtful, low, shuffled[:EACH]]).astype(np.int64))
    row, column = np.unravel_index(chosen, found.loss.shape)
    return np.asarray(row), np.asarray(column)


def _at_cells(values: Floats, shape: tuple[int, int], terms: int) -> Floats:
    """[ny, nx] the sum of the first ``terms`` × ``terms`` Chebyshev terms through values [n, n] at the nodes."""
    basis = np.linalg.inv(np.polynomial.chebyshev.chebvander(nodes(len(values)), len(values) - 1))[:terms]
    across, along = (np.polynomial.chebyshev.chebvander(np.linspace(-1, 1, n), terms - 1) @ basis for n in shape)
    return np.asarray(along @ values @ across.T, dtype=np.float64)
