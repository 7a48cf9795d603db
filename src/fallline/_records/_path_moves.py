"""What the loss does along a path's moves, from each of its points to the next, where it was asked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._records._read_only import ReadOnlyArrays
from fallline._records._run import Floats, Mask


@dataclass(frozen=True, eq=False)
class PathRate(ReadOnlyArrays):
    """The learning rates of the run whose path it is, as that run recorded them; T points."""

    value: Floats
    """[T] of the step that was made from each point; NaN where that is not known."""
    limit: Floats
    """[T] the stability limit that the run measured there; NaN where it did not."""

    @property
    def share(self) -> Floats:
        """[T] value / limit; NaN where either is not known."""
        with np.errstate(all="ignore"):
            return np.asarray(self.value / self.limit)


@dataclass(frozen=True, eq=False)
class PathMoves(ReadOnlyArrays):
    """K moves of a path of T points, each at one of its points; slopes are full gradients, asked of the objective."""

    at: NDArray[np.int64]
    """[K] the point each begins at, rising; the move leads to the next one."""
    gradient: Floats
    """[K, 2] the part of the gradient that lies in the plane, in plane coordinates."""
    gradient_norm: Floats
    """[K] length of the whole gradient."""
    promised: Floats
    """[K] ∇L·Δθ"""
    came: Floats
    """[K] the loss at the end of the move minus that at its beginning."""
    reach: Floats
    """[K] meaningless where not ``reach_measured``; docs/semantics.md#reach."""
    reach_measured: Mask
    """[K]"""
    no_reach: tuple[str, ...]
    """[K] why there is none; empty where there is one."""
    slice_t: Floats
    """[S] parts of a move: 0 its beginning, 1 its end."""
    slice_loss: Floats
    """[K, S] the loss along each move, in the whole space, not in the plane."""
