"""Fewer points for the same drawn line (Ramer 1972, Douglas and Peucker 1973)."""

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats


def simplified(line: Floats, tolerance: float) -> Floats:
    """The points of a polyline [n, 2] needed to stay within ``tolerance`` of all of them; ends are kept.

    >>> simplified(np.array([[0.0, 0.0], [1.0, 0.001], [2.0, 0.0], [2.0, 2.0]]), 0.01)
    array([[0., 0.],
           [2., 0.],
           [2., 2.]])
    """
    return line[kept_points(line, tolerance)]


def kept_points(line: Floats, tolerance: float) -> NDArray[np.int64]:
    """Indices of the points that :func:`simplified` keeps."""
    count = len(line)
    if count <= 2:
        return np.arange(count)
    keep = np.zeros(count, dtype=np.bool_)
    keep[[0, -1]] = True
    pending = [(0, count - 1)]
    if (line[0] == line[-1]).all():  # a closed ring has no chord: cut it where it is furthest from its start
        turn = int(((line - line[0]) ** 2).sum(axis=1).argmax())
        keep[turn] = True
        pending = [(0, turn), (turn, count - 1)]
    while pending:
        first, last = pending.pop()
        if last - first < 2:
            continue
        away = _from_segment(line[first + 1 : last], line[first], line[last])
        worst = int(away.argmax())
        if away[worst] > tolerance * tolerance:
            middle = first + 1 + worst
            keep[middle] = True
            pending += [(first, middle), (middle, last)]
    return np.flatnonzero(keep)


def _from_segment(points: Floats, a: Floats, b: Floats) -> Floats:
    """[n] squared distance of points [n, 2] from the segment a b."""
    along, offset = b - a, points - a
    length = float(along @ along)
    if length > 0.0:
        share = np.clip(offset @ along / length, 0.0, 1.0)
        offset = offset - share[:, None] * along
    return np.asarray((offset * offset).sum(axis=1), dtype=np.float64)
