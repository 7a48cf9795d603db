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


def measure_reach(
    first_order_change: Floats, curvature: Floats, rounding: Floats, curvature_rounding: Floats
) -> tuple[Floats, Mask]:
    """Reach of each step, and where it is defined.

    Args:
        first_order_change: [T] ∇L·Δθ.
        curvature: [T] ΔθᵀHΔθ, or 2·(real change − first-order change) where H is not known.
        rounding: [T] how large a first-order change rounding alone can explain.
        curvature_rounding: [T] the same for the curvature; below it the ground is straight.

    Returns:
        (reach [T], measured [T]); reach is 0 and meaningless where it is not measured.

    >>> none = np.zeros(2)
    >>> reach, measured = measure_reach(np.array([-2.0, 1.0]), np.array([2.0, 0.0]), none, none)
    >>> reach[0], measured
    (np.float64(1.0), array([ True, False]))
    """
    with np.errstate(all="ignore"):  # not finite is data; it is masked just below
        downhill = first_order_change < -rounding
        measured = downhill & np.isfinite(curvature) & (curvature >= -curvature_rounding)
        bends = measured & (curvature > curvature_rounding)
        reach = np.divide(curvature, -first_order_change, where=bends, out=np.zeros_like(curvature))
    return reach, measured


ALIKE = 0.2
"""Two reaches of one step, by its slopes and by its losses, agree to this part of the larger one."""


def on_a_parabola(by_slopes: Floats, by_losses: Floats) -> Mask:
    """[T] True where both parabolas of a step are about the same one; docs/semantics.md#curvature-along-the-step.

    The one through both slopes has the reach Δθᵀ(g_after − g_before) / (−g·Δθ), that through a slope and both losses
    2 · (1 − real change / first-order change). After a step that left the valley they are 1 and 2, whatever happened.

    >>> on_a_parabola(np.array([0.5, 1.0]), np.array([0.55, 2.0]))
    array([ True, False])
    """
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(by_slopes), np.abs(by_losses))
        return np.asarray(np.abs(by_slopes - by_losses) <= ALIKE * size)


def change_rounding(
    update: Floats, loss: Floats, *, feature_rms: Floats, target_rms: float | None, eps: float
) -> Floats:
    """How large a first-order change rounding in the training dtype can explain; shape [T].

    A slope is a mean of x·∂loss/∂prediction. Under the square, ∂loss/∂prediction is 2·residual, of root mean square
    2·√L, and the prediction itself carries the rounding of the target's size; other losses have slopes of at most 1.
    Four units of rounding of that, by the Cauchy–Schwarz inequality.

    Args:
        update: [T, P] Δθ.
        loss: [T]
        feature_rms: [P] root mean square of each feature, 1 for the bias.
        target_rms: of the target where the loss is the square, else None.
        eps: of the training dtype.
    """
    slope = np.ones_like(loss) if target_rms is None else 2 * (np.sqrt(np.abs(loss)) + target_rms)
    return np.asarray(4 * eps * (np.abs(update) @ feature_rms) * slope)


def why_no_reach(first_order_change: float, real_change: float, rounding: float, *, moved: bool) -> NoReach:
    """The reason in words for a step whose reach is not defined.

    >>> why_no_reach(0.3, -0.1, 1e-9, moved=True).value
    'the step points uphill'
    """
    if not (np.isfinite(first_order_change) and np.isfinite(real_change)):
        return NoReach.NOT_FINITE
    if not moved:
        return NoReach.NOTHING_MOVED
    if first_order_change > rounding:
        return NoReach.UPHILL
    if first_order_change < -rounding and real_change < first_order_change - rounding:
        return NoReach.NO_BOTTOM
    return NoReach.LEVEL
