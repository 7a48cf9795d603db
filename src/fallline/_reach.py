"""Reach: how far a step went, measured against the bottom of the parabola along it.

    reach = 2 · (1 − real change / first-order change)        (= ΔθᵀHΔθ / (−∇L·Δθ) on a quadratic)

The parabola through L(θₜ) with the slope ∇L·Δθ and the value L(θₜ₊₁) has its bottom at 1/reach of the step: 1 lands
there, 2 is level on the other wall, above 2 is uphill, near 0 is timid. docs/semantics.md#reach.
"""

from enum import StrEnum

import numpy as np

from fallline._records import Floats, Mask


class NoReach(StrEnum):
    """Why a step has no reach."""

    NOTHING_MOVED = "nothing moved"
    NOT_FINITE = "a number of this step is not finite"
    UPHILL = "the step points uphill"
    LEVEL = "the slope along the step is below rounding"
    NO_BOTTOM = "no bottom ahead: the curvature along the step is negative"


def measure_reach(first_order_change: Floats, real_change: Floats, rounding: Floats) -> tuple[Floats, Mask]:
    """Reach of each step, and where it is defined.

    Args:
        first_order_change: [T] ∇L·Δθ.
        real_change: [T] L(θₜ₊₁) − L(θₜ).
        rounding: [T] how large an error of the two changes rounding alone can explain.

    Returns:
        (reach [T], measured [T]); reach is 0 and meaningless where it is not measured.

    >>> reach, measured = measure_reach(np.array([-2.0, 1.0]), np.array([-1.0, 1.0]), np.zeros(2))
    >>> reach[0], measured
    (np.float64(1.0), array([ True, False]))
    """
    with np.errstate(all="ignore"):  # not finite is data; it is masked just below
        curvature = 2 * (real_change - first_order_change)
        downhill = first_order_change < -rounding
        measured = downhill & np.isfinite(curvature) & (curvature >= -2 * rounding)
        reach = np.divide(curvature, -first_order_change, where=measured, out=np.zeros_like(curvature))
        straight = curvature <= 2 * rounding  # a curvature that rounding could explain is none
    return np.where(measured & ~straight, reach, 0.0), measured


def why_no_reach(first_order_change: float, real_change: float, moved: bool) -> NoReach:
    """The reason in words for a step whose reach is not defined.

    >>> why_no_reach(0.3, -0.1, True).value
    'the step points uphill'
    """
    if not (np.isfinite(first_order_change) and np.isfinite(real_change)):
        return NoReach.NOT_FINITE
    if not moved:
        return NoReach.NOTHING_MOVED
    if first_order_change > 0:
        return NoReach.UPHILL
    if real_change < first_order_change:
        return NoReach.NO_BOTTOM
    return NoReach.LEVEL
