"""What each step did, measured after the loop has made it, in float64 from the recorded parameters.

Beside the loop, not inside it: the loop stays the plain one, and the measurements are as exact as the record.
docs/semantics.md#first-order-change, #real-change, #reach.
"""

from collections.abc import Sequence

import numpy as np
import torch

from fallline._descent import Batches
from fallline._fit._problem import Problem
from fallline._objective import Objective
from fallline._reach import measure_reach
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
        real = _real_change(problem, batches, steps, start, after)
        rounding = _rounding(problem, loss, update)
        reach, measured = measure_reach(first_order, real, rounding)
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


def _real_change(problem: Problem, batches: Batches, steps: Sequence[Step], start: Floats, after: Floats) -> Floats:
    """L(θₜ₊₁) − L(θₜ) of each step's own batch; shape [T]."""
    if batches.full:
        return problem.objective.change(start, after)
    change = np.empty(len(steps))
    rows_of: dict[int, list[torch.Tensor]] = {}
    for k, step in enumerate(steps):
        if step.epoch not in rows_of:
            rows_of = {step.epoch: batches.indices(step.epoch)}
        rows = rows_of[step.epoch][step.index % batches.per_epoch]
        if isinstance(problem.objective, Objective):
            change[k] = problem.objective.change(start[k], after[k], rows)[0]
        else:
            change[k] = _square_change(problem, rows.numpy(), start[k], after[k])
    return change


def _square_change(problem: Problem, rows: np.ndarray, start: Floats, after: Floats) -> float:
    """The same for a batch of rows under the square: mean(p (2r + p)) with p the change of the prediction."""
    X, y = problem.features64[rows], problem.target64[rows]
    residual = X @ start[:-1] + start[-1] - y
    change = X @ (after - start)[:-1] + (after - start)[-1]
    return float(np.mean(change * (2 * residual + change)))


def _rounding(problem: Problem, loss: Floats, update: Floats) -> Floats:
    """How much of a first-order change rounding in the training dtype can explain; shape [T].

    A slope is a mean of x·∂loss/∂prediction: with the square its terms are at most √(2 Hᵢᵢ L) on average
    (Cauchy–Schwarz), and a prediction itself carries the rounding of the target's size.
    """
    eps = float(torch.finfo(problem.features.dtype).eps)
    return np.asarray(4 * eps * (np.abs(update) @ np.sqrt(np.diag(problem.feature_moments)))) * slope_scale(
        problem, loss
    )


def slope_scale(problem: Problem, loss: Floats) -> Floats:
    """The size of ∂loss/∂prediction that rounding acts on, for each loss value [T]."""
    if problem.kind.slope_bound is not None:
        return np.full_like(loss, problem.kind.slope_bound)
    return np.asarray(2 * (np.sqrt(np.abs(loss)) + np.sqrt(np.mean(problem.target64**2))))


def _full_loss(problem: Problem, batches: Batches, steps: Sequence[Step], after: Floats) -> tuple[Floats, Mask]:
    """Mean loss over all rows after the last step of each epoch; (values [T], measured [T])."""
    measured = np.array([(step.index + 1) % batches.per_epoch == 0 for step in steps], dtype=bool)
    values = np.zeros(len(steps))
    if measured.any():
        values[measured] = problem.objective.loss(after[measured])
    return values, measured
