"""Everything drawn from grids of the loss: windows with contours, the bowls, the colour scale, the trail."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fallline._loss_function import LossFunction
from fallline._planes import Plane, coordinates
from fallline._records import Floats, Run
from fallline._surface import Grid, grid_loss, plane_loss, smooth_grid_loss
from fallline._view._contours import Level, Spacing, contour_levels
from fallline._view._curve import KIND, curve_trail, draw_curves
from fallline._view._path import Path
from fallline._view._rounding import significant, within
from fallline._view._trail import MOST_POINTS, trail
from fallline._view._windows import Window, choose_windows

_FINE = (321, 321)
_BOWL = (41, 33)
_COARSEST = 41
_ROW_EVALUATIONS = 2_000_000  # rows × nodes one contour grid may cost where a loss has no moments
_CLIMBS = 0.25  # of the way from the minimum to the cut: a side of the bowl that rises so far is a wall
_SHOWN_WHOLE = 6.0  # times the start's excess: a landscape of basins that rises no higher is not cut
_RIM = 1.1  # the bowl is cut at this many times the excess loss it has to show


class Backdrop(NamedTuple):
    """What a path is drawn on: it stays where only the path changes."""

    payload: dict[str, Any]
    """``windows``, ``color`` and ``bowls``."""
    windows: list[Window]
    finest: tuple[Floats, Floats] | None
    """[2] and [2] middle and sides of the window with the highest magnification; None for a curve of one parameter."""


def draw_windows(run: Run, path: Path, plane: Plane, objective: LossFunction) -> dict[str, Any]:
    """The payload's ``windows``, ``color``, ``bowls`` and ``trail``."""
    backdrop = draw_backdrop(run, path, plane, objective)
    return {"trail": draw_trail(path, plane, objective, backdrop), **backdrop.payload}


def draw_backdrop(run: Run, path: Path, plane: Plane, objective: LossFunction, *, far: bool = False) -> Backdrop:
    """The windows that show this run; with ``far`` also the wider ones that other runs may need."""
    losses = _path_losses(run)
    with np.errstate(over="ignore", invalid="ignore"):
        excess = losses - path.floor
    windows = choose_windows(path, plane, objective, excess, far=far)
    uv = coordinates(plane, path.vectors)
    if plane.kind == KIND:
        return _curves(path, plane, objective, windows, excess)
    cuts = {window.id: _rim(window, path, uv, excess) for window in windows}
    return draw_again(run, path, plane, objective, windows, cuts)


def draw_again(
    run: Run,
    path: Path,
    plane: Plane,
    objective: LossFunction,
    windows: list[Window],
    cuts: dict[str, float] | None = None,
    *,
    finest: int = _FINE[0],
) -> Backdrop:
    """The same windows on a loss, perhaps another than the one that they were chosen for.

    Args:
        cuts: the loss at which the bowl of a window is cut; a little above the start unless told.
        finest: nodes along a side of the grid.
    """
    grids = [_grid(run, objective, plane, path.floor, w, finest=finest) for w in windows]
    spacing = spacing_of(path)
    levels = [contour_levels(grid, path.floor, path.start_excess, spacing) for grid in grids]
    top, bottom = color_range(path, windows, grids, levels)
    rims = {} if cuts is None else cuts
    above_start = path.floor + _RIM * path.start_excess
    return Backdrop(
        {
            "windows": [
                window_payload(window, found, path.floor, top, bottom)
                for window, found in zip(windows, levels, strict=True)
            ],
            "color": {"top": top, "bottom": bottom},
            "bowls": [
                _bowl(run, objective, plane, path, window, rims.get(window.id, above_start))
                for window in windows
                if window.id in {"main", "wide", "wider"}
            ],
        },
        windows,
        _middle_and_sides(max(windows, key=lambda window: window.magnification)),
    )


