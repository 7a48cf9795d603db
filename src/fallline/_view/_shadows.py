"""What a picture of more than two parameters hides: how far paths are from their shadows, the loss under their ends."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._loss_function import LossFunction
from fallline._planes import Plane, coordinates, distance, points
from fallline._records import Floats
from fallline._surface import stacked_loss
from fallline._wording import number, percent

ROUNDING = 1e-9
"""Of the shadows' spread: a path nearer than this lies in the plane."""
SAME = 1e-6
"""Two losses that differ by a smaller part are said to be equal."""


class Shadowed(NamedTuple):
    """One of the paths in a picture."""

    label: str
    path: Floats
    """[R, P]"""
    ends_at: float
    """The loss at its last point."""
    diverged: bool


def fullness(plane: Plane, path: Floats) -> list[float] | None:
    """[R] of a path [R, P]: 1 for a point in the plane, down to 0 where it is as far as the path is wide.

    None where the plane holds everything there is.
    """
    if path.shape[1] <= 2:
        return None
    away, width = distance(plane, path), _width(coordinates(plane, path))
    with np.errstate(all="ignore"):
        share = away / width if width > 0 else np.zeros(len(away))
    full: list[float] = np.round(1.0 - np.clip(np.nan_to_num(share, nan=1.0), 0.0, 1.0), 3).tolist()
    return full


def hidden(objective: LossFunction, plane: Plane, runs: Sequence[Shadowed]) -> list[str]:
    """The same in words; nothing where the plane holds everything there is."""
    dimensions = objective.parameter_count
    if dimensions <= 2:
        return []
    return [_cut(dimensions, plane), *_far(plane, runs), *_under(objective, plane, runs)]


def _cut(dimensions: int, plane: Plane) -> str:
    """Which plane it is, and how much of the paths it holds."""
    share = percent(plane.explained_variance)
    return (
        f"It is the cut through {dimensions:,} dimensions that holds most of the paths drawn here: {share} of their "
        "variance. Points off it are drawn as their shadows."
    )


def _width(shadows: Floats) -> float:
    finite = shadows[np.isfinite(shadows).all(axis=1)]
    return float(np.linalg.norm(np.ptp(finite, axis=0))) if len(finite) else 0.0


def _far(plane: Plane, runs: Sequence[Shadowed]) -> list[str]:
    """Whose path leads farthest away from the plane."""
    found = []
    for run in runs:
        away = distance(plane, run.path)
        away = away[np.isfinite(away)]
        if away.size and not run.diverged:
            found.append((float(away.max()), run.label, _width(coordinates(plane, run.path))))
    if not found:
        return []
    farthest, whose, width = max(found)
    if farthest <= ROUNDING * max(width, 1.0):
        return ["All paths lie in it."]
    return [
        f"The path of {whose} leads farthest from it: {number(farthest, 3)}, where its shadow is {number(width, 3)} "
        "wide. The hollower a mark, the farther its point."
    ]


def _under(objective: LossFunction, plane: Plane, runs: Sequence[Shadowed]) -> list[str]:
    """The end whose loss is least that of the plane under it."""
    ended = [run for run in runs if np.isfinite(run.path[-1]).all()]
    if not ended:
        return []
    drawn = stacked_loss(objective, points(plane, coordinates(plane, np.array([run.path[-1] for run in ended]))))
    true = np.array([run.ends_at for run in ended])
    both = np.isfinite(drawn) & np.isfinite(true)
    size = np.maximum(np.abs(drawn), np.abs(true))
    with np.errstate(all="ignore"):
        off = np.where(both & (size > 0), np.abs(drawn - true) / size, 0.0)
    worst = int(off.argmax())
    if off[worst] <= SAME:
        return ["At the ends of all paths the loss is that of the plane."]
    return [
        f"The colours are the plane's loss, not the paths': {ended[worst].label} ends at "
        f"{number(float(true[worst]))}, and the plane shows {number(float(drawn[worst]))} under it."
    ]
