"""How a run ended; docs/semantics.md#outcome says it in words."""

import numpy as np

from fallline._fit._measure import slope_scale
from fallline._fit._problem import Problem
from fallline._quadratic import Quadratic
from fallline._records import Columns, Floats, Outcome

CONVERGED_PART = 1e-6
"""The part of the excess loss that may be left."""
STALLED_PART = 0.05
"""What the last tenth must gain, as a part of all the rises of the loss within it."""


def outcome_of(problem: Problem, start_loss: float, columns: Columns, *, interrupted: bool) -> Outcome:
    """Interrupted, diverged, converged, stalled or descending, tested in this order."""
    if interrupted or not len(columns):
        return Outcome.INTERRUPTED
    losses = columns.full_loss[columns.full_loss_measured]
    last = columns.parameters[-1]
    if not np.isfinite(columns.loss).all() or not np.isfinite(last).all() or not losses[-1] <= start_loss:
        return Outcome.DIVERGED
    left = excess_left(problem, last)
    if left is not None:
        before = left + start_loss - float(losses[-1])
        if left <= max(CONVERGED_PART * before, rounding_excess(problem, float(losses[-1]), last)):
            return Outcome.CONVERGED
    return Outcome.STALLED if _stalled(start_loss, losses) else Outcome.DESCENDING


def excess_left(problem: Problem, at: Floats) -> float | None:
    """The loss above the optimum at ``at`` [P]: exact for the square, else the Newton decrement ½ gᵀH⁻¹g.

    None where it cannot be said: a loss without curvature, or a Hessian that is not positive.
    """
    if isinstance(problem.objective, Quadratic):
        return float(problem.objective.excess(at)[0])
    if problem.kind.curvature_bound is None:
        return None
    values, vectors = np.linalg.eigh(problem.objective.hessian(at))
    if not values[0] > 1e-12 * abs(values[-1]):
        return None
    along = vectors.T @ problem.objective.gradient(at)[0]
    return float(np.sum(along**2 / values) / 2)


def rounding_excess(problem: Problem, loss: float, at: Floats) -> float:
    """The excess loss at which the training dtype can no longer tell the slope from zero."""
    eps = float(np.finfo(str(problem.features.dtype).removeprefix("torch.")).eps)
    slope = eps * np.sqrt(np.diag(problem.feature_moments)) * slope_scale(problem, np.array([loss]))
    values, vectors = np.linalg.eigh(problem.objective.hessian(at))
    kept = values > 1e-12 * values[-1]
    return float(np.sum((vectors.T @ slope)[kept] ** 2 / values[kept]) / 2)


def _stalled(start_loss: float, losses: Floats) -> bool:
    """True where the last tenth of the epochs came lower by no more than a twentieth of all its rises.

    A run that creeps downhill has no rises, however small its steps: it is still descending.
    """
    tail = max(1, len(losses) // 10)
    path = np.append(start_loss, losses)
    gained = float(np.min(path[:-tail]) - np.min(path[-tail:]))
    rises = float(np.maximum(np.diff(path[-tail - 1 :]), 0.0).sum())
    return gained <= max(STALLED_PART * rises, 8 * np.finfo(np.float64).eps * abs(float(path[-1])))
