"""Sharpness along a run: each measurement begins where the last one ended."""

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from fallline._arguments import checked_products, checked_seed, checked_tolerance
from fallline._curvature._bound import could_be
from fallline._curvature._course import Course, move, searched
from fallline._curvature._lanczos import Lanczos, Ritz
from fallline._curvature._operator import Operator, roots_of
from fallline._curvature._sample import Start, sample_start, with_direction
from fallline._curvature._sharpness import (
    MOST_PRODUCTS,
    SAFETY,
    SETTLED,
    from_start,
    left,
    sharpness_of,
    start_of,
    unscaled,
)
from fallline._curvature._stability import limit_by
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._objective import Objective
from fallline._points import refuse_other
from fallline._records import Floats, Sharpness, StabilityLimit

NOISE = 0.7
"""Length of the new noise beside the last two directions, which together have length 1."""
STILL = 0.2
"""What a product may move the value by and confirm it, in tolerances: what is left is several times the last move."""

TYPICAL = 1.0
"""The noise's part along the sharpest direction that is counted on, in standard deviations. Without it the old
direction is confirmed where another has become as sharp, which at the edge of stability happens all the time (measured
there: up to 21 % wrong, against 0.01 %)."""

SETTLED_LATER = 5e-4
"""As :data:`fallline._curvature._sharpness.SETTLED`, of a search that begins with the last direction as well."""
FOLLOWED = 2e-3
"""The same of a direction that is followed, whose gap was measured shortly before."""


