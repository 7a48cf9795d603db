"""The minima of a surface: those that are known, else those that starts lead to."""

from itertools import product

import numpy as np

from fallline._basins._settling import STILL, settled
from fallline._formulas import Formula
from fallline._records import Floats, Mask

SAME = 1e-3
"""Two ends this part of the square's side apart are one minimum."""
AS_LOW = 1e-9
FLAT = 1e-7
"""A curvature below this part of what the starts have is none: Newton's steps do not tell it from rounding."""
AROUND = 1e-2
"""So far from a bottom without curvature, as a part of the side, the ground has to be higher."""
MOST_DIAGONALS = 4
"""Of more parameters only the axes are looked along."""


def minima_of(formula: Formula, starts: Floats, side: float) -> Floats:
    """[M, P] every minimum that is known, else those that the starts [S, P] lead to; the lowest first, maybe none."""
    if formula.minima:
        return np.array(formula.minima)
    bottoms = _bottoms(formula, starts, side)
    minima: list[Floats] = []
    for bottom in bottoms[np.argsort(formula.loss(bottoms), kind="stable")] if len(bottoms) else bottoms:
        if all(np.linalg.norm(bottom - other) > SAME * side for other in minima):
            minima.append(bottom)
    return np.array(minima).reshape(-1, starts.shape[1])


def _bottoms(formula: Formula, starts: Floats, side: float) -> Floats:
    """[K, P] the level places with higher ground all around to which the starts lead, many of them the same."""
    none = np.empty((0, starts.shape[1]))
    with np.errstate(all="ignore"):
        steepest = _sharpest(formula, starts)
        if not (steepest > 0).any():
            return none
        usual = float(np.quantile(steepest[steepest > 0], 0.9))
        ends = settled(formula, starts, 1 / usual, side)
        ends = ends[np.isfinite(ends).all(axis=1)]
        if not len(ends):
            return none
        values = np.asarray(np.linalg.eigvalsh(np.nan_to_num(formula.hessians(ends))))
        level = np.linalg.norm(formula.gradient(ends), axis=1) < STILL * np.maximum(1.0, values[:, -1])
        curved = values[:, 0] > FLAT * usual
        doubtful = level & ~curved & (values[:, 0] >= -FLAT * usual)
        rises: Mask = np.zeros(len(ends), dtype=np.bool_)
        rises[doubtful] = _higher_around(formula, ends[doubtful], AROUND * side)
        return np.asarray(ends[level & (curved | rises)])


def _sharpest(formula: Formula, points: Floats) -> Floats:
    """[S] the largest curvature at each point [S, P]."""
    return np.asarray(np.linalg.eigvalsh(np.nan_to_num(formula.hessians(points)))[:, -1])


def _higher_around(formula: Formula, points: Floats, away: float) -> Mask:
    """[K] True where the loss is higher at this distance along every axis and every diagonal of [K, P]."""
    size = points.shape[1]
    ways = np.array(list(product((-1.0, 0.0, 1.0), repeat=size))) if size <= MOST_DIAGONALS else np.eye(size)
    ways = ways[np.abs(ways).sum(axis=1) > 0]
    ways = np.concatenate((ways, -ways)) * away
    here = formula.loss(points)
    around = formula.loss((points[:, None] + ways[None]).reshape(-1, size)).reshape(len(points), len(ways))
    return np.asarray((around > here[:, None]).all(axis=1))


def as_low(losses: Floats) -> Mask:
    """[M] True for a minimum that is as low as the lowest, to a billionth.

    >>> as_low(np.array([0.0, 1e-12, 0.5])).tolist()
    [True, True, False]
    """
    lowest = float(losses.min())
    return np.asarray(losses - lowest <= AS_LOW * max(1.0, abs(lowest)))


def sharpest_limit(formula: Formula, minima: Floats) -> float:
    """2/λ of the sharpest of the minima [M, P]: the stability limit of plain SGD there."""
    return 2 / float(np.linalg.eigvalsh(formula.hessians(minima))[:, -1].max())
