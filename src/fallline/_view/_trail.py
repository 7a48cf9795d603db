"""The whole path as one line for drawing, simplified to half a pixel where it can be seen."""

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats
from fallline._view._simplify import kept_points

_PIXEL = 1 / 600  # of the smallest window's side
_TOLERANCE = 0.5
MOST_POINTS = 4000
_SHIFT = 0.377  # of a cell: no border runs through the middle, where noise would cross it for ever
_FAR = 1e6  # window sides from the middle: beyond it every point is kept, none is measured against


def trail(uv: Floats, middle: Floats, sides: Floats, most: int = MOST_POINTS) -> list[Floats | None]:
    """The path [T + 1, 2] as points, None where it is broken by points that are not finite.

    Args:
        middle: [2] of the window with the highest magnification.
        sides: [2] its width and height; the tolerance is half of a six-hundredth of them, more on a path so
            tangled that it would need more than ``most`` points.
        most: points of each stretch that stays within sight.
    """
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(uv).all(axis=1))
    with np.errstate(over="ignore", invalid="ignore"):
        pixels = (uv - middle) / (sides * _PIXEL)
        near: NDArray[np.bool_] = np.logical_and(finite, (np.abs(pixels) < _FAR / _PIXEL).all(axis=1))
    keep = np.zeros(len(uv), dtype=np.bool_)
    keep[finite & ~near] = True
    for first, last in _runs(near):
        keep[first + _sparse(pixels[first:last], most)] = True
    points: list[Floats | None] = []
    broken = False
    for index in np.flatnonzero(keep | ~finite):
        if finite[index]:
            points.append(uv[index])
        elif not broken:
            points.append(None)
        broken = not finite[index]
    return points


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, last + 1) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _sparse(pixels: Floats, most: int) -> NDArray[np.int64]:
    """Indices that keep a path to half a pixel. Points of one cell are first reduced to one, so that 100,000
    steps of noise around a minimum cost no more than the picture they make.
    """
    cell = _TOLERANCE / 2
    chosen = _distinct(pixels, cell)
    while len(chosen) > most:
        cell *= 2
        chosen = _distinct(pixels, cell)
    kept: NDArray[np.int64] = chosen[kept_points(pixels[chosen], _TOLERANCE)]
    return kept


def _distinct(pixels: Floats, cell: float) -> NDArray[np.int64]:
    cells = np.floor(pixels / cell + _SHIFT)
    moved = (np.diff(cells, axis=0) != 0).any(axis=1)
    chosen = np.concatenate([[0], np.flatnonzero(moved) + 1])
    return chosen if chosen[-1] == len(pixels) - 1 else np.append(chosen, len(pixels) - 1)
