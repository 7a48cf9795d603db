"""A surface as the live picture's window and bowl: its levels, its colours, the areas without a number."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fallline._records import Floats, Mask, Surface
from fallline._surface import Grid
from fallline._view._contours import Level, Spacing, contour_levels
from fallline._view._drawn import window_payload
from fallline._view._rounding import significant, within
from fallline._view._windows import Window

_BOWL = (41, 33)
_RIM = 1.1  # of the excess loss at the start: where the bowl is cut
_WHOLE = 6.0  # times the start's excess: a landscape that rises no higher is not cut
_SQUEEZED = 0.3  # short side / long side below which the axes are stretched
_FEW = 7  # levels
_BOTTOM = 4**6  # the colours span as much where no level was found


@dataclass(frozen=True)
class CutColours:
    """What the losses of a picture are measured from, and its levels."""

    floor: float
    """The lowest loss seen, on the surface or along the path."""
    start_excess: float
    """Of the path's first point, else of the highest cell; positive."""
    top: float
    bottom: float
    levels: list[Level]


def colours_of(surface: Surface) -> CutColours | None:
    """None where no cell is finite, or all are equal."""
    seen = surface.loss[surface.known & np.isfinite(surface.loss)]
    if not seen.size:
        return None
    along = np.empty(0) if surface.path_loss is None else surface.path_loss[np.isfinite(surface.path_loss)]
    floor = float(min(seen.min(), along.min(initial=np.inf)))
    top = float(seen.max()) - floor
    if not top > 0.0 or not np.isfinite(top):
        return None
    first = float(surface.path_loss[0]) - floor if surface.path_loss is not None else top
    start = first if np.isfinite(first) and first > 1e-9 * top else top
    grid = Grid(surface.x, surface.y, _numbers(surface))
    levels = contour_levels(grid, floor, start)
    if len(levels) < _FEW:  # no valley that each quarter would be a ring of
        levels = contour_levels(grid, floor, start, Spacing.RINGS)
    bottom = min([level.excess for level in levels], default=top / _BOTTOM)
    return CutColours(floor, start, top, min(bottom, top / 4), levels)


def _numbers(surface: Surface) -> Floats:
    """[ny, nx] the loss; NaN where it is not finite or not known."""
    return np.where(surface.known & np.isfinite(surface.loss), surface.loss, np.nan)


def cut_window(surface: Surface, colours: CutColours) -> dict[str, Any]:
    """The one window of the picture: the surface's own rectangle."""
    x, y = (float(surface.x[0]), float(surface.x[-1])), (float(surface.y[0]), float(surface.y[-1]))
    window = Window("main", x, y, surface.plane.axes, 1.0)
    sides = sorted((x[1] - x[0], y[1] - y[0]))
    told = window_payload(window, colours.levels, colours.floor, colours.top, colours.bottom)
    return {**told, "equal": sides[0] >= _SQUEEZED * sides[1], "gaps": _gaps(surface, window)}


def _gaps(surface: Surface, window: Window) -> list[dict[str, Any]]:
    """Areas that have no colour, as polygons."""
    kinds = {"not evaluated": ~surface.known, "not finite": surface.known & ~np.isfinite(surface.loss)}
    return [{"kind": kind, "fill": _areas(where, window)} for kind, where in kinds.items() if where.any()]


def _areas(where: Mask, window: Window) -> list[list[list[float]]]:
    """Polygons around cells; each a list of rings as flat x, y, x, y …"""
    import contourpy  # noqa: PLC0415  (only a picture needs it)

    ny, nx = where.shape
    low = np.array([window.x[0], window.y[0]])
    unit = np.array([window.x[1] - window.x[0], window.y[1] - window.y[0]]) / (nx - 1, ny - 1)
    maker: Any = contourpy.contour_generator(
        np.arange(nx, dtype=np.float64),
        np.arange(ny, dtype=np.float64),
        where.astype(np.float64),
        name="serial",
        fill_type=contourpy.FillType.OuterOffset,
    )
    polygons, offsets = maker.filled(1e-3, 2.0)  # up to the next cell that has a number
    high = low + unit * (nx - 1, ny - 1)
    return [
        [within(low + unit * polygon[a:b], low, high, 5).ravel().tolist() for a, b in pairwise(at)]
        for polygon, at in zip(polygons, offsets, strict=True)
    ]


def cut_bowl(surface: Surface, colours: CutColours) -> dict[str, Any]:
    """The surface on a grid coarse enough to be turned."""
    x, y = (np.linspace(side[0], side[-1], n) for side, n in zip((surface.x, surface.y), _BOWL, strict=True))
    across = np.stack([np.interp(x, surface.x, row) for row in _numbers(surface)])
    loss = np.stack([np.interp(y, surface.y, column) for column in across.T], axis=1)
    reached = np.empty(0) if surface.path_plane_loss is None else surface.path_plane_loss
    finite = reached[np.isfinite(reached)] - colours.floor
    cut = colours.floor + _RIM * max(colours.start_excess, float(finite.max(initial=0.0)))
    highest = colours.floor + colours.top
    if colours.top <= _WHOLE * colours.start_excess or cut > highest:
        cut = highest
    return {
        "window": "main",
        "x": significant(x, 9).tolist(),
        "y": significant(y, 9).tolist(),
        "loss": significant(loss).tolist(),
        "cut": cut,
    }
