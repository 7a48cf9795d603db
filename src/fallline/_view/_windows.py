"""Which rectangles of the plane are drawn: main, a magnifier on its valley floor, wider ones the path needs.

A window is square in pixels. Units per pixel are equal on both axes unless that would squeeze what is framed
below 120 of a nominal 400 pixels; then each axis takes its own scale and ``stretch`` says by how much they
differ.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._planes import Plane, components, coordinates
from fallline._records import Floats
from fallline._view._path import Path

_MARGIN = 0.13  # of the window's side, free around what is framed
_UPHILL = 0.2  # of the window's side, free uphill of the start: the gradient's arrow and its number stand there
_LEANS = 0.3  # a gradient points along an axis where that is at least this part of its length
_SQUEEZED = 0.09  # framed short side / long side below which the axes are stretched: 120 of 400 pixels with margins
_VALLEY_FLOOR = 0.01  # of the start's excess loss: what is lower lies on the valley floor
_LEAST_MAGNIFICATION, _MOST_MAGNIFICATION = 3.0, 1000.0
_ROUND = (1.0, 2.0, 3.0, 4.0, 5.0, 8.0)
_ROUNDING = 1e-6  # of the longer side: what a path leaves a plane's first direction by is rounding below this
_HUGE = 1e290  # a window a hundred times wider must still have finite edges


@dataclass(frozen=True)
class Window:
    """A square picture of a rectangle of the plane."""

    id: str
    x: tuple[float, float]
    y: tuple[float, float]
    labels: tuple[str, str]
    magnification: float
    turn: tuple[Floats, Floats] | None = None
    """(matrix [2, 2], origin [2]): window coordinates are matrix · (uv − origin); None: they are uv."""

    @property
    def stretch(self) -> float:
        """Units per pixel, y over x."""
        return (self.y[1] - self.y[0]) / (self.x[1] - self.x[0])

    @property
    def equal(self) -> bool:
        """True where both axes have the same scale, so that angles and lengths are true."""
        return abs(self.stretch - 1.0) < 1e-9

    def place(self, uv: Floats) -> Floats:
        """[B, 2] window coordinates of plane coordinates [B, 2]."""
        if self.turn is None:
            return uv
        matrix, origin = self.turn
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray((uv - origin) @ matrix.T, dtype=np.float64)

    def holds(self, uv: Floats) -> NDArray[np.bool_]:
        """[B] which finite points lie inside."""
        placed = self.place(uv)
        across = (placed[:, 0] >= self.x[0]) & (placed[:, 0] <= self.x[1])
        return np.asarray(across & (placed[:, 1] >= self.y[0]) & (placed[:, 1] <= self.y[1]))


def choose_windows(
    path: Path, plane: Plane, objective: LossFunction, excess: Floats, *, far: bool = False
) -> list[Window]:
    """Main, and where they show something: inset, wide, wider, valley.

    Args:
        excess: [T + 1] loss above the floor along the path; NaN where it was not measured or is not finite.
        far: wide and wider in any case: other paths will be drawn in the same windows.
    """
    held = [path.framed, path.lowest[None], path.shown_minima, *([] if path.also is None else [path.also])]
    framed = _bounded(coordinates(plane, np.concatenate(held)))
    if plane.kind == "path":
        framed = _unrounded(framed)
    with np.errstate(all="ignore"):
        uphill = components(plane, objective.gradient(path.framed[:1]))[0] if len(path.framed) else np.zeros(2)
    main = _frame("main", framed, plane.axes, uphill, stretches=not path.curved)
    uv = coordinates(plane, path.vectors)[path.finite]
    windows = [main]
    inset = _inset(main, path, plane, uv, excess[path.finite])
    if inset is not None:
        windows.append(inset)
    widest = main
    for name, factor in (("wide", 10.0), ("wider", 100.0)):
        if not far and widest.holds(uv).all():
            break
        widest = _zoomed(name, main, factor)
        windows.append(widest)
    valley = _valley(path, plane, objective, framed, uphill)
    if valley is not None:
        windows.append(valley)
    return windows


def _frame(
    name: str,
    points: Floats,
    labels: tuple[str, str],
    uphill: Floats,
    turn: tuple[Floats, Floats] | None = None,
    *,
    stretches: bool = True,
) -> Window:
    """The smallest window with margins around points [B, 2] in window coordinates, the first of them the start.

    Args:
        uphill: [2] the gradient at the start, in window coordinates.
        stretches: whether each axis may take a scale of its own.
    """
    centre, sides = _extent(points)
    below, above = _margins(uphill)
    needed = sides / (1 - below - above)
    if stretches and sides.min() < _SQUEEZED * sides.max():
        whole = np.where(sides > 0.0, needed, needed.max())
    else:
        whole = np.repeat(needed.max(), 2)
    centre = centre + (above - below) / 2 * whole
    half = np.maximum(whole / 2, _resolution(centre))
    (x, y) = ((float(c - h), float(c + h)) for c, h in zip(centre, half, strict=True))
    return Window(name, x, y, labels, 1.0, turn)


def _unrounded(framed: Floats) -> Floats:
    """A straight path has no extent along a second direction: no rounding there chooses the scale of an axis.

    Only for a plane of the path's own directions; two parameters may well differ by more than this.
    """
    low, high = framed.min(axis=0), framed.max(axis=0)
    with np.errstate(over="ignore"):
        flat = high - low <= _ROUNDING * (high - low).max()
    return np.where(flat, low / 2 + high / 2, framed)


def _margins(uphill: Floats) -> tuple[Floats, Floats]:
    """[2] and [2] the parts of each side that stay free below and above the framed points."""
    with np.errstate(all="ignore"):
        along = uphill / np.abs(uphill).max()
    below, above = (np.where(sign * along >= _LEANS, _UPHILL, _MARGIN) for sign in (-1, 1))
    return below, above


def _bounded(uv: Floats) -> Floats:
    """[≥ 1, 2] points that a window can hold: none too huge, none whose shadow in the plane overflowed."""
    known = uv[~np.isnan(uv).any(axis=1)]
    return np.clip(known, -_HUGE, _HUGE) if len(known) else np.zeros((1, 2))


def _extent(points: Floats) -> tuple[Floats, Floats]:
    """Centre [2] and sides [2] of the points' bounding box; a single point gets a box of its own size."""
    low, high = points.min(axis=0), points.max(axis=0)
    centre, sides = low / 2 + high / 2, high - low
    if sides.max() <= _resolution(centre).max():
        size = float(np.abs(centre).max())
        sides = np.repeat(size if size > 0.0 else 1.0, 2)
    return centre, sides


