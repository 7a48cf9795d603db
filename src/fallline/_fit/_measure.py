"""What each step did, measured after the loop has made it, in float64 from the recorded parameters.

Beside the loop, not inside it: the loop stays the plain one, and the measurements are as exact as the record.
docs/semantics.md#first-order-change, #real-change, #reach.
"""

from collections.abc import Sequence

import numpy as np
import torch

from fallline._descent import Batches
from fallline._objective import Objective
from fallline._problem import Problem
from fallline._quadratic import Quadratic
from fallline._reach import change_rounding, measure_reach
from fallline._records import Columns, Floats, Mask, Step


def measure(problem: Problem, batches: Batches, before: Floats, steps: Sequence[Step]) -> Columns:
    """The columns of consecutive steps, the first of which began at the parameters ``before`` [P]."""
    P = problem.objective.parameter_count
    after = np.array([step.parameters for step in steps], dtype=np.float64).reshape(-1, P)
    gradient = np.array([step.gradient for step in steps], dtype=np.float64).reshape(-1, P)
    loss = np.array([step.loss for step in steps])
    start = np.vstack((before[None, :], after[:-1]))[: len(after)]
    with np.errstate(all="ignore"):  # a diverging run's NaN and infinity are measurements
        update = after - start
        first_order = np.einsum("tp,tp->t", gradient, update)
        real, curvature = _real_change(problem, batches, steps, start, after)
        rounding = change_rounding(
            update,
            loss,
            feature_rms=problem.feature_rms,
            target_rms=problem.target_rms if problem.quadratic is not None else None,
            eps=problem.eps,
        )
        if curvature is None:
            reach, measured = measure_reach(first_order, 2 * (real - first_order), rounding, 2 * rounding)
        else:
            reach, measured = measure_reach(first_order, curvature, rounding, np.zeros_like(rounding))
        full_loss, full_measured = _full_loss(problem, batches, steps, after)
    return Columns(
        epoch=np.array([step.epoch for step in steps], dtype=np.float64),
        learning_rate=np.array([step.learning_rate for step in steps]),
        loss=loss,
        real_change=real,
        first_order_change=first_order,
        reach=reach,
        reach_measured=measured,
        full_loss=full_loss,
        full_loss_measured=full_measured,
        gradient=gradient,
        parameters=after,
    )


def _real_change(
    problem: Problem, batches: Batches, steps: Sequence[Step], start: Floats, after: Floats
) -> tuple[Floats, Floats | None]:
    """L(θₜ₊₁) − L(θₜ) of each step's own batch, and ΔθᵀHΔθ where the loss is the square; shapes [T]."""
    objective = problem.objective
    if batches.full:
        curvature = objective.curvature_along(after - start) if isinstance(objective, Quadratic) else None
        return objective.change(start, after), curvature
    changes = np.empty((2, len(steps)))
    rows_of: dict[int, list[torch.Tensor]] = {}
    for k, step in enumerate(steps):
        if step.epoch not in rows_of:
            rows_of = {step.epoch: batches.indices(step.epoch)}
        rows = rows_of[step.epoch][step.index % batches.per_epoch]
        if isinstance(objective, Objective):
            changes[:, k] = objective.change(start[k], after[k], rows)[0], np.nan
        else:
            changes[:, k] = _square_change(problem, rows.numpy(), start[k], after[k])
    return changes[0], None if isinstance(objective, Objective) else changes[1]


def _square_change(problem: Problem, rows: np.ndarray, start: Floats, after: Floats) -> tuple[float, float]:
    """The same for a batch of rows under the square: mean(p (2r + p)) and 2·mean(p²), p the prediction's change."""
    X, y = problem.features64[rows], problem.target64[rows]
    residual = X @ start[:-1] + start[-1] - y
    change = X @ (after - start)[:-1] + (after - start)[-1]
    return float(np.mean(change * (2 * residual + change))), 2 * float(np.mean(change**2))


def _full_loss(problem: Problem, batches: Batches, steps: Sequence[Step], after: Floats) -> tuple[Floats, Mask]:
    """Mean loss over all rows after the last step of each epoch; (values [T], measured [T])."""
    measured = np.array([(step.index + 1) % batches.per_epoch == 0 for step in steps], dtype=bool)
    values = np.zeros(len(steps))
    if measured.any():
        values[measured] = problem.objective.loss(after[measured])
    return values, measured
