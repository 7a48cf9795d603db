"""The stability limit of a fit, and the curvature it rests on."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from fallline._curvature import Limit, frozen_limit, preconditioner, provable_limit
from fallline._descent import Batches
from fallline._problem._problem import Problem
from fallline._quadratic import Quadratic
from fallline._records import Floats, LimitKind

MOST_BATCHES = 200


class Curvature(NamedTuple):
    """The eigenvalues of a Hessian that a run is judged by."""

    sharpness: float | None
    """Largest eigenvalue; for a loss that is no quadratic the largest it can have anywhere."""
    flattest: float | None
    """Smallest eigenvalue above rounding."""
    condition_number: float | None


def spread(eigenvalues: Floats, rounding: float = 1e-15) -> Curvature:
    """Largest, smallest above ``rounding`` · largest, and their ratio, from all eigenvalues [P] of a Hessian.

    >>> spread(np.array([4.0, 2.0, 0.0]))
    Curvature(sharpness=4.0, flattest=2.0, condition_number=2.0)
    """
    largest = float(np.max(eigenvalues))
    above = eigenvalues[eigenvalues > largest * rounding]
    if not largest > 0 or not above.size:
        return Curvature(None, None, None)
    if above.size == 1 and eigenvalues.size > 1:
        return Curvature(largest, None, None)  # one direction says nothing about the shape of the bowl
    smallest = float(np.min(above))
    return Curvature(largest, smallest, largest / smallest)


def curvature_of(problem: Problem, at: Floats) -> Curvature:
    """The curvature a fit is judged by, at the parameters ``at`` [P] where it depends on them."""
    if isinstance(problem.objective, Quadratic):
        return spread(problem.objective.eigenvalues, rounding=0.0)
    bound = problem.kind.curvature_bound
    if bound is None or not np.isfinite(at).all():
        return Curvature(None if bound is None else largest_anywhere(problem), None, None)
    local = spread(np.asarray(np.linalg.eigvalsh(problem.objective.hessian(at)), dtype=np.float64))
    return Curvature(largest_anywhere(problem), local.flattest, local.condition_number)


def largest_anywhere(problem: Problem) -> float:
    """A bound on the Hessian's largest eigenvalue at any parameters; exact for the square."""
    bound = problem.kind.curvature_bound
    if bound is None:
        raise ValueError(f"the loss {problem.kind.name} has no curvature bound")
    return bound * float(np.linalg.eigvalsh(problem.feature_moments)[-1])


def sharpest_batch(problem: Problem, batches: Batches) -> float:
    """The largest such bound over the batches of the first epoch (at most 200 of them)."""
    bound = problem.kind.curvature_bound
    if bound is None:
        raise ValueError(f"the loss {problem.kind.name} has no curvature bound")
    ones = np.ones((problem.rows, 1))
    X = np.hstack((problem.features64, ones))
    sharpest = 0.0
    for rows in batches.indices(0)[:MOST_BATCHES]:
        batch = X[rows.numpy()]
        sharpest = max(sharpest, bound * float(np.linalg.eigvalsh(batch.T @ batch / len(batch))[-1]))
    return sharpest


def limit_of(
    problem: Problem,
    optimizer: torch.optim.Optimizer,
    options: Mapping[str, object],
    at: Floats,
    sharpness: float | None,
) -> Limit | None:
    """The limit of this optimizer on this problem, None where there is none; docs/semantics.md#stability-limit."""
    if sharpness is None or not sharpness > 0:
        return None
    name = type(optimizer).__name__
    limit = provable_limit(name, options, sharpness)
    if limit is not None:
        return limit if isinstance(problem.objective, Quadratic) else Limit(limit.value, LimitKind.ANYWHERE)
    diagonal = preconditioner(optimizer)
    if diagonal is None or not np.isfinite(diagonal).all() or not np.isfinite(at).all() or not (diagonal > 0).all():
        return None
    return frozen_limit(name, options, problem.objective.hessian(at), diagonal)
