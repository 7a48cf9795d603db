"""The loss of all rows along each step's line, and what the tangent promised there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._reach import measure_reach
from fallline._records import Run
from fallline._surface import LossFunction, stacked_loss
from fallline._view._rounding import within

Floats = NDArray[np.float64]

SLICE_T = np.linspace(-0.5, 2.5, 41)


@dataclass(frozen=True)
class Slices:
    """[F, …] for the chosen steps; all rows."""

    losses: Floats
    """[F, 41] at ``SLICE_T``: 0 is θₜ, 1 is θₜ₊₁."""
    promised: Floats
    """[F] first-order change."""
    came: Floats
    """[F] real change."""
    reach: Floats
    """[F]"""
    reach_measured: NDArray[np.bool_]
    """[F]"""


def slices(run: Run, objective: LossFunction, steps: NDArray[np.int64], start: Floats, end: Floats) -> Slices:
    """Slices of the steps ``start`` → ``end`` [F, P]; in full batch the changes are the record's own."""
    with np.errstate(all="ignore"):
        update = end - start
        line = start[:, None, :] + SLICE_T[None, :, None] * update[:, None, :]
    losses = stacked_loss(objective, line.reshape(-1, start.shape[1])).reshape(len(steps), len(SLICE_T))
    columns = run.columns
    if run.header.batch_size >= run.header.rows:
        promised, came = columns.first_order_change[steps], columns.real_change[steps]
        reach, measured = columns.reach[steps], columns.reach_measured[steps]
    else:
        promised, came, rounding = _changes(run, objective, start, end)
        reach, measured = measure_reach(promised, 2 * (came - promised), rounding, 2 * rounding)
    return Slices(_readable(losses), promised, came, reach, measured)


def _changes(run: Run, objective: LossFunction, start: Floats, end: Floats) -> tuple[Floats, Floats, Floats]:
    """First-order change, real change and what rounding can explain of them, [F] each, over all rows.

    On a quadratic the real change is ½(∇L(θₜ) + ∇L(θₜ₊₁))·Δθ exactly, without the cancellation of two losses.
    """
    eps = np.finfo(np.float64).eps
    with np.errstate(all="ignore"):
        update = end - start
        slope = objective.gradient(start)
        promised = (slope * update).sum(axis=1)
        rounding = 8 * eps * np.abs(slope * update).sum(axis=1)
        if run.moments is not None:
            middle = (slope + objective.gradient(end)) / 2
            came = (middle * update).sum(axis=1)
        else:
            before, after = stacked_loss(objective, start), stacked_loss(objective, end)
            came = after - before
            rounding = rounding + 8 * eps * (np.abs(before) + np.abs(after))
    return promised, came, rounding


def _readable(losses: Floats) -> Floats:
    """Rounded to a millionth of each slice's own range."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    low = np.fmin.reduce(finite, axis=1, keepdims=True)
    high = np.fmax.reduce(finite, axis=1, keepdims=True)
    return within(losses, low, high)