def _resolution(centre: Floats) -> Floats:
    """[2] the smallest half side that doubles still resolve well around a centre."""
    return np.asarray(np.abs(centre) * 1e-9 + np.finfo(np.float64).tiny, dtype=np.float64)


def _inset(main: Window, path: Path, plane: Plane, uv: Floats, excess: Floats) -> Window | None:
    """A magnifier on the minimum and the end of the path, from where its excess stays below a hundredth."""
    with np.errstate(invalid="ignore"):
        low = excess <= _VALLEY_FLOOR * path.start_excess
        high = np.flatnonzero(excess > _VALLEY_FLOOR * path.start_excess)
    if path.diverged or not low.any():
        return None
    after = low.copy()
    after[: high[-1] + 1 if len(high) else 0] = False
    settled = np.maximum.accumulate(after)
    shown = settled if 2 * after.sum() >= low.sum() else low  # noise may keep throwing it out
    framed = _bounded(np.concatenate([uv[shown], coordinates(plane, path.lowest[None])]))
    sides = np.array([main.x[1] - main.x[0], main.y[1] - main.y[0]])
    low_corner, high_corner = framed.min(axis=0), framed.max(axis=0)
    share = float(((high_corner - low_corner) / (1 - 2 * _MARGIN) / sides).max())
    if share > 1 / _LEAST_MAGNIFICATION:
        return None
    magnification = _round_factor(1 / max(share, 1 / _MOST_MAGNIFICATION))
    centre, half = (low_corner + high_corner) / 2, sides / magnification / 2
    if (half < 2 * _resolution(centre)).any():
        return None
    (x, y) = ((float(c - h), float(c + h)) for c, h in zip(centre, half, strict=True))
    return Window("inset", x, y, main.labels, magnification)


def _round_factor(value: float) -> float:
    """The largest of 1, 2, 3, 4, 5, 8 × 10ᵏ that is not above a positive value."""
    power = 10.0 ** np.floor(np.log10(value))
    return max(float(power * mantissa) for mantissa in _ROUND if power * mantissa <= value * (1 + 1e-12))


def _zoomed(name: str, main: Window, factor: float) -> Window:
    """The same middle, so many times further away."""
    spans = []
    for low, high in (main.x, main.y):
        centre, half = (low + high) / 2, (high - low) / 2 * factor
        spans.append((centre - half, centre + half))
    return Window(name, spans[0], spans[1], main.labels, 1 / factor)


def _valley(path: Path, plane: Plane, objective: LossFunction, framed: Floats, uphill: Floats) -> Window | None:
    """The same points with the axes turned into the valley: along its flattest and its sharpest direction."""
    if objective.parameter_count != 2:
        return None
    with np.errstate(all="ignore"):
        hessian = objective.hessian(path.lowest)
    if not np.isfinite(hessian).all():
        return None
    values, vectors = np.linalg.eigh(hessian)
    if not values[1] > 0.0 or values[1] - values[0] <= 0.05 * values[1]:  # a round bowl has no valley
        return None
    flat = vectors[:, 0] if vectors[np.abs(vectors[:, 0]).argmax(), 0] > 0.0 else -vectors[:, 0]
    matrix = np.array([flat, [-flat[1], flat[0]]])  # a turn, never a mirror image
    turn = (matrix, coordinates(plane, path.lowest[None])[0])
    labels = ("along the flattest direction", "along the sharpest direction")
    return _frame("valley", (framed - turn[1]) @ matrix.T, labels, matrix @ uphill, turn)
