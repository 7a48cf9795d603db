"""Surfaces with paths that leave their plane, on a loss of as many parameters as asked for."""

import numpy as np

import fallline as fl
from fallline._records import Floats, Surface


class Valley:
    """½ Σ cₖ θₖ², with curvatures 1, 2, 3, 1, 2, 3 …"""

    optimum: Floats | None = None
    floor: float | None = None

    def __init__(self, count: int) -> None:
        self.parameter_count = count
        self._curvatures = 1.0 + np.arange(count) % 3

    def loss(self, parameters: Floats) -> Floats:
        return np.asarray(0.5 * (parameters**2) @ self._curvatures)

    def gradient(self, parameters: Floats) -> Floats:
        return np.asarray(parameters * self._curvatures)

    def hessian(self, parameters: Floats) -> Floats:
        return np.diag(self._curvatures)

    def change(self, before: Floats, after: Floats) -> Floats:
        return self.loss(after) - self.loss(before)


def high_dimensional(count: int) -> tuple[Surface, Floats, Floats]:
    """A surface of a plane through two of a path's three directions; the path [6, P], its gradients [5, P]."""
    valley = Valley(count)
    path = np.zeros((6, count))
    path[:, :3] = [[3, 2, 2], [2, 1.5, -1], [1, 1, 1], [0.5, 0.8, -0.5], [0.2, 0.5, 0.4], [0.1, 0.2, 0.1]]
    plane = fl.plane(valley, "parameters", names=[0, 1], at=path[-1])
    return fl.surface(valley, plane, shape=(31, 31), path=path), path, valley.gradient(path[:-1])
