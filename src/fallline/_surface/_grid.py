"""The loss on a plane: one value per cell of a grid.

Values are ``[row = second axis, column = first axis]``: ``loss[r, c]`` is the loss at ``(x[c], y[r])``.
"""

from dataclasses import dataclass

import numpy as np

from fallline._loss_function import LossFunction
from fallline._planes import Plane, points
from fallline._quadratic import Quadratic
from fallline._records import Floats

LOCAL_ERROR = 0.005
_CHUNK = 1 << 14  # vectors evaluated at once …
_NUMBERS = 1 << 21  # … and numbers in them: bounds the memory of a big grid


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


def plane_loss(objective: LossFunction, plane: Plane, uv: Floats) -> Floats:
    """[B] the loss at plane coordinates ``uv`` [B, 2]: of many parameters never all vectors at once.

    On a quadratic loss of more than two parameters the plane's own quadratic is evaluated.
    """
    if isinstance(objective, Quadratic) and objective.parameter_count > 2 and len(plane.directions) == 2:
        return objective.loss_on_plane(plane.origin, plane.directions, uv)
    chunk = min(_CHUNK, max(1, _NUMBERS // objective.parameter_count))
    pieces = [uv[begin : begin + chunk] for begin in range(0, len(uv), chunk)]
    return np.concatenate([stacked_loss(objective, points(plane, piece)) for piece in pieces] or [np.empty(0)])


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
    xs, ys = np.linspace(*x, shape[0]), np.linspace(*y, shape[1])
    return Grid(xs, ys, _on_nodes(objective, plane, xs, ys, turn))


def smooth_grid_loss(
    objective: LossFunction,
    plane: Plane,
    *,
    x: tuple[float, float],
    y: tuple[float, float],
    shape: tuple[int, int],
    floor: float,
    turn: tuple[Floats, Floats] | None = None,
    local_error: float = LOCAL_ERROR,
) -> Grid | None:
    """:func:`grid_loss` interpolated from 17 × 17, else 33 × 33, Chebyshev nodes, for losses dear to
    evaluate.

    It is checked against the loss itself at 30 of its cells, most of them among the lowest: the largest
    error relative to the local excess above ``floor`` must be at most ``local_error``. None where it is not, as
    at a kink, or where a value is not finite. (Berrut and Trefethen 2004, "Barycentric Lagrange
    Interpolation".)
    """
    xs, ys = np.linspace(*x, shape[0]), np.linspace(*y, shape[1])
    for count in (17, 33):
        unit = np.cos(np.pi * np.arange(count) / (count - 1))
        node_x, node_y = ((side[0] + side[1]) / 2 + (side[1] - side[0]) / 2 * unit for side in (x, y))
        values = _on_nodes(objective, plane, node_x, node_y, turn)
        if not np.isfinite(values).all():
            return None
        across, along = (_barycentric(np.linspace(-1, 1, nodes), unit) for nodes in shape)
        with np.errstate(over="ignore", invalid="ignore"):
            guess = along @ values @ across.T
        if not np.isfinite(guess).all():
            return None
        ranks = np.unique(np.geomspace(1, guess.size, 30).astype(np.int64)) - 1
        row, column = np.unravel_index(np.argsort(guess, axis=None)[ranks], guess.shape)
        true = _at(objective, plane, np.stack([xs[column], ys[row]], axis=1), turn)
        with np.errstate(over="ignore", invalid="ignore"):
            local = np.maximum(true - floor, 1e-6 * np.ptp(values))
            true_enough = np.abs(guess[row, column] - true) <= local_error * local
        if bool(true_enough.all()):
            return Grid(xs, ys, guess)
    return None


def _on_nodes(
    objective: LossFunction, plane: Plane, xs: Floats, ys: Floats, turn: tuple[Floats, Floats] | None
) -> Floats:
    """[ny, nx] the loss at every pair of ``xs`` [nx] and ``ys`` [ny]."""
    columns, rows = np.meshgrid(xs, ys)
    nodes = np.stack([columns.ravel(), rows.ravel()], axis=1)
    return np.reshape(_at(objective, plane, nodes, turn), (len(ys), len(xs)))


def _at(objective: LossFunction, plane: Plane, nodes: Floats, turn: tuple[Floats, Floats] | None) -> Floats:
    """[B] the loss at window coordinates ``nodes`` [B, 2]."""
    if turn is not None:
        matrix, origin = turn
        nodes = nodes @ matrix + origin  # the inverse of an orthogonal matrix is its transpose
    return plane_loss(objective, plane, nodes)


def _barycentric(at: Floats, nodes: Floats) -> Floats:
    """[n, nodes] matrix that takes values at Chebyshev nodes of the second kind to values at ``at`` [n]."""
    weights = np.where(np.arange(len(nodes)) % 2 == 0, 1.0, -1.0)
    weights[[0, -1]] /= 2
    offset = at[:, None] - nodes[None, :]
    hit = offset == 0.0
    ratio = weights / np.where(hit, 1.0, offset)
    matrix = ratio / ratio.sum(axis=1, keepdims=True)
    return np.asarray(np.where(hit.any(axis=1, keepdims=True), hit.astype(np.float64), matrix))
