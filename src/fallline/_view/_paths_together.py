"""The paths of several optimizers in one picture: which plane, which windows, the loss in them."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from fallline._loss_function import LossFunction
from fallline._planes import Plane, coordinates, parameter_plane, path_plane
from fallline._records import Comparison, Floats, FloorKind
from fallline._surface import LOCAL_ERROR, Grid, grid_loss, smooth_grid_loss, stacked_loss
from fallline._view._contours import contour_levels
from fallline._view._curve import curve_plane, draw_curves
from fallline._view._drawn import color_range, spacing_of, window_payload, with_both_walls
from fallline._view._path import Path
from fallline._view._windows import Window, choose_windows

_FINE = (241, 241)
_COARSE = (61, 61)
_COARSE_OWN = (41, 41)  # each cell is a pass over all rows of a model
_OWN_ERROR = 0.05  # of the local excess: a band of colours is a factor of four wide
_RIM = 1.1  # a curve is shown up to this many times the excess loss at the start
_SWING = 1.6  # a path that leaves by more than this times the reach of the others is followed by zooming out


class Walk(NamedTuple):
    """One of the paths."""

    path: Floats
    """[R, P]"""
    losses: Floats | None
    """[R] over all rows, None where they were not measured at every one of these points."""
    diverged: bool


@dataclass(frozen=True)
class Ground:
    """What all paths are on."""

    names: tuple[str, ...]
    """[P]"""
    start_loss: float
    floor: float
    floor_kind: FloorKind
    optimum: Floats | None
    minima: Floats | None
    """[I, P] where several are known."""
    formula: bool
    """Whether it is one: it may fall for ever."""
    exact: bool
    """Every cell of a picture costs next to nothing."""
    own: bool
    """Somebody's own objective: a cell is a pass over all rows of a model."""

    @classmethod
    def of(cls, comparison: Comparison) -> "Ground":
        """That of a comparison."""
        return cls(
            comparison.parameter_names,
            float(comparison.start_losses[0]),
            comparison.floor,
            comparison.floor_kind,
            comparison.optimum,
            None if comparison.basins is None else comparison.basins.minima,
            comparison.formula is not None,
            comparison.moments is not None or comparison.formula is not None,
            comparison.on_own,
        )


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
    def of_walks(cls, ground: Ground, objective: LossFunction, walks: list[Walk]) -> "PathsTogether":
        """These paths; the last of them ends where the picture looks for its lowest point."""
        optimum, start = ground.optimum, ground.start_loss
        shown = _within_reach([Path(walk.path, optimum, ground.floor, 1.0, walk.diverged).framed for walk in walks])
        known = ground.floor_kind is FloorKind.OPTIMUM
        # The lowest loss of any run may lie far outside this picture, and nothing in it would be told apart.
        floor = ground.floor if known else _floor_of(objective, walks, shown, start)
        excess = start - floor
        return cls(
            np.concatenate([walk.path for walk in walks]),
            optimum,
            floor,
            excess if np.isfinite(excess) and excess > 0.0 else 1.0,
            diverged=False,
            floor_known=known,
            runs_away=not known and ground.formula,
            minima=ground.minima,
            shown=shown,
        )


def _floor_of(objective: LossFunction, walks: list[Walk], shown: Floats, start: float) -> float:
    """The lowest loss of these paths, where it was measured all along them; else of the points that are shown."""
    measured = [walk.losses for walk in walks if walk.losses is not None]
    if len(measured) < len(walks):
        return _lowest(objective, shown, start)
    seen = np.concatenate(measured)
    return float(np.min(seen, where=np.isfinite(seen), initial=start))


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


def draw_together(ground: Ground, objective: LossFunction, walks: list[Walk]) -> tuple[dict[str, Any], Plane]:
    """A setting's ``plane``, ``windows``, ``color`` and ``reach``; and the plane itself."""
    paths = PathsTogether.of_walks(ground, objective, walks)
    plane = _plane(ground.names, paths)
    one_floor = paths.floor_known and paths.minima is None
    unwanted = ("valley",) if one_floor else ("valley", "inset")  # there is no one valley floor to magnify
    chosen = choose_windows(paths, plane, objective, _excess(paths, objective, walks))
    windows = [each for each in chosen if each.id not in unwanted]
    draw = _curves(paths, plane, objective, windows) if plane.kind == "curve" else None
    minima = _minima(ground)
    drawn = {
        "plane": {
            "kind": plane.kind,
            "axes": list(plane.axes),
            "note": plane.note,
            "explained_variance": plane.explained_variance,
            "minima_uv": on_plane(plane, objective, minima).tolist(),
        },
        **(draw or _contours(paths, plane, objective, windows, ground)),
        "floor": {"loss": paths.floor, "kind": ground.floor_kind.value},
        "reach": _reach(paths, minima),
    }
    return drawn, plane


def on_plane(plane: Plane, objective: LossFunction, vectors: Floats) -> Floats:
    """[n, 2] plane coordinates of points [n, P]; on a curve the parameter and its loss."""
    if plane.kind != "curve":
        return coordinates(plane, vectors)
    return np.stack([vectors[:, 0], stacked_loss(objective, vectors)], axis=1)


def _contours(
    paths: PathsTogether, plane: Plane, objective: LossFunction, windows: list[Window], ground: Ground
) -> dict[str, Any]:
    grids = [_grid(objective, plane, paths.floor, window, ground) for window in windows]
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


def _excess(paths: PathsTogether, objective: LossFunction, walks: list[Walk]) -> Floats:
    """[all points] loss above the floor along the paths: as it was measured, where it was all along them."""
    measured = [walk.losses for walk in walks if walk.losses is not None]
    whole = len(measured) == len(walks)
    with np.errstate(all="ignore"):
        found = np.concatenate(measured) if whole else stacked_loss(objective, paths.vectors)
        return np.asarray(found - paths.floor, dtype=np.float64)


def _plane(names: tuple[str, ...], paths: PathsTogether) -> Plane:
    if len(names) == 1:
        return curve_plane(names[0])
    return parameter_plane(0, 1, names) if len(names) == 2 else path_plane(paths.shown, origin=paths.lowest)


def _minima(ground: Ground) -> Floats:
    """[I, P] every minimum that is known."""
    if ground.minima is not None:
        return ground.minima
    return np.empty((0, len(ground.names))) if ground.optimum is None else ground.optimum[None]


def _grid(objective: LossFunction, plane: Plane, floor: float, window: Window, ground: Ground) -> Grid:
    x, y, turn = window.x, window.y, window.turn
    own = ground.own and len(ground.names) > 2
    if not ground.exact:
        error = _OWN_ERROR if own else LOCAL_ERROR
        smooth = smooth_grid_loss(objective, plane, x=x, y=y, shape=_FINE, floor=floor, turn=turn, local_error=error)
        if smooth is not None:
            return smooth
    shape = _FINE if ground.exact else _COARSE_OWN if own else _COARSE
    return grid_loss(objective, plane, x=x, y=y, shape=shape, turn=turn)
