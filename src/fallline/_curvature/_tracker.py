"""Sharpness along a run: each measurement begins where the last one ended."""

import numpy as np
import torch
from numpy.typing import ArrayLike

from fallline._curvature._bound import could_be
from fallline._curvature._lanczos import Lanczos, Ritz
from fallline._curvature._operator import Operator, roots_of
from fallline._curvature._sharpness import MOST_PRODUCTS, sharpness_of, start_of, unscaled
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._records import Floats, Sharpness

NOISE = 0.7
"""Length of the new noise beside the last two directions, which together have length 1."""
TYPICAL = 1.0
"""The noise's part along the sharpest direction that is counted on, in standard deviations."""

STILL = 0.2
"""What a product may move the value by and confirm it, in tolerances: what is left is several times the last move."""


class SharpnessTracker:
    """Sharpness at one place after another, such as the parameters along a run.

    The first measurement is that of :func:`fallline.sharpness`. Each later one begins with the two sharpest directions
    of the last one and new noise, and ends when the value stands still and the bound of a start
    of typical luck (``_bound.py``)
    leaves room for no larger one. It is an estimate: its ``error`` is the residual's (an
    eigenvalue lies within it; docs/semantics.md#curvature), no bound on eigenvalues that the noise has not found yet.

    Args:
        objective: whose Hessian it is.
        tolerance: the error to reach, as a share of the value.
        seed: of the noise; every measurement draws its own.
        dtype: of the products; by default that of the parameters, and at least float32.

    >>> from fallline._quadratic import Quadratic
    >>> measure = SharpnessTracker(Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]))
    >>> round(measure([0.0, 0.0]).value, 4)
    4.7749
    """

    def __init__(
        self,
        objective: LossFunction,
        *,
        tolerance: float = 1e-2,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        if not tolerance > 0:
            raise OptionError(f"The tolerance is a share above 0, such as 1e-2; here it is {tolerance}.")
        self._objective, self._tolerance, self._seed, self._dtype = objective, tolerance, seed, dtype
        self._direction: Floats | None = None
        self.measured = 0
        """Measurements so far."""
        self.products = 0
        """Products that all of them took."""

    def __call__(self, at: ArrayLike | None = None, *, preconditioner: ArrayLike | None = None) -> Sharpness:
        """The sharpness at ``at`` [P], of P⁻¹H with a preconditioner [P]; by default where the objective was made.

        Raises:
            OptionError: the loss or its derivatives are not finite there. The tracker goes on to work elsewhere.
        """
        roots = None if preconditioner is None else roots_of(preconditioner, self._objective.parameter_count)
        operator = Operator(self._objective, at, roots=roots, dtype=self._dtype)
        seed = self._seed + self.measured
        if self._direction is None or operator.small:
            found = sharpness_of(operator, tolerance=self._tolerance, roots=roots, seed=seed)
            self._direction = found.vector
        else:
            found, self._direction = self._from_before(operator, roots, _scaled(self._direction, roots), seed)
        self.measured += 1
        self.products += found.products
        return found

    def _from_before(
        self, operator: Operator, roots: Floats | None, direction: Floats, seed: int
    ) -> tuple[Sharpness, Floats]:
        """The sharpness, and what the next measurement begins with."""
        start, random_share = start_of(operator, direction, seed, NOISE)
        lanczos = Lanczos(operator.times, start, operator.rounding)
        ritz, confirmed = confirmed_ritz(lanczos, self._tolerance, random_share * TYPICAL**2 / operator.size)
        size = max(float(np.max(np.abs(ritz.values))), lanczos.scale)
        vectors = lanczos.vectors(ritz.coefficients[:, -2:])
        found = Sharpness(
            value=float(ritz.values[-1]),
            error=float(ritz.residuals[-1]) + operator.rounding * size,
            products=operator.count,
            vector=unscaled(vectors[-1], roots),
            converged=confirmed,
            preconditioned=roots is not None,
        )
        return found, unscaled(vectors.sum(0), roots)


def confirmed_ritz(
    lanczos: Lanczos, tolerance: float, part: float, most_products: int = MOST_PRODUCTS
) -> tuple[Ritz, bool]:
    """What Lanczos says once it stands still, and no larger eigenvalue fits of which the start had a typical part."""
    before = -np.inf
    while True:
        lanczos.step()
        ritz = lanczos.ritz()
        value = float(ritz.values[-1])
        still = value - before <= STILL * tolerance * abs(value)
        if lanczos.exhausted or (still and not could_be(lanczos, value + tolerance * abs(value), part)):
            return ritz, True
        if lanczos.steps >= most_products:
            return ritz, False
        before = value


def _scaled(vector: Floats, roots: Floats | None) -> Floats:
    """The eigenvector of P^−½·H·P^−½ from that of P⁻¹H."""
    if roots is None:
        return vector
    return np.divide(vector, roots, out=np.zeros_like(vector), where=roots > 0)


def track_sharpness(
    objective: LossFunction, *, tolerance: float = 1e-2, seed: int = 0, dtype: torch.dtype | None = None
) -> SharpnessTracker:
    """A :class:`SharpnessTracker`: call it at one place after another.

    >>> from fallline._quadratic import Quadratic
    >>> measure = track_sharpness(Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]))
    >>> round(measure([0.0, 0.0]).value, 4)
    4.7749
    """
    return SharpnessTracker(objective, tolerance=tolerance, seed=seed, dtype=dtype)
