"""The loss of all rows along each step's line, and what the tangent promised there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._reach import measure_reach
from fallline._records import Floats, Run
from fallline._surface import stacked_loss
from fallline._view._rounding import within

SLICE_T = np.linspace(-0.5, 2.5, 41)


@dataclass(frozen=True)
class Slices:
    """[F, …] for the chosen steps; all rows."""

    losses: Floats
    """[F, n] along the step: 0 is θₜ, 1 is θₜ₊₁."""
    promised: Floats
    """[F] first-order change."""
    came: Floats
    """[F] real change."""
    reach: Floats
    """[F]"""
    reach_measured: NDArray[np.bool_]
    """[F]"""


def slices(
    run: Run, objective: LossFunction, steps: NDArray[np.int64], start: Floats, end: Floats, places: Floats = SLICE_T
) -> Slices:
    """Slices of the steps ``start`` → ``end`` [F, P]; in full batch the changes are the record's own.

    ``places`` [n] are in steps, 0 at θₜ and 1 at θₜ₊₁.
    """
    with np.errstate(all="ignore"):
        update = end - start
        line = start[:, None, :] + places[None, :, None] * update[:, None, :]
    losses = stacked_loss(objective, line.reshape(-1, start.shape[1])).reshape(len(steps), len(places))
    columns = run.columns
    if run.header.full_batch:
        promised, came = columns.first_order_change[steps], columns.real_change[steps]
        reach, measured = columns.reach[steps], columns.reach_measured[steps]
    else:
        from fallline._fit import float64_rounding  # noqa: PLC0415  (only here is torch needed)

        with np.errstate(all="ignore"):
            promised = (objective.gradient(start) * update).sum(axis=1)
            came = objective.change(start, end)
            bend = 2 * (came - promised)
        rounding = float64_rounding(run, start, update, stacked_loss(objective, start))
        reach, measured = measure_reach(promised, bend, rounding, 2 * rounding)
    return Slices(readable(losses), promised, came, reach, measured)


def readable(losses: Floats, digits: int = 6) -> Floats:
    """Rounded to so many digits of each slice's own range."""
    finite = np.where(np.isfinite(losses), losses, np.nan)
    low = np.fmin.reduce(finite, axis=1, keepdims=True)
    high = np.fmax.reduce(finite, axis=1, keepdims=True)
    return within(losses, low, high, digits)
