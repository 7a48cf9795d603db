"""Fewer points for the same chart."""

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats
from fallline._view._simplify import kept_points

_PICTURE = (900.0, 360.0)  # pixels a chart may fill: lines stay true to a third of one of them
_TOLERANCE = 1 / 3


def thinned(x: Floats, y: Floats, log_x: bool, log_y: bool) -> NDArray[np.int64]:
    """Indices of the points that a drawn line needs; values that are not finite are kept, and so are their neighbours.

    >>> thinned(np.arange(5.0), np.array([0.0, 1.0, 2.0, 3.0, 9.0]), False, False).tolist()
    [0, 3, 4]
    """
    across, up = _scaled(x, log_x), _scaled(y, log_y)
    drawn = np.isfinite(across) & np.isfinite(up)
    line = np.stack([_pixels(across, drawn, _PICTURE[0]), _pixels(up, drawn, _PICTURE[1])], axis=1)
    keep = ~drawn
    places = np.flatnonzero(drawn)
    pieces = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    for piece in pieces:
        keep[piece[kept_points(line[piece], _TOLERANCE)]] = True
    return np.flatnonzero(keep)


def _scaled(values: Floats, logarithmic: bool) -> Floats:
    if not logarithmic:
        return values
    with np.errstate(all="ignore"):
        return np.asarray(np.log(values), dtype=np.float64)


def _pixels(values: Floats, drawn: NDArray[np.bool_], room: float) -> Floats:
    known = values[drawn]
    span = float(np.ptp(known)) if len(known) else 0.0
    shifted = np.where(drawn, values, 0.0) - (float(known.min()) if len(known) else 0.0)
    return np.asarray(shifted / span * room if span > 0.0 else shifted, dtype=np.float64)  # room / span may be infinite
