"""The stability limit of a descent, and the curvature it rests on."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from fallline._curvature import Limit, frozen_limit, preconditioner, provable_limit, threshold
from fallline._curvature import sharpness as sharpest
from fallline._descent import Batches, optimizer_class, optimizer_options
from fallline._errors import OptionError
from fallline._objective import Objective
from fallline._problem._neuron import NeuronProblem
from fallline._problem._protocol import Problem, SweptProblem
from fallline._records import Floats, LimitKind

MOST_BATCHES = 200
MOST_WHOLE = 300
"""Parameters of a model whose whole Hessian is worked out; of a larger one Lanczos finds the largest eigenvalue."""


class Curvature(NamedTuple):
    """The eigenvalues of a Hessian that a run is judged by."""

    sharpness: float | None
    """Largest eigenvalue; for a neuron's loss that is no quadratic the largest it can have anywhere."""
    flattest: float | None
    """Smallest eigenvalue above rounding."""
    condition_number: float | None


def spread(eigenvalues: Floats, rounding: float = 1e-15) -> Curvature:
    """Largest, smallest above ``rounding`` · largest, and their ratio, from all eigenvalues [P] of a Hessian.

    Where one is negative beyond that there is no bowl, and neither a flattest direction nor a ratio.

    >>> spread(np.array([4.0, 2.0, 0.0]))
    Curvature(sharpness=4.0, flattest=2.0, condition_number=2.0)
    """
    largest = float(np.max(eigenvalues))
    above = eigenvalues[eigenvalues > largest * rounding]
    if not largest > 0 or not above.size:
        return Curvature(None, None, None)
    if (above.size == 1 and eigenvalues.size > 1) or float(np.min(eigenvalues)) < -1e-9 * largest:
        return Curvature(largest, None, None)  # one direction says nothing about the shape of the bowl
    smallest = float(np.min(above))
    return Curvature(largest, smallest, largest / smallest)


def curvature_of(problem: SweptProblem, at: Floats) -> Curvature:
    """The curvature a descent is judged by, at the parameters ``at`` [P] where it depends on them."""
    if problem.quadratic is not None:
        return spread(problem.quadratic.eigenvalues, rounding=0.0)
    bound = problem.curvature_bound
    if not problem.curves or not np.isfinite(at).all():
        return Curvature(bound, None, None)
    if _is_large(problem):
        return Curvature(_sharpest(problem, at, None), None, None)
    hessian = problem.objective.hessian(at)
    if not np.isfinite(hessian).all():
        return Curvature(bound, None, None)
    local = spread(np.asarray(np.linalg.eigvalsh(hessian), dtype=np.float64))
    return local if bound is None else Curvature(bound, local.flattest, local.condition_number)


def sharpest_batch(problem: NeuronProblem, batches: Batches) -> float:
    """The largest curvature bound over the batches of the first epoch (at most 200 of them)."""
    bound = problem.kind.curvature_bound
    if bound is None:
        raise ValueError(f"the loss {problem.kind.name} has no curvature bound")
    X = np.hstack((problem.features64, np.ones((len(problem.features64), 1))))
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
    """The limit of this optimizer as it stands at ``at`` [P], None where there is none.

    docs/semantics.md#stability-limit.
    """
    return _limit(problem, type(optimizer).__name__, options, at, sharpness, preconditioner(optimizer))


def limit_at(
    problem: SweptProblem,
    optimizer_name: str,
    options: Mapping[str, object],
    *,
    at: Floats | None = None,
    preconditioner: Floats | None = None,
) -> Limit | None:
    """The limit of an optimizer by name, at the parameters ``at`` [P]; None where there is none.

    Without ``at``: at the lowest minimum that is known, else at the usual start. ``preconditioner`` [P] is
    that of an adaptive optimizer at that moment; without it an adaptive optimizer has no limit.

    >>> from fallline._problem import given_problem
    >>> limit_at(given_problem(formula="(w - 3)^2"), "SGD", {})
    Limit(value=1.0, kind=<LimitKind.PROVABLE: 'provable'>)
    """
    where = problem.usual_place() if at is None else at
    name = optimizer_class(optimizer_name)[0].__name__
    complete = optimizer_options(optimizer_name, options)
    return _limit(problem, name, complete, where, curvature_of(problem, where).sharpness, preconditioner)


def _limit(
    problem: SweptProblem,
    name: str,
    options: Mapping[str, object],
    at: Floats,
    sharpness: float | None,
    diagonal: Floats | None,
) -> Limit | None:
    if sharpness is None or not sharpness > 0:
        return None
    limit = provable_limit(name, options, sharpness)
    if limit is not None:
        return Limit(limit.value, _kind(problem))
    if diagonal is None or not np.isfinite(diagonal).all() or not np.isfinite(at).all() or not (diagonal > 0).all():
        return None
    if _is_large(problem):
        found = _sharpest(problem, at, diagonal)
        return None if found is None else threshold(name, options, found)
    return frozen_limit(name, options, problem.objective.hessian(at), diagonal)


def _is_large(problem: SweptProblem) -> bool:
    """A model whose Hessian is multiplied with vectors, and not written out."""
    return isinstance(problem.objective, Objective) and problem.objective.parameter_count > MOST_WHOLE


def _sharpest(problem: SweptProblem, at: Floats, diagonal: Floats | None) -> float | None:
    """The largest eigenvalue of H, or of P⁻¹H; None where the derivatives are not finite."""
    try:
        return sharpest(problem.objective, at, preconditioner=diagonal).value
    except OptionError:
        return None


def _kind(problem: SweptProblem) -> LimitKind:
    if problem.quadratic is not None:
        return LimitKind.PROVABLE
    return LimitKind.LOCAL if problem.curvature_bound is None else LimitKind.ANYWHERE
