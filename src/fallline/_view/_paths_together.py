"""The paths of several optimizers in one picture: which plane, which windows, the loss in them."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from fallline._loss_function import LossFunction
from fallline._planes import Plane, coordinates, parameter_plane, path_plane
from fallline._records import Comparison, Floats, FloorKind, RateRuns
from fallline._surface import Grid, grid_loss, smooth_grid_loss, stacked_loss
from fallline._view._contours import contour_levels
from fallline._view._curve import curve_plane, draw_curves
from fallline._view._drawn import color_range, spacing_of, window_payload, with_both_walls
from fallline._view._path import Path
from fallline._view._windows import Window, choose_windows

_FINE = (241, 241)
_COARSE = (61, 61)
_RIM = 1.1  # a curve is shown up to this many times the excess loss at the start
_SWING = 1.6  # a path that leaves by more than this times the reach of the others is followed by zooming out


@dataclass(frozen=True)
class PathsTogether(Path):
    """All paths one after the other; ``shown`` is what the main window must hold, the common start first."""

    shown: Floats = field(kw_only=True)
    """[≤ all points, P]"""

    @cached_property
    def framed(self) -> Floats:
        """[n, P] what a picture must hold."""
        return self.shown

    @classmethod
    def of_runs(cls, comparison: Comparison, objective: LossFunction, runs: list[RateRuns]) -> "PathsTogether":
        """The paths of ``runs``; the last of them ends where the picture looks for its lowest point."""
        optimum, start = comparison.optimum, float(comparison.start_losses[0])
        shown = _within_reach(
            [Path(run.path, optimum, comparison.floor, 1.0, bool(run.diverged[0])).framed for run in runs]
        )
        known = comparison.floor_kind is FloorKind.OPTIMUM
        # The lowest loss of any run may lie far outside this picture, and nothing in it would be told apart.
        floor = comparison.floor if known else _lowest(objective, shown, start)
        excess = start - floor
        return cls(
            np.concatenate([run.path for run in runs]),
            optimum,
            floor,
            excess if np.isfinite(excess) and excess > 0.0 else 1.0,
            diverged=False,
            floor_known=known,
            runs_away=not known and comparison.formula is not None,
            minima=None if comparison.basins is None else comparison.basins.minima,
            shown=shown,
        )


def _lowest(objective: LossFunction, shown: Floats, start: float) -> float:
    """The lowest finite loss at the points that are shown."""
    losses = stacked_loss(objective, shown)
    return float(np.min(losses, where=np.isfinite(losses), initial=start))


def _within_reach(framed: list[Floats]) -> Floats:
    """[n, P] the points of all paths, without the swings that would make every other path small."""
    together = np.concatenate(framed)
    start = together[0]
    with np.errstate(all="ignore"):
        reaches = [float(np.abs(path - start).max(initial=0.0)) for path in framed]
        usual = float(np.median(reaches))
        near = np.abs(together - start).max(axis=1) <= _SWING * usual if usual > 0.0 else np.full(len(together), True)
    return np.asarray(together[near], dtype=np.float64)


def draw_together(
    comparison: Comparison, objective: LossFunction, runs: list[RateRuns]
) -> tuple[dict[str, Any], Plane]:
    """A setting's ``plane``, ``windows``, ``color`` and ``reach``; and the plane itself."""
    paths = PathsTogether.of_runs(comparison, objective, runs)
    plane = _plane(comparison, paths)
    one_floor = paths.floor_known and paths.minima is None
    unwanted = ("valley",) if one_floor else ("valley", "inset")  # there is no one valley floor to magnify
    chosen = choose_windows(paths, plane, objective, _excess(paths, objective))
    windows = [each for each in chosen if each.id not in unwanted]
    exact = comparison.moments is not None or comparison.formula is not None
    draw = _curves(paths, plane, objective, windows) if plane.kind == "curve" else None
    minima = _minima(comparison)
    drawn = {
        "plane": {
            "kind": plane.kind,
            "axes": list(plane.axes),
            "note": plane.note,
            "explained_variance": plane.explained_variance,
            "minima_uv": on_plane(plane, objective, minima).tolist(),
        },
        **(draw or _contours(paths, plane, objective, windows, exact=exact)),
        "floor": {"loss": paths.floor, "kind": comparison.floor_kind.value},
        "reach": _reach(paths, minima),
    }
    return drawn, plane


