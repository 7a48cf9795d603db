"""A linear model under mean squared error is exactly quadratic in its parameters.

    L(θ) = mean((X̃θ − y)²) = c + ½ (θ − θ*)ᵀ H (θ − θ*),    X̃ = [X, 1],  H = (2/N) X̃ᵀX̃

so its moments, gathered once, answer everything at a cost that no longer depends on the rows (any textbook on
linear regression; Goh 2017, "Why Momentum Really Works", for the closed form of descent). NumPy only, float64.
"""

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from fallline._records import Floats, Moments


class Quadratic:
    """The mean squared error of a linear model as a function of its P = D + 1 parameters (weights, then bias).

    >>> quadratic = Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> quadratic.optimum.round(12), round(quadratic.optimum_loss, 12)
    (array([2., 1.]), 0.0)
    >>> quadratic.loss([[2.0, 1.0], [2.0, 2.0]]).round(12)
    array([0., 1.])
    """

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        self._hessian = moments.hessian
        self.optimum = moments.optimum
        self.optimum_loss = moments.optimum_loss

    @classmethod
    def from_data(cls, features: ArrayLike, target: ArrayLike) -> "Quadratic":
        """Gather the moments of features [N, D] and target [N], centred before they are multiplied."""
        X = np.asarray(features, dtype=np.float64)
        y = np.asarray(target, dtype=np.float64)
        center, level = X.mean(axis=0), float(y.mean())
        X_centred, y_centred = X - center, y - level
        covariance = X_centred.T @ X_centred / len(y)
        weights = np.linalg.lstsq(covariance, X_centred.T @ y_centred / len(y), rcond=None)[0]
        residual = y_centred - X_centred @ weights
        return cls(
            Moments(
                hessian=_hessian(covariance, center),
                optimum=np.append(weights, level - weights @ center),
                optimum_loss=float(residual @ residual / len(y)),
            )
        )

    @property
    def parameter_count(self) -> int:
        """P."""
        return len(self.optimum)

    def excess(self, parameters: ArrayLike) -> Floats:
        """L(θ) − L(θ*) for a stack of parameter vectors [B, P]; shape [B]."""
        with np.errstate(all="ignore"):
            offset = np.atleast_2d(np.asarray(parameters, dtype=np.float64)) - self.optimum
            return self.curvature_along(offset) / 2

    def loss(self, parameters: ArrayLike) -> Floats:
        """Mean squared error for a stack of parameter vectors [B, P]; shape [B]."""
        return self.optimum_loss + self.excess(parameters)

    def gradient(self, parameters: ArrayLike) -> Floats:
        """H (θ − θ*) for a stack [B, P]; shape [B, P]."""
        offset = np.atleast_2d(np.asarray(parameters, dtype=np.float64)) - self.optimum
        with np.errstate(all="ignore"):  # a diverged run's NaN and infinity are data
            return np.asarray(offset @ self._hessian)

    def hessian(self, parameters: ArrayLike | None = None) -> Floats:
        """H [P, P], the same at all parameters."""
        del parameters  # part of the interface of an objective; a quadratic's curvature is constant
        return self._hessian

    def change(self, before: ArrayLike, after: ArrayLike) -> Floats:
        """L(after) − L(before) for pairs of parameter vectors [B, P]; shape [B].

        As ∇L·Δθ + ½ ΔθᵀHΔθ, so that nothing is lost to the difference of two large losses.
        """
        start = np.atleast_2d(np.asarray(before, dtype=np.float64))
        update = np.atleast_2d(np.asarray(after, dtype=np.float64)) - start
        with np.errstate(all="ignore"):
            slope = np.einsum("bp,bp->b", self.gradient(start), update)
            return np.asarray(slope + self.curvature_along(update) / 2)

    def curvature_along(self, directions: ArrayLike) -> Floats:
        """dᵀHd for a stack of directions [B, P]; shape [B]."""
        stack = np.atleast_2d(np.asarray(directions, dtype=np.float64))
        with np.errstate(all="ignore"):
            return np.asarray(np.einsum("bp,bp->b", stack @ self._hessian, stack))

    @cached_property
    def _eigen(self) -> tuple[Floats, Floats]:
        _, singular, directions = np.linalg.svd(_root(self._hessian))
        above = singular > singular[0] * len(singular) * np.finfo(np.float64).eps
        return np.where(above, singular, 0.0) ** 2, directions.T

    @property
    def eigenvalues(self) -> Floats:
        """[P] of H, the sharpest first; 0 where rounding hides it."""
        return self._eigen[0]

    @property
    def eigenvectors(self) -> Floats:
        """[P, P], one column per eigenvalue."""
        return self._eigen[1]

    def reparametrised(self, matrix: ArrayLike) -> "Quadratic":
        """The same loss as a function of φ, where θ = A φ for an invertible matrix A [P, P]."""
        A = np.asarray(matrix, dtype=np.float64)
        return Quadratic(
            Moments(
                hessian=A.T @ self._hessian @ A,
                optimum=np.asarray(np.linalg.solve(A, self.optimum), dtype=np.float64),
                optimum_loss=self.optimum_loss,
            )
        )

    def excess_by_direction(self, parameters: ArrayLike) -> Floats:
        """How much of the excess loss lies along each eigenvector, [B, P]; the row sums are :meth:`excess`."""
        offset = np.atleast_2d(np.asarray(parameters, dtype=np.float64)) - self.optimum
        return np.asarray(self.eigenvalues * (offset @ self.eigenvectors) ** 2 / 2)

    def descend(self, start: ArrayLike, learning_rate: float, steps: float) -> Floats:
        """θ after ``steps`` steps of plain full-batch descent, θ* + (I − ηH)ᵗ (θ₀ − θ*); shape [P]."""
        along = self.eigenvectors.T @ (np.asarray(start, dtype=np.float64) - self.optimum)
        return np.asarray(self.optimum + self.eigenvectors @ ((1 - learning_rate * self.eigenvalues) ** steps * along))

    def steps_to(self, start: ArrayLike, learning_rate: float, excess: float) -> int | None:
        """Fewest steps of plain full-batch descent from ``start`` after which the excess loss is at most ``excess``.

        None where it never gets there (the rate is at or past the limit along a direction that matters).
        """
        parts = self.excess_by_direction(start)[0]
        parts, rates = parts[parts > 0], self.eigenvalues[parts > 0]  # 0 · ∞ would be NaN past the limit
        shrink = (1 - learning_rate * rates) ** 2

        def left(steps: int) -> float:
            with np.errstate(over="ignore", under="ignore"):
                return float(parts @ shrink**steps)

        if left(0) <= excess:
            return 0
        ceiling = 1
        while left(ceiling) > excess:
            ceiling *= 2
            if ceiling > 2**60:
                return None
        floor = ceiling // 2
        while ceiling - floor > 1:
            middle = (floor + ceiling) // 2
            floor, ceiling = (middle, ceiling) if left(middle) > excess else (floor, middle)
        return ceiling