def draw_trail(
    path: Path, plane: Plane, objective: LossFunction, backdrop: Backdrop, most: int = MOST_POINTS
) -> list[list[float] | None]:
    """The payload's ``trail``: the whole path in the plane, simplified where that cannot be seen."""
    if backdrop.finest is None:
        return curve_trail(path, objective)
    drawn = trail(coordinates(plane, path.vectors), *backdrop.finest, most)
    rounded = iter(significant(np.array([point for point in drawn if point is not None]), 9).tolist())
    return [None if point is None else next(rounded) for point in drawn]


def spacing_of(path: Path) -> Spacing:
    """The levels that suit a surface."""
    if path.runs_away:
        return Spacing.LOSSES
    return Spacing.QUARTERS if path.minima is None else Spacing.RINGS


def _curves(path: Path, plane: Plane, objective: LossFunction, windows: list[Window], excess: Floats) -> Backdrop:
    """The same of a loss of one parameter: wide enough to show both sides of the valley."""
    uv = coordinates(plane, path.vectors)
    kept = [window for window in windows if window.id in {"main", "wide", "wider"}]
    cuts = [_rim(window, path, uv, excess) for window in kept]
    middle = coordinates(plane, path.lowest[None])[0]
    wide = [with_both_walls(window, middle, objective, plane, cut) for window, cut in zip(kept, cuts, strict=True)]
    return Backdrop(draw_curves(path, objective, wide, cuts), kept, None)


def _path_losses(run: Run) -> Floats:
    """[T + 1] the loss of all rows along the path; NaN where it was not measured."""
    measured = np.where(run.columns.full_loss_measured, run.columns.full_loss, np.nan)
    return np.concatenate([[run.header.start_loss], measured])


def _fine_shape(run: Run, finest: int) -> tuple[int, int]:
    if run.moments is not None or run.sample is None:
        return finest, finest
    side = int(np.sqrt(_ROW_EVALUATIONS / max(len(run.sample.target), 1)))
    side = int(np.clip(side, _COARSEST, finest))
    return side, side


def _grid(
    run: Run,
    objective: LossFunction,
    plane: Plane,
    floor: float,
    window: Window,
    *,
    bowl: bool = False,
    finest: int = _FINE[0],
) -> Grid:
    """A window's grid; interpolated, where that is true enough, for losses that cost a pass over the rows per node."""
    if run.moments is None and run.sample is not None:
        shape = _BOWL if bowl else (finest, finest)
        smooth = smooth_grid_loss(objective, plane, x=window.x, y=window.y, shape=shape, floor=floor, turn=window.turn)
        if smooth is not None:
            return smooth
    shape = _BOWL if bowl else _fine_shape(run, finest)
    return grid_loss(objective, plane, x=window.x, y=window.y, shape=shape, turn=window.turn)


def color_range(path: Path, windows: list[Window], grids: list[Grid], levels: list[list[Level]]) -> tuple[float, float]:
    """Excess loss at shade 1 (the main window's highest) and at shade 0 (the lowest ring of any window)."""
    main = next(grid for window, grid in zip(windows, grids, strict=True) if window.id == "main")
    with np.errstate(over="ignore"):
        finite = main.loss[np.isfinite(main.loss)] - path.floor
    finite = finite[np.isfinite(finite)]
    top = float(finite.max()) if finite.size else path.start_excess
    if not top > 0.0:
        top = path.start_excess
    rings = [level.excess for found in levels for level in found]
    bottom = min(rings, default=top / 4**6)
    return top, min(bottom, top / 4)


def window_payload(window: Window, levels: list[Level], floor: float, top: float, bottom: float) -> dict[str, Any]:
    """A window with its levels, as the payload holds it."""
    transform = None
    if window.turn is not None:
        transform = {"matrix": window.turn[0].tolist(), "origin": window.turn[1].tolist()}
    return {
        "id": window.id,
        "x": list(window.x),
        "y": list(window.y),
        "labels": list(window.labels),
        "transform": transform,
        "equal": window.equal,
        "stretch": window.stretch,
        "magnification": window.magnification,
        "levels": [
            {
                "loss": floor + level.excess,
                "excess": level.excess,
                "shade": _shade(level.excess, top, bottom),
                "fill": [[_flat(ring, window) for ring in polygon] for polygon in level.fill],
                "lines": [_flat(line, window) for line in level.lines],
            }
            for level in levels
        ],
    }


