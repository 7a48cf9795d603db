"""Which rectangle of a plane is drawn."""

from typing import Final

import numpy as np

from fallline._errors import OptionError
from fallline._planes import Plane
from fallline._records import Floats

Side = tuple[float, float]
Extent = float | tuple[Side, Side] | None
MARGIN: Final = 0.15
"""Of the path's own width, to either side."""
NARROWEST: Final = 0.25
"""Of the other axis: a path along a line gets a picture with some width."""


def window_of(plane: Plane, extent: Extent, path: Floats | None) -> tuple[Side, Side]:
    """The lowest and the highest coordinate of either axis.

    Told by ``extent``; else around the path's shadows [T, 2] and the plane's origin; else as far as the plane's kind
    says.

    Raises:
        OptionError: an extent that is none, or a plane that needs one.
    """
    if extent is not None:
        return _told(extent, plane)
    shadows = None if path is None else path[np.isfinite(path).all(axis=1)]
    if shadows is not None and len(shadows) and (shadows != shadows[0]).any():
        return _around(shadows if plane.kind == "parameters" else np.vstack([shadows, np.zeros(2)]))
    if plane.reach is None:
        raise OptionError("How far the picture goes is not known for this plane: say it with extent=((…, …), (…, …)).")
    return _told((_about(plane, 0), _about(plane, 1)), plane)


def _about(plane: Plane, axis: int) -> Side:
    reach = 0.0 if plane.reach is None else plane.reach[axis]
    return plane.center[axis] - reach, plane.center[axis] + reach


def _told(given: float | tuple[Side, Side], plane: Plane) -> tuple[Side, Side]:
    extent = given
    if isinstance(extent, int | float):
        (u, v), reach = plane.center, float(extent)
        extent = ((u - reach, u + reach), (v - reach, v + reach))
    try:
        sides = np.array(extent, dtype=np.float64)
    except (TypeError, ValueError):
        sides = np.empty(0)
    if sides.shape != (2, 2) or not np.isfinite(sides).all() or not (sides[:, 0] < sides[:, 1]).all():
        raise OptionError(
            "extent is how far the picture goes: one length, or ((lowest, highest), (lowest, highest)) of its axes; "
            f"{given!r} is not."
        )
    (a, b), (c, d) = sides.tolist()
    return (a, b), (c, d)


def _around(shadows: Floats) -> tuple[Side, Side]:
    low, high = shadows.min(axis=0), shadows.max(axis=0)
    width = high - low
    width = np.maximum(width, NARROWEST * width.max())
    middle, half = (low + high) / 2, width * (0.5 + MARGIN)
    (a, c), (b, d) = (middle - half).tolist(), (middle + half).tolist()
    return (a, b), (c, d)
