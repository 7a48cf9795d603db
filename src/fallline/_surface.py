"""The loss on a plane: one value per cell of a grid.

Values are ``[row = second axis, column = first axis]``: ``loss[r, c]`` is the loss at ``(x[c], y[r])``.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fallline._planes import Plane, points

Floats = NDArray[np.float64]

_CHUNK = 1 << 14  # vectors evaluated at once: bounds the memory of a big grid


class LossFunction(Protocol):
    """A loss as a function of one flat parameter vector, for many vectors at once."""

    @property
    def parameter_count(self) -> int:
        """P"""

    def loss(self, parameters: Floats, /) -> Floats:
        """[B] mean loss over all rows at ``parameters`` [B, P]."""

    def gradient(self, parameters: Floats, /) -> Floats:
        """[B, P] its gradient."""


@dataclass(frozen=True)
class Grid:
    """A rectangle of the plane (possibly turned) and the loss at its nodes, its edges included."""

    x: Floats
    """[nx] first axis."""
    y: Floats
    """[ny] second axis."""
    loss: Floats
    """[ny, nx]"""


def stacked_loss(objective: LossFunction, vectors: Floats) -> Floats:
    """[B] the loss at ``vectors`` [B, P], in chunks; overflow gives inf, silently: it is a measurement."""
    losses = np.empty(len(vectors))
    with np.errstate(over="ignore", invalid="ignore"):
        for begin in range(0, len(vectors), _CHUNK):
            losses[begin : begin + _CHUNK] = objective.loss(vectors[begin : begin + _CHUNK])
    return losses


def grid_loss(
    objective: LossFunction,
    plane: Plane,
    *,
    x: tuple[float, float],
    y: tuple[float, float],
    shape: tuple[int, int],
    turn: tuple[Floats, Floats] | None = None,
) -> Grid:
    """The loss over the window ``x`` × ``y`` of a plane at ``shape = (nx, ny)`` nodes.

    With ``turn = (matrix, origin)``, an orthogonal ``[2, 2]`` and a ``[2]``, the window's axes are
    ``matrix · (uv − origin)`` instead of the plane's own.
    """
    xs = np.linspace(x[0], x[1], shape[0])
    ys = np.linspace(y[0], y[1], shape[1])
    columns, rows = np.meshgrid(xs, ys)
    nodes = np.stack([columns.ravel(), rows.ravel()], axis=1)
    if turn is not None:
        matrix, origin = turn
        nodes = nodes @ matrix + origin  # the inverse of an orthogonal matrix is its transpose
    return Grid(xs, ys, stacked_loss(objective, points(plane, nodes)).reshape(shape[1], shape[0]))
