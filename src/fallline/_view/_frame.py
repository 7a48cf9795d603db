"""What a picture of a run frames, for whoever draws it without a browser."""

from dataclasses import dataclass

import numpy as np

from fallline._loss_function import LossFunction
from fallline._planes import Plane, coordinates, parameter_plane, path_plane
from fallline._records import Floats, Run
from fallline._surface import stacked_loss
from fallline._view._curve import KIND, curve_plane, on_curve
from fallline._view._path import Path
from fallline._view._windows import choose_windows


@dataclass(frozen=True)
class Frame:
    """The main window of a run's picture."""

    plane: Plane
    x: tuple[float, float]
    y: tuple[float, float]
    axes: tuple[str, str]
    path: Floats
    """[T + 1, 2] in the plane."""
    minimum: Floats | None
    """[2] the optimum in the plane, where it is known."""
    floor: float
    """The loss that colours are measured from."""
    start_excess: float
    """Loss above it at the start."""


def main_frame(run: Run, objective: LossFunction) -> Frame:
    """The window that the live picture opens with."""
    path = Path.of(run, objective)
    plane = plane_of(run, path)
    window = choose_windows(path, plane, objective, np.full(len(path.vectors), np.nan))[0]
    minimum = None if path.optimum is None else coordinates(plane, path.optimum[None])[0]
    return Frame(
        plane,
        window.x,
        window.y,
        window.labels,
        coordinates(plane, path.vectors),
        minimum,
        path.floor,
        path.start_excess,
    )


def plane_of(run: Run, path: Path) -> Plane:
    """The plane a run is seen in: w and b themselves; of one parameter its curve; else two directions of the path."""
    names = run.header.parameter_names
    if len(names) == 1:
        return curve_plane(names[0])
    if len(names) == 2:
        return parameter_plane(0, 1, names)
    return path_plane(path.framed, origin=path.lowest)


def place(plane: Plane, vectors: Floats, objective: LossFunction) -> Floats:
    """[n, 2] where parameter vectors [n, P] are drawn: in the plane, or on the curve of a loss of one parameter."""
    if plane.kind == KIND:
        return on_curve(vectors, stacked_loss(objective, vectors))
    return coordinates(plane, vectors)
