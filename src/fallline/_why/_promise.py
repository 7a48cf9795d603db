"""How good the first-order promise is: the change that the slope promises, against the change that comes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._records import Floats

COUNT = 41
LINEAR_COUNT = 51
LOWEST = 1e-4
"""The smallest rate, as a part of the largest."""
ROUNDING = 1e-12
"""An error below this part of the promise is rounding, and is left out of the fit; so is ..."""
ROUNDINGS = 64
"""... one below so many roundings of the loss itself."""
EPS = float(np.finfo(np.float64).eps)
FEWEST = 6
"""A line through fewer points says nothing."""


@dataclass(frozen=True)
class PowerLaw:
    """y ∝ x^exponent, fitted through logarithms by least squares."""

    exponent: float
    error: float
    """How far off it may be: two standard errors of the fit, or the change of the exponent between the lower and the
    upper half of the points, whichever is larger."""
    points: int


@dataclass(frozen=True, eq=False)
class FirstStep:
    """One step from the start, to the bottom and past it."""

    rates: Floats
    """[K] evenly spaced from 0."""
    promised: Floats
    """[K]"""
    real: Floats
    """[K] the change of the loss that came."""


@dataclass(frozen=True, eq=False)
class Promise:
    """One step from the start at many rates."""

    rates: Floats
    """[K]"""
    promised: Floats
    """[K] ∇L·Δθ = −η|∇L|²"""
    real: Floats
    """[K] the change of the loss that came."""
    law: PowerLaw | None
    """Of |real − promised| over the rate; None where too few errors are above rounding."""
    fitted: NDArray[np.bool_]
    """[K] the rates that the law was fitted to."""
    half_curvature: float | None
    """½ gᵀHg: on a parabola the error is η² times this, exactly; None elsewhere."""
    off: float | None
    """The largest relative difference from that over the fitted rates."""
    along: float | None
    """gᵀHg at the start, 0 where rounding explains it; None for a loss made of straight pieces, which has none."""
    bottom_rate: float | None
    """Where the parabola through this step has its bottom, |g|²/gᵀHg at the start: reach 1; None where it has none."""

    @property
    def errors(self) -> Floats:
        """[K] |real − promised|"""
        with np.errstate(all="ignore"):
            return np.abs(self.real - self.promised)


def first_step(objective: LossFunction, start: Floats, highest: float) -> FirstStep:
    """Take one step of plain descent from ``start`` [P] at 51 rates from 0 to ``highest``."""
    rates = np.linspace(0.0, highest, LINEAR_COUNT)
    slope = objective.gradient(start[None])[0]
    with np.errstate(all="ignore"):
        real = objective.change(np.broadcast_to(start, (len(rates), len(start))), start - rates[:, None] * slope)
    return FirstStep(rates, -rates * float(slope @ slope), np.asarray(real))


def power_law(x: Floats, y: Floats) -> PowerLaw | None:
    """Fit y ∝ x^k; None for fewer than six points.

    >>> x = np.geomspace(1, 100, 10)
    >>> round(power_law(x, 3 * x**2).exponent, 9)
    2.0
    """
    if len(x) < FEWEST:
        return None
    across, up = np.log(x), np.log(y)
    slope, standard = _line(across, up)
    half = len(x) // 2
    bend = abs(_line(across[:half], up[:half])[0] - _line(across[half:], up[half:])[0])
    return PowerLaw(slope, max(2 * standard, bend), len(x))


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope of the least-squares line and its standard error."""
    across = x - x.mean()
    slope = float(across @ y / (across @ across))
    residual = y - y.mean() - slope * across
    freedom = max(1, len(x) - 2)
    return slope, float(np.sqrt(residual @ residual / freedom / (across @ across)))


def promise(objective: LossFunction, start: Floats, highest: float, *, quadratic: bool, curves: bool = True) -> Promise:
    """Take one step of plain descent from ``start`` [P] at 41 rates up to ``highest``, each for real.

    ``quadratic`` says that the loss is a parabola, ``curves`` that it is not made of straight pieces. The law is
    fitted to the lower half of the rates.
    """
    rates = highest * np.geomspace(LOWEST, 1.0, COUNT)
    slope = objective.gradient(start[None])[0]
    promised = -rates * float(slope @ slope)
    with np.errstate(all="ignore"):
        real = objective.change(np.broadcast_to(start, (COUNT, len(start))), start - rates[:, None] * slope)
        errors = np.abs(real - promised)
        rounding = np.maximum(ROUNDING * np.abs(promised), ROUNDINGS * EPS * abs(float(objective.loss(start[None])[0])))
    fitted = np.isfinite(errors) & (errors > rounding) & (np.arange(COUNT) <= COUNT // 2)
    along = _along(objective, start, slope) if curves else None
    half = along / 2 if quadratic and along is not None else None
    off = None
    if half is not None and half > 0 and fitted.any():
        off = float(np.max(np.abs(errors[fitted] / (half * rates[fitted] ** 2) - 1)))
    return Promise(
        rates=rates,
        promised=promised,
        real=np.asarray(real),
        law=power_law(rates[fitted], errors[fitted]),
        fitted=fitted,
        half_curvature=half,
        off=off,
        along=along,
        bottom_rate=float(slope @ slope) / along if along is not None and along > 0 else None,
    )


def _along(objective: LossFunction, start: Floats, slope: Floats) -> float:
    """gᵀHg; 0 where it is rounding of the sums that it is made of."""
    hessian = objective.hessian(start)
    along = float(slope @ hessian @ slope)
    terms = float(np.abs(slope) @ np.abs(hessian) @ np.abs(slope))
    return along if abs(along) > ROUNDINGS * EPS * terms else 0.0
