"""How a run ended; docs/semantics.md#outcome says it in words."""

import numpy as np

from fallline._problem._protocol import Problem
from fallline._problem._stalling import has_stalled
from fallline._records import Columns, Floats, Outcome

CONVERGED_PART = 1e-6
"""The part of the excess loss that may be left."""
DIVERGED_PART = 0.1
"""How far above its start a run must end, as a part of the starting loss."""
FLAT = 1e-12
"""Eigenvalues below this part of the largest are directions without curvature."""
DOWNWARD = 1e-9
"""An eigenvalue below minus this part of the largest means ground that curves down."""


def outcome_of(problem: Problem, start_loss: float, columns: Columns, *, interrupted: bool) -> Outcome:
    """Interrupted, diverged, converged, stalled or descending, tested in this order."""
    if interrupted or not len(columns):
        return Outcome.INTERRUPTED
    losses = columns.full_loss[columns.full_loss_measured]
    last = columns.parameters[-1]
    if not np.isfinite(columns.loss).all() or not np.isfinite(last).all() or not np.isfinite(losses[-1]):
        return Outcome.DIVERGED
    left = excess_left(problem, last)
    if left is not None:
        before = max(left, left + start_loss - float(losses[-1]))
        if left <= max(CONVERGED_PART * before, rounding_excess(problem, float(losses[-1]), last)):
            return Outcome.CONVERGED
    if losses[-1] > start_loss + DIVERGED_PART * abs(start_loss):
        return Outcome.DIVERGED
    eps = float(np.finfo(problem.dtype).eps)
    stalled = has_stalled(np.append(start_loss, losses)[:, None], eps)[0]
    return Outcome.STALLED if stalled else Outcome.DESCENDING


def excess_left(problem: Problem, at: Floats) -> float | None:
    """The loss above the optimum at ``at`` [P]: exact for the square, else the Newton decrement ½ gᵀH⁻¹g.

    Directions without curvature (features that repeat one another) are left out where the slope along them is none
    either. None where the excess cannot be said: a loss without curvature, a slope that no curvature will end, or
    ground that curves down (a formula near a saddle or a top).
    """
    if problem.quadratic is not None:
        return float(problem.quadratic.excess(at)[0])
    if not problem.curves:
        return None
    hessian, gradient = problem.objective.hessian(at), problem.objective.gradient(at)[0]
    if not (np.isfinite(hessian).all() and np.isfinite(gradient).all()):
        return None
    values, vectors = np.linalg.eigh(hessian)
    along = vectors.T @ gradient
    curved = values > FLAT * abs(values[-1])
    if not curved.any() or values[0] < -DOWNWARD * abs(values[-1]):
        return None
    if (np.abs(along[~curved]) > np.abs(vectors.T[~curved]) @ _slope_rounding(problem, 0.0, at)).any():
        return None
    return float(np.sum(along[curved] ** 2 / values[curved]) / 2)


def rounding_excess(problem: Problem, loss: float, at: Floats) -> float:
    """The excess loss at which the training dtype can no longer tell the slope from zero."""
    values, vectors = np.linalg.eigh(problem.objective.hessian(at))
    curved = values > FLAT * values[-1]
    along = np.abs(vectors.T) @ _slope_rounding(problem, loss, at)
    return float(np.sum(along[curved] ** 2 / values[curved]) / 2)


def _slope_rounding(problem: Problem, loss: float, at: Floats) -> Floats:
    """How large each slope [P] can be from rounding in the training dtype alone, a quarter of what reach allows."""
    each = np.eye(problem.objective.parameter_count)
    return problem.change_rounding(np.tile(at, (len(each), 1)), each, np.full(len(each), loss)) / 4
