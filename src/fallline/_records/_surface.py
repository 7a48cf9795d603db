"""A plane through parameter space, and the loss on it; docs/semantics.md#surface defines every word.

Shapes: P parameters, T points of a path, nx and ny cells along the two axes. Values of a surface are
``[row = second axis, column = first axis]``.
"""

from dataclasses import dataclass, field

from fallline._records._path_moves import PathMoves, PathRate
from fallline._records._read_only import ReadOnlyArrays
from fallline._records._run import Floats, Mask


@dataclass(frozen=True)
class Plane:
    """A plane in parameter space; P parameters.

    Its point ``(u, v)`` is ``origin + u·directions[0] + v·directions[1]``.
    """

    kind: str
    """``parameters``, ``path``, ``hessian``, ``random``, ``checkpoints``: docs/semantics.md#planes."""
    origin: Floats
    """[P]"""
    directions: Floats
    """[2, P] orthonormal rows."""
    axes: tuple[str, str]
    """What the two axes are called."""
    note: str
    """A sentence: what lies in this plane and what does not."""
    explained_variance: float
    """Share of the path's variance that lies in the plane, 0 … 1; 1 where the plane is the whole space.

    NaN for a plane that no path made.
    """
    path: Floats | None = field(default=None, repr=False, compare=False)
    """[T, P] the points that made the plane: a path, checkpoints; None where none did."""
    reach: tuple[float, float] | None = None
    """How far a picture goes to either side of the origin along each axis where nothing else says so."""
    center: tuple[float, float] = (0.0, 0.0)
    """Where such a picture has its middle, in plane coordinates."""


@dataclass(frozen=True, eq=False)
class Surface(ReadOnlyArrays):
    """The loss on a rectangle of a plane, and how far the picture can be trusted."""

    plane: Plane
    x: Floats
    """[nx] first axis, rising, in lengths of parameter space."""
    y: Floats
    """[ny] second axis."""
    loss: Floats
    """[ny, nx] NaN and ±∞ are measurements; meaningless where not ``known``."""
    known: Mask
    """[ny, nx] False in the cells that an interruption left out."""
    method: str
    """``every cell``, or ``chebyshev 17×17``: interpolated from so many nodes."""
    evaluations: int
    """How often the loss was evaluated for the surface, the fresh points included, those of the path not."""
    local_error: float | None
    """What a cell may be off by, relative to the loss there: twice the larger of the two estimates that follow.

    None where every cell was evaluated.
    """
    fresh_error: float | None
    """The largest local relative error at fresh points; None where every cell was evaluated, or none checked."""
    between_nodes: float | None
    """The largest local relative difference, over all cells, from what fewer nodes give; None as above."""
    not_finite: int
    """How many known cells are not finite."""
    path: Floats | None = None
    """[T, 2] the path's shadows in plane coordinates."""
    path_loss: Floats | None = None
    """[T] the loss at the points of the path themselves."""
    path_plane_loss: Floats | None = None
    """[T] the loss at their shadows in the plane."""
    path_distance: Floats | None = None
    """[T] how far each point of the path lies from the plane."""
    explained_variance: float | None = None
    """Share of the path's variance that lies in the plane; None without a path."""
    path_lengths: Floats | None = None
    """[T − 1] how long each move is in the whole space, from a point of the path to the next."""
    moves: PathMoves | None = None
    """What the loss does along some of them; None where it was not asked."""
    rate: PathRate | None = None
    """Of the run whose path it is; None where that is not known."""
    notes: tuple[str, ...] = ()
    """What was done: with the normalisation layers, at a fallback, after an interruption."""

    @property
    def complete(self) -> bool:
        """True unless an interruption left cells out."""
        return bool(self.known.all())

    def __repr__(self) -> str:
        off = "" if self.local_error is None else f", local error {self.local_error:.2g}"
        part = "" if self.complete else f", {int(self.known.sum())} cells known"
        return f"<Surface {len(self.x)}×{len(self.y)} of a {self.plane.kind} plane: {self.method}{off}{part}>"
