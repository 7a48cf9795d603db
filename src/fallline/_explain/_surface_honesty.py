"""The honesty panel beside every picture of a loss: what the plane shows, and how far it can be trusted."""

import numpy as np

from fallline._records import Surface
from fallline._wording import count, number, percent

SAME = 1e-6
"""Two losses that differ by a smaller part are said to be equal."""
SHARE_SAME = 0.0005
"""Two shares that differ by less are written alike."""
OFF = 1e-9
"""A distance below this part of the picture's width is rounding: the path lies in the plane."""


def honesty(surface: Surface) -> list[str]:
    """Sentences: the plane, the path's share and distance, its true loss, the interpolation, cells that are no numbers.

    >>> import fallline as fl
    >>> from fallline._formulas import formula
    >>> ravine = formula("ravine")
    >>> for sentence in honesty(fl.surface(ravine, fl.plane(ravine, "hessian", at=[1.0, 10.0]))):
    ...     print(sentence)
    The cut along the two directions in which the loss curves most at its origin; all others are flatter there.
    Interpolated from 13×13 nodes: 202 evaluations for 8,181 cells.
    Every cell is finite.
    """
    panel = [surface.plane.note, *_path(surface), *_interpolation(surface), _finite(surface), *surface.notes]
    return [sentence for sentence in panel if sentence]


def _path(surface: Surface) -> list[str]:
    if surface.path is None or len(surface.path) < 2:
        return []
    share = surface.explained_variance
    known = surface.plane.explained_variance  # then the plane's own note says it, where the path is the one it is of
    said_before = share is not None and known is not None and abs(share - known) < SHARE_SAME
    said = [] if share is None or said_before else [f"{percent(share)} of the path's variance lies in this plane."]
    return [*said, *_distances(surface), *_losses(surface)]


def _distances(surface: Surface) -> list[str]:
    """How far the points are from their shadows, beside how far they are from each other."""
    if surface.path is None or surface.path_distance is None:
        return []
    finite = np.isfinite(surface.path_distance) & np.isfinite(surface.path).all(axis=1)
    if not finite.any():
        return ["No point of the path is finite."]
    lost = int(np.sum(~finite))
    bad = [f"{count(lost, 'point')} of the path {'is' if lost == 1 else 'are'} not finite."] if lost else []
    away, shadows = surface.path_distance[finite], surface.path[finite]
    width = float(np.linalg.norm(np.ptp(shadows, axis=0)))
    if away.max() <= OFF * max(width, float(np.abs(surface.plane.origin).max(initial=0.0))):
        return [*bad, "All of the path lies in the plane."]
    furthest = int(np.flatnonzero(finite)[int(away.argmax())])
    return [
        *bad,
        f"Half of the path's points lie within {number(float(np.median(away)), 3)} of the plane, the farthest (point "
        f"{furthest}) {number(float(away.max()), 3)} away; their shadows are spread over {number(width, 3)}.",
    ]


def _losses(surface: Surface) -> list[str]:
    """The point where the picture's loss is furthest from the true one."""
    if surface.path_loss is None or surface.path_plane_loss is None:
        return []
    true, drawn = surface.path_loss, surface.path_plane_loss
    both = np.isfinite(true) & np.isfinite(drawn)
    if not both.any():
        return []
    size = np.maximum(np.abs(true), np.abs(drawn))
    off = np.where(both, np.abs(true - drawn), -1.0) / np.where(both & (size > 0.0), size, 1.0)
    worst = int(off.argmax())
    if off[worst] <= SAME:
        return ["At every point of the path the loss is that of the plane."]
    return [
        f"The loss at the path's points is not the plane's: at point {worst} it is {number(float(true[worst]))}, and "
        f"the plane shows {number(float(drawn[worst]))} under it."
    ]


def _interpolation(surface: Surface) -> list[str]:
    cells = surface.loss.size
    if not surface.method.startswith("chebyshev"):
        return [f"The loss was evaluated in every cell: {cells:,}."] if surface.complete else []
    nodes = surface.method.removeprefix("chebyshev ")
    said = [f"Interpolated from {nodes} nodes: {count(surface.evaluations, 'evaluation')} for {cells:,} cells."]
    if surface.local_error is not None and surface.local_error > SAME:
        said.append(f"It may be off by {percent(surface.local_error)} of the loss there{_estimates(surface)}.")
    return said


def _estimates(surface: Surface) -> str:
    if surface.fresh_error is None or surface.between_nodes is None:
        return ""
    return (
        f": {percent(surface.fresh_error)} was the most at fresh cells, {percent(surface.between_nodes)} the most by "
        "which fewer nodes differ"
    )


def _finite(surface: Surface) -> str:
    if not surface.not_finite:
        return "Every cell is finite." if surface.complete else ""
    known = int(surface.known.sum())
    return f"{surface.not_finite:,} of {known:,} cells are not finite (NaN or infinite): they are shown as such."
