"""Contour lines and the areas inside them, at levels floor + Δ/4ᵏ.

On a quadratic each ring has half the radius of the one before. The square root of the excess loss is
contoured, not the
loss: on a quadratic it is a cone, which straight lines between grid nodes follow well.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats
from fallline._surface import Grid
from fallline._view._simplify import simplified

_PICTURE = 600.0  # pixels: lines are true to a third of one of them
_TOLERANCE = 1 / 3
_LEAST_WIDTH = 3.0  # grid cells: a ring thinner than that is below the grid's resolution
_EVEN_LEVELS, _INNER_LEVELS, _MOST_EXCESS = 13, 3, 16.0
_LEAST_CELLS = 60  # of all basins together, where there are several
_CUT_SHORT = 0.5  # grid cells
_MOST_LEVELS = 14


class Spacing(StrEnum):
    """How the levels of a surface follow each other."""

    QUARTERS = "quarters"
    """Each a quarter of the one above: for one valley whose floor is known."""
    RINGS = "rings"
    """Rings equally far apart: tells several basins from each other."""
    LOSSES = "losses"
    """Losses equally far apart: for a surface without a lowest point."""


_POWERS = {Spacing.RINGS: 2, Spacing.LOSSES: 1}


@dataclass(frozen=True)
class Level:
    """One contour: its loss, the polygons of everything not above it, and its lines."""

    excess: float
    fill: list[list[Floats]]
    """Polygons; each a list of rings [n, 2], the outer one first, then holes."""
    lines: list[Floats]
    """[n, 2] polylines."""


def contour_levels(grid: Grid, floor: float, start_excess: float, spacing: Spacing = Spacing.QUARTERS) -> list[Level]:
    """The levels that this window can show, from the highest to the lowest."""
    import contourpy  # noqa: PLC0415  (only a picture needs it)

    finite = grid.loss[np.isfinite(grid.loss)]
    lowest = min(floor, float(finite.min(initial=floor)))  # a run that is still descending has not seen the bottom
    with np.errstate(over="ignore", invalid="ignore"):
        height = np.sqrt(grid.loss - lowest)
    # Normalised axes: a window may be 1e-9 wide around 1e3, and contourpy interpolates coordinates.
    nx, ny = len(grid.x), len(grid.y)
    masked: Any = np.ma.masked_invalid(height) if not np.isfinite(height).all() else height
    generator: Any = contourpy.contour_generator(
        np.arange(nx, dtype=np.float64),
        np.arange(ny, dtype=np.float64),
        masked,
        name="serial",
        line_type=contourpy.LineType.Separate,
        fill_type=contourpy.FillType.OuterOffset,
    )
    unit = np.array([(grid.x[-1] - grid.x[0]) / (nx - 1), (grid.y[-1] - grid.y[0]) / (ny - 1)])
    corner = np.array([grid.x[0], grid.y[0]])
    tolerance = _TOLERANCE * (max(nx, ny) - 1) / _PICTURE
    found = []
    unseen = floor - lowest
    if spacing is Spacing.QUARTERS:
        excesses = resolvable(height, start_excess, unseen)
    else:
        excesses = even_levels(height, start_excess, unseen, power=_POWERS[spacing])
    for excess in excesses:
        edge = float(np.sqrt(excess + unseen))
        polygons, offsets = generator.filled(-1.0, edge)
        fill = [
            [corner + unit * simplified(polygon[a:b], tolerance) for a, b in pairwise(at)]
            for polygon, at in zip(polygons, offsets, strict=True)
        ]
        lines = [corner + unit * simplified(line, tolerance) for line in generator.lines(edge)]
        found.append(Level(excess, fill, lines))
    return found


def resolvable(height: Floats, start_excess: float, unseen: float = 0.0) -> list[float]:
    """Excess losses Δ/4ᵏ (k may be negative), high to low, whose ring crosses the grid and can be seen.

    Args:
        height: [ny, nx] square root of the loss above the lowest of the grid or the floor.
        start_excess: Δ, what the levels are quarters of.
        unseen: how far the grid's lowest loss lies below the floor; rings much lower than that would only
            crowd around the contour of the floor.
    """
    finite = height[np.isfinite(height)]
    if not finite.size or not float(finite.max()) > 0.0:
        return []
    highest = int(np.floor(np.log2(float(finite.max()) / np.sqrt(start_excess))))
    levels: list[float] = []
    for k in range(highest, highest - _MOST_LEVELS, -1):
        excess = start_excess * 2.0**k * 2.0**k  # 4.0**k itself may overflow
        inside = height < np.sqrt(excess + unseen)
        if excess < unseen / 4 or not _can_be_seen(inside):
            break
        if not inside.all():
            levels.append(excess)
    return levels


def even_levels(height: Floats, start_excess: float, unseen: float, *, power: int) -> list[float]:
    """Excess losses for a surface of several basins, high to low: ``top · (k/n)ᵖ``, then a few rings around the minima.

    With p = 2 the rings of each basin stand equally far apart; with p = 1 the losses do.
    """
    finite = height[np.isfinite(height)]
    if not finite.size or not float(finite.max()) > 0.0:
        return []
    top = min(float(finite.max()) ** 2 - unseen, _MOST_EXCESS * start_excess)
    wanted = [top * (k / _EVEN_LEVELS) ** power for k in range(_EVEN_LEVELS, 0, -1)]
    wanted += [wanted[-1] / 4.0**k for k in range(1, _INNER_LEVELS + 1)]
    levels: list[float] = []
    for excess in wanted:
        inside = height < np.sqrt(excess + unseen)
        if inside.sum() < _LEAST_CELLS:
            break
        if not inside.all():
            levels.append(excess)
    return levels


def _can_be_seen(inside: NDArray[np.bool_]) -> bool:
    """Whether an area's outline is true on this grid.

    Straight lines between nodes cut the tip of an ellipse with half axes a, b (in cells) short by about
    a/8b² cells.
    """
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return False
    a = float(np.hypot(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)) / 2
    b = float(inside.sum()) / (np.pi * a)
    return 2 * b >= _LEAST_WIDTH and a / (8 * b * b) <= _CUT_SHORT