def on_plane(plane: Plane, objective: LossFunction, vectors: Floats) -> Floats:
    """[n, 2] plane coordinates of points [n, P]; on a curve the parameter and its loss."""
    if plane.kind != "curve":
        return coordinates(plane, vectors)
    return np.stack([vectors[:, 0], stacked_loss(objective, vectors)], axis=1)


def _contours(
    paths: PathsTogether, plane: Plane, objective: LossFunction, windows: list[Window], *, exact: bool
) -> dict[str, Any]:
    grids = [_grid(objective, plane, paths.floor, window, exact=exact) for window in windows]
    spacing = spacing_of(paths)
    levels = [contour_levels(grid, paths.floor, paths.start_excess, spacing) for grid in grids]
    top, bottom = color_range(paths, windows, grids, levels)
    found = zip(windows, levels, strict=True)
    return {
        "windows": [window_payload(window, each, paths.floor, top, bottom) for window, each in found],
        "color": {"top": top, "bottom": bottom},
    }


def _curves(paths: PathsTogether, plane: Plane, objective: LossFunction, windows: list[Window]) -> dict[str, Any]:
    """One parameter: the loss over it is a curve."""
    cut = paths.floor + _RIM * paths.start_excess
    middle = coordinates(plane, paths.lowest[None])[0]
    wide = next(with_both_walls(each, middle, objective, plane, cut) for each in windows if each.id == "main")
    drawn = draw_curves(paths, objective, [_below(wide, objective, cut)], [cut])
    return {"windows": drawn["windows"], "color": drawn["color"]}


def _below(window: Window, objective: LossFunction, cut: float) -> Window:
    """The part of a window in which the curve is not above ``cut``, with a little room on either side."""
    x = np.linspace(*window.x, 201)
    with np.errstate(all="ignore"):
        inside = np.flatnonzero(stacked_loss(objective, x[:, None]) <= cut)
    if not len(inside):
        return window
    low, high = float(x[inside[0]]), float(x[inside[-1]])
    room = 0.08 * (high - low)
    return replace(window, x=(max(window.x[0], low - room), min(window.x[1], high + room)))


def _reach(paths: PathsTogether, minima: Floats) -> list[list[float]]:
    """[P, 2] how far each parameter's chart reaches: over all that is framed, and the minimum where there is one."""
    held = np.concatenate([paths.shown, minima]) if len(minima) == 1 else paths.shown
    held = held[np.isfinite(held).all(axis=1)]
    low, high = held.min(axis=0), held.max(axis=0)
    room = np.where(high > low, 0.07 * (high - low), np.maximum(np.abs(low), 1.0))
    ends: list[list[float]] = np.stack([low - room, high + room], axis=1).tolist()
    return ends


def _excess(paths: PathsTogether, objective: LossFunction) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(stacked_loss(objective, paths.vectors) - paths.floor, dtype=np.float64)


def _plane(comparison: Comparison, paths: PathsTogether) -> Plane:
    names = comparison.parameter_names
    if len(names) == 1:
        return curve_plane(names[0])
    return parameter_plane(0, 1, names) if len(names) == 2 else path_plane(paths.shown, origin=paths.lowest)


def _minima(comparison: Comparison) -> Floats:
    """[I, P] every minimum that is known."""
    if comparison.basins is not None:
        return comparison.basins.minima
    if comparison.optimum is not None:
        return comparison.optimum[None]
    return np.empty((0, len(comparison.parameter_names)))


def _grid(objective: LossFunction, plane: Plane, floor: float, window: Window, *, exact: bool) -> Grid:
    if not exact:
        smooth = smooth_grid_loss(objective, plane, x=window.x, y=window.y, shape=_FINE, floor=floor, turn=window.turn)
        if smooth is not None:
            return smooth
    return grid_loss(objective, plane, x=window.x, y=window.y, shape=_FINE if exact else _COARSE, turn=window.turn)
