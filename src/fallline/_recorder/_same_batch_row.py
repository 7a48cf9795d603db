"""From two evaluations of one batch to what is said of its step: changes, curvature, cosine, reach.

docs/semantics.md#on-the-same-batch.
"""

import math
from typing import NamedTuple

import numpy as np

from fallline._reach import measure_reach
from fallline._recorder._step_sums import StepSums
from fallline._records import SameBatchSeries

LOSS_ROUNDING = 2
SLOPE_ROUNDING = 4
"""How many units of rounding; held against float64, small networks need 0.7 of the first and 2.4 of the second."""


class Evaluated(NamedTuple):
    """The closure's losses before and after the step."""

    before: float
    after: float
    given: float | None
    """What ``watch.step`` was given."""


def same_batch_row(step: int, loss: Evaluated, sums: StepSums, eps: float) -> SameBatchSeries:
    """One row; ``eps`` is the rounding unit of what the loss was computed in.

    >>> sums = StepSums(-2.0, 2.0, 4.0, 1.0, 0.0, 0.0, 1.0, 2.0)
    >>> row = same_batch_row(0, Evaluated(5.0, 4.0, 5.0), sums, 0.0)
    >>> row.reach[0], row.curvature[0], bool(row.as_given[0])
    (np.float64(1.0), np.float64(0.5), True)
    """
    reach, measured = _reach(loss, sums, eps)
    lengths = math.sqrt(sums.squared_before) * math.sqrt(sums.squared_after)
    moved = sums.squared_update != 0
    return SameBatchSeries(
        step=np.array([step], dtype=np.int64),
        loss_before=np.array([loss.before]),
        loss_after=np.array([loss.after]),
        first_order_change=np.array([sums.slope_before]),
        curvature=_ratio(sums.curvature, sums.squared_update),
        gradient_cosine=_ratio(sums.alignment, lengths),
        reach=reach,
        reach_measured=measured,
        moved=np.array([moved]),
        as_given=np.array([_as_given(loss, sums, eps)]),
    )


def _reach(loss: Evaluated, sums: StepSums, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Of all curvatures that the two losses allow, rounding considered, the one nearest to that of the two slopes.

    The parabola through slope and loss before and the loss after the step is the definition. Of a short step the
    losses differ by less than their rounding; then their slopes, which do not cancel, decide.
    """
    first = np.array([sums.slope_before])
    between_slopes = np.array([sums.curvature])
    with np.errstate(all="ignore"):
        between_losses = 2 * ((loss.after - loss.before) - first)
        allowed = 2 * LOSS_ROUNDING * eps * (abs(loss.before) + abs(loss.after) + 2 * sums.value_spread + 2)
        curvature = np.clip(between_slopes, between_losses - allowed, between_losses + allowed)
        rounding = np.array([SLOPE_ROUNDING * eps * sums.slope_spread])
    if not math.isfinite(sums.curvature):  # the gradient after the step is not needed for the definition
        curvature, rounding = between_losses, np.array([SLOPE_ROUNDING * eps * sums.value_spread])
    return measure_reach(first, curvature, rounding, 2 * rounding)


def _as_given(loss: Evaluated, sums: StepSums, eps: float) -> bool:
    if loss.given is None:
        return False
    if loss.given == loss.before or (math.isnan(loss.given) and math.isnan(loss.before)):
        return True
    difference = abs(loss.given - loss.before)
    return math.isfinite(difference) and difference <= 2 * LOSS_ROUNDING * eps * (abs(loss.before) + sums.value_spread)


def _ratio(value: float, by: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.array([value]) / np.float64(by)