def _shade(excess: float, top: float, bottom: float) -> float:
    return float(np.clip(np.log(excess / bottom) / np.log(top / bottom), 0.0, 1.0))


def _flat(points: Floats, window: Window) -> list[float]:
    """x, y, x, y … rounded to a hundred-thousandth of the window."""
    low = np.array([window.x[0], window.y[0]])
    sides = np.array([window.x[1], window.y[1]]) - low
    flat: list[float] = within(points, low, low + sides, 5).ravel().tolist()
    return flat


def _middle_and_sides(window: Window) -> tuple[Floats, Floats]:
    low, high = np.array([window.x[0], window.y[0]]), np.array([window.x[1], window.y[1]])
    return (low + high) / 2, high - low


def _rim(window: Window, path: Path, uv: Floats, excess: Floats) -> float:
    """The loss a bowl is cut at: a little above the start, or above the path inside a wider window."""
    with np.errstate(invalid="ignore"):
        inside = window.holds(uv) & np.isfinite(excess)
    reached = 0.0 if window.id == "main" else float(excess[inside].max(initial=0.0))
    return path.floor + _RIM * max(path.start_excess, reached)


def _bowl(run: Run, objective: LossFunction, plane: Plane, path: Path, window: Window, cut: float) -> dict[str, Any]:
    middle = coordinates(plane, path.lowest[None])[0]
    alone = path.minima is None and not path.runs_away
    whole = with_both_walls(window, middle, objective, plane, cut) if alone else window
    grid = _grid(run, objective, plane, path.floor, whole, bowl=True)
    highest = float(np.max(grid.loss, where=np.isfinite(grid.loss), initial=cut))
    if not alone and highest - path.floor <= _SHOWN_WHOLE * path.start_excess:
        cut = highest  # what parts the basins is part of the picture
    return {
        "window": window.id,
        "x": significant(grid.x, 9).tolist(),
        "y": significant(grid.y, 9).tolist(),
        "loss": significant(grid.loss).tolist(),
        "cut": cut,
    }


def with_both_walls(window: Window, middle: Floats, objective: LossFunction, plane: Plane, cut: float) -> Window:
    """The window, wider along each axis that climbs: to where the other wall reaches the cut, or as far as the first.

    A window that ends soon after the minimum shows half of a pipe; a bowl has a wall on either side. ``middle``
    [2] is the minimum; the window stays as it is where that lies outside.
    """
    sides = np.array([window.x, window.y])
    if not ((sides[:, 0] < middle) & (middle < sides[:, 1])).all():
        return window
    for axis in range(2):
        distance = np.abs(sides[axis] - middle[axis])
        short, far = int(np.argmin(distance)), float(distance.max())
        along = np.linspace(0.0, far, 65)
        line = np.repeat(middle[None], 2 * len(along), axis=0)
        line[:, axis] += np.concatenate([-along, along] if short == 0 else [along, -along])
        losses = plane_loss(objective, plane, line).reshape(2, -1)
        with np.errstate(all="ignore"):  # both may be infinite: nothing is known then
            climbs = bool(losses[1, -1] - losses[0, 0] >= _CLIMBS * (cut - losses[0, 0]))
        if not climbs:
            continue
        past = ~(losses[0] < cut) & (along >= distance[short])
        sides[axis, short] = line[int(np.argmax(past)) if past.any() else len(along) - 1, axis]
    (x, y) = ((float(low), float(high)) for low, high in sides)
    return replace(window, x=x, y=y)