def _hessian(covariance: Floats, center: Floats) -> Floats:
    """(2/N) X̃ᵀX̃ put together from the centred second moments and the means."""
    P = len(center) + 1
    hessian = np.empty((P, P))
    hessian[:-1, :-1] = covariance + np.outer(center, center)
    hessian[:-1, -1] = hessian[-1, :-1] = center
    hessian[-1, -1] = 1.0
    return 2 * hessian


def _root(hessian: Floats) -> Floats:
    """M [P, P] with MᵀM = H, by the Schur complement of the bias.

    The singular values of M are known to rounding of the largest, so their squares keep eigenvalues far below
    rounding of H itself: columns of mean 10⁶ and spread 1 make a bowl of condition number 10²⁴.
    """
    across, bias = hessian[:-1, -1], float(hessian[-1, -1])
    values, vectors = np.linalg.eigh(hessian[:-1, :-1] - np.outer(across, across) / bias)
    rounding = 8 * len(hessian) * np.finfo(np.float64).eps * np.max(np.diag(hessian))
    root = np.zeros_like(hessian)
    root[:-1, :-1] = np.sqrt(np.where(values > rounding, values, 0.0))[:, None] * vectors.T
    root[-1, :-1], root[-1, -1] = across / np.sqrt(bias), np.sqrt(bias)
    return root