class SharpnessTracker:
    """Sharpness at one place after another, such as the parameters along a run.

    The first measurement is that of :func:`fallline.sharpness`. Each later one begins with the sharpest direction of
    the last one: beside a new start from a sample of the rows, or alone as long as what it has moved since the last
    such search is less than half of the gap to the next eigenvalue. It ends by the estimate of
    :func:`fallline.sharpness`. Where the rows are too few to sample it begins with the two sharpest directions of the
    last one and noise, and ends when the value stands still and no far larger eigenvalue fits of which the noise has a
    typical part; then the error is the residual's. Neither is a bound (docs/semantics.md#curvature).

    Args:
        objective: whose Hessian it is.
        tolerance: the error to reach, as a share of the value.
        seed: of the noise; every measurement draws its own.
        dtype: of the products; by default that of the parameters, and at least float32.
        most_products: where a measurement gives up; what was reached is told then, as not converged.

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
        most_products: int = MOST_PRODUCTS,
    ) -> None:
        refuse_other(objective)
        self._tolerance, self._seed = checked_tolerance(tolerance, "1e-2"), checked_seed(seed)
        self._most_products = checked_products(most_products)
        self._objective, self._dtype = objective, dtype
        self._direction: Floats | None = None
        self._course: Course | None = None
        self.measured = 0
        """Measurements so far."""
        self.products = 0
        """Products that all of them took."""
        self.sample_products = 0
        """With a sample of the rows, beside those."""

    def __call__(self, at: object = None, *, preconditioner: ArrayLike | None = None) -> Sharpness:
        """The sharpness at ``at`` [P], of P⁻¹H with a preconditioner [P]; by default where the model stands now.

        Raises:
            OptionError: the loss or its derivatives are not finite there. The tracker goes on to work elsewhere.
        """
        roots = None if preconditioner is None else roots_of(preconditioner, self._objective.parameter_count)
        return self._measured(Operator(self._objective, at, roots=roots, dtype=self._dtype), roots)

    def limit(self, optimizer: torch.optim.Optimizer) -> StabilityLimit:
        """As :func:`fallline.stability_limit`, of the optimizer as it stands now, from where the last one ended.

        Raises:
            OptionError: as there; or the objective is an exact one, which has no model.

        >>> model = torch.nn.Linear(1, 1, dtype=torch.float64)
        >>> x = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
        >>> measure = SharpnessTracker(Objective(model, torch.nn.MSELoss(), (x, 2 * x + 1)))
        >>> round(measure.limit(torch.optim.SGD(model.parameters(), lr=0.1)).value, 4)
        0.4189
        """
        if not isinstance(self._objective, Objective):
            raise OptionError("An optimizer's limit is tracked on an fl.Objective, whose model it trains.")
        return limit_by(self._measured, optimizer, self._objective, self._dtype)

    def _measured(self, operator: Operator, roots: Floats | None) -> Sharpness:
        seed = self._seed + self.measured
        before = None if self._direction is None else _scaled(self._direction, roots)
        if before is not None and not before.any():  # all of it lay in what stands still now
            before, self._course = None, None
        if operator.small:
            found = sharpness_of(operator, tolerance=self._tolerance, roots=roots)
            self._direction = np.array(found.vector)  # a record's arrays are read-only, which torch would warn of
        else:
            found = self._measured_from(operator, roots, before, seed)
        self.measured += 1
        self.products += found.products
        self.sample_products += found.sample_products
        return found

    def _measured_from(self, operator: Operator, roots: Floats | None, before: Floats | None, seed: int) -> Sharpness:
        """Along the course where that can be followed, and else by a search."""
        course = self._course
        start = None if before is None else torch.from_numpy(before / np.linalg.norm(before)).to(operator.dtype)
        if start is None or course is None or not course.can_be_followed:
            return self._searched(operator, roots, start, seed)
        found, onward = self._followed(operator, roots, start, course.gap_expected)
        self._course = course.followed(found.value, found.vector, _moved(course, found, roots))
        if self._course is None:
            self._course = course
            return self._searched(operator, roots, onward, seed)
        self._direction = unscaled(onward, roots)
        return found

    def _followed(
        self, operator: Operator, roots: Floats | None, start: Tensor, gap: float
    ) -> tuple[Sharpness, Tensor]:
        """By products that begin with the last direction [P] alone; and what the next measurement begins with."""
        lanczos = Lanczos(operator.times, start, operator.rounding)
        while True:
            lanczos.step()
            ritz = lanczos.ritz()
            value = float(ritz.values[-1])
            floor = operator.rounding * max(float(np.max(np.abs(ritz.values))), lanczos.scale)
            goal = max(self._tolerance * abs(value) - floor, floor)
            close = lanczos.exhausted or SAFETY * left(ritz, gap, fewest=1) <= min(goal, SAFETY * FOLLOWED * abs(value))
            if close or lanczos.steps >= self._most_products:
                break
        found = Sharpness(
            value=value,
            error=(goal if close else float(ritz.residuals[-1])) + floor,
            products=operator.count,
            vector=unscaled(lanczos.vectors(ritz.coefficients[:, -1:])[0], roots),
            converged=close,
            preconditioned=roots is not None,
        )
        return found, lanczos.onward(ritz)

    def _searched(self, operator: Operator, roots: Floats | None, before: Tensor | None, seed: int) -> Sharpness:
        """By a start from a sample of the rows; without one from noise, and both beside the last direction [P]."""
        begin = sample_start(operator, seed, before)
        if begin is None and before is not None:
            start = start_of(operator, before.double().cpu().numpy(), seed, NOISE)
            found, vectors = self._confirmed(operator, roots, start)
            self._direction, self._course = unscaled(vectors.sum(0), roots), None
            return found
        start = start_of(operator, None, seed) if begin is None else begin
        found, lanczos, ritz = from_start(
            operator,
            start if before is None else with_direction(start, before),
            roots,
            tolerance=self._tolerance,
            bound=False,
            most_products=self._most_products,
            settled=SETTLED if before is None else SETTLED_LATER,
        )
        gap = gap_of(ritz, start.gap)
        moved = math.inf if self._course is None else _moved(self._course, found, roots)
        self._course = None if gap is None else searched(found.value, found.vector, gap, moved, self._tolerance)
        # a record's arrays are read-only, which torch would warn of
        self._direction = np.array(found.vector) if begin is None else unscaled(lanczos.onward(ritz), roots)
        return found

    def _confirmed(self, operator: Operator, roots: Floats | None, begin: Start) -> tuple[Sharpness, Tensor]:
        lanczos = Lanczos(operator.times, begin.vector, operator.rounding)
        part = begin.random_share * TYPICAL**2 / operator.size
        ritz, confirmed = confirmed_ritz(lanczos, self._tolerance, part, self._most_products)
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
        return found, vectors


def confirmed_ritz(lanczos: Lanczos, tolerance: float, part: float, most_products: int) -> tuple[Ritz, bool]:
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


def _moved(course: Course, found: Sharpness, roots: Floats | None) -> float:
    """Since the last measurement; in the coordinates in which the operator is symmetric."""
    return move(course.value, _scaled(course.vector, roots), found.value, _scaled(np.array(found.vector), roots))


def gap_of(ritz: Ritz, sampled: float | None) -> float | None:
    """The smaller one of the gap in the sample and that to the next Ritz value, as a share; None where unknown."""
    if sampled is None or len(ritz.values) < 2 or not ritz.values[-1] > 0:
        return None
    return min(1.0, sampled, 1 - float(ritz.values[-2] / ritz.values[-1]))


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
