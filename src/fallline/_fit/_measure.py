"""What each step did, measured after the loop has made it, in float64 from the recorded parameters.

Beside the loop, not inside it: the loop stays the plain one, and the measurements are as exact as the record.
docs/semantics.md#first-order-change, #real-change, #reach.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fallline._descent import Batches
from fallline._problem import Problem
from fallline._reach import measure_reach
from fallline._records import Columns, Floats, Mask, Step


def measure(problem: Problem, batches: Batches | None, before: Floats, steps: Sequence[Step]) -> Columns:
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
        rounding = problem.change_rounding(start, update, loss)
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
    problem: Problem, batches: Batches | None, steps: Sequence[Step], start: Floats, after: Floats
) -> tuple[Floats, Floats | None]:
    """L(θₜ₊₁) − L(θₜ) of each step's own batch, and ΔθᵀHΔθ where the loss is an exact parabola; shapes [T]."""
    exact = problem.quadratic
    if batches is None or batches.full:
        if exact is None:
            return problem.objective.change(start, after), None
        return exact.change(start, after), exact.curvature_along(after - start)
    changes, curvatures = np.empty(len(steps)), np.empty(len(steps))
    rows_of: dict[int, list[NDArray[np.int64]]] = {}
    for k, step in enumerate(steps):
        if step.epoch not in rows_of:
            rows_of = {step.epoch: problem.batch_rows(batches.size, batches.seed, step.epoch)}
        rows = rows_of[step.epoch][step.index % batches.per_epoch]
        changes[k], curvature = problem.batch_change(rows, start[k], after[k])
        curvatures[k] = np.nan if curvature is None else curvature
    return changes, None if exact is None else curvatures


def _full_loss(problem: Problem, batches: Batches | None, steps: Sequence[Step], after: Floats) -> tuple[Floats, Mask]:
    """Mean loss over all rows after the last step of each epoch; (values [T], measured [T])."""
    per_epoch = 1 if batches is None else batches.per_epoch
    measured = np.array([(step.index + 1) % per_epoch == 0 for step in steps], dtype=bool)
    values = np.zeros(len(steps))
    if measured.any():
        values[measured] = problem.objective.loss(after[measured])
    return values, measured
