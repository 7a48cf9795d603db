"""A linear model under mean squared error is exactly quadratic in its parameters.

    L(θ) = mean((X̃θ − y)²) = c + ½ (θ − θ*)ᵀ H (θ − θ*),    X̃ = [X, 1],  H = (2/N) X̃ᵀX̃

so its moments, gathered once, answer everything at a cost that no longer depends on the rows (any textbook on
linear regression; Goh 2017, "Why Momentum Really Works", for the closed form of descent). NumPy only, float64.
"""

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from fallline._data import gather_arrays
from fallline._quadratic._least_squares import (
    EPS,
    joined_hessian,
    joined_root,
    least_squares,
    root_of_hessian,
    triangle,
    triangle_of_covariance,
)
from fallline._records import Floats, Moments, Scaling


class Quadratic:
    """The mean squared error of a linear model as a function of its P = D + 1 parameters (weights, then bias).

    >>> quadratic = Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> quadratic.optimum.round(12), round(quadratic.optimum_loss, 12)
    (array([2., 1.]), 0.0)
    >>> quadratic.loss([[2.0, 1.0], [2.0, 2.0]]).round(12)
    array([0., 1.])
    """

    def __init__(self, moments: Moments, root: Floats | None = None) -> None:
        self.moments = moments
        self._given_root = root
        self._hessian = moments.hessian
        self.optimum = moments.optimum
        self.optimum_loss = moments.optimum_loss

    @classmethod
    def from_data(cls, features: ArrayLike, target: ArrayLike, *, eps: float = EPS) -> "Quadratic":
        """Gather the moments of features [N, D] and target [N].

        The columns are centred and scaled to one length, and least squares is solved on a QR factor of the rows:
        a covariance would square the condition number (Golub and Van Loan, "Matrix Computations", 5.3).
        ``eps`` is the relative rounding of the features' own numbers: a direction that is no larger than what it
        made of them is no direction, and the columns along it are collinear.
        """
        X = np.asarray(features, dtype=np.float64)
        y = np.asarray(target, dtype=np.float64)
        center, level = X.mean(axis=0), float(y.mean())
        X_centred, y_centred = X - center, y - level
        length = np.sqrt(np.einsum("nd,nd->d", X_centred, X_centred))
        scale = np.where(length > 0, length, 1.0)
        factor = triangle(X_centred / scale, y_centred)
        blur = eps / 2 * np.sqrt(len(y)) * np.hypot(center, length / np.sqrt(len(y))) / scale
        weights, kept = least_squares(factor, scale, float(np.linalg.norm(blur)))
        residual = y_centred - X_centred @ weights
        root = joined_root(kept * (scale / np.sqrt(len(y))), center)
        return cls(
            Moments(
                hessian=joined_hessian(X_centred.T @ X_centred / len(y), center),
                optimum=np.append(weights, level - weights @ center),
                optimum_loss=float(residual @ residual / len(y)),
            ),
            root,
        )

    @classmethod
    def from_chunks(cls, chunks: Iterable[tuple[ArrayLike, ArrayLike]]) -> "Quadratic":
        """The same of rows that come in chunks (features [n, D], target [n]) and need never be in memory together.

        Raises DataError where there is no row, or a value that is not finite.

        >>> chunks = [([[0.0], [1.0]], [1.0, 3.0]), ([[2.0]], [5.0])]
        >>> Quadratic.from_chunks(chunks).optimum.round(12)
        array([2., 1.])
        """
        return cls.from_moments(*gather_arrays(chunks))

    @classmethod
    def from_moments(cls, center: Floats, covariance: Floats, scaling: Scaling | None = None) -> "Quadratic":
        """Of the means [D + 1] and the population covariance [D + 1, D + 1] of the columns, the target last.

        With ``scaling`` it is the loss in the training scale, x_training = (x − shift) / scale, which needs no second
        look at the rows. A covariance holds squares: of columns so nearly collinear that the square of what tells
        them apart is below rounding (a part in 10⁷ of their length), it does not tell them apart.
        """
        D = len(center) - 1
        shift, scale = (np.zeros(D), np.ones(D)) if scaling is None else map(np.array, (scaling.shift, scaling.scale))
        spread = np.sqrt(np.diag(covariance)[:-1])
        length = np.where(spread > 0, spread, 1.0)
        across = covariance[:-1, -1] / length
        correlation = covariance[:-1, :-1] / np.outer(length, length)
        factor, blur = triangle_of_covariance(correlation, across)
        weights, kept = least_squares(factor, length / scale, blur)
        center_here = (center[:-1] - shift) / scale
        along = weights * (length / scale)
        left = float(covariance[-1, -1] - 2 * along @ across + along @ correlation @ along)
        return cls(
            Moments(
                hessian=joined_hessian(covariance[:-1, :-1] / np.outer(scale, scale), center_here),
                optimum=np.append(weights, center[-1] - weights @ center_here),
                optimum_loss=max(left, 0.0),  # of a perfect fit rounding may leave a little less than nothing
            ),
            joined_root(kept * (length / scale), center_here),
        )

    @property
    def parameter_count(self) -> int:
        """P."""
        return len(self.optimum)

    @property
    def floor(self) -> float:
        """The lowest loss there is, that of the optimum."""
        return self.optimum_loss

    def excess(self, parameters: ArrayLike) -> Floats:
        """L(θ) − L(θ*) for a stack of parameter vectors [B, P]; shape [B]."""
        with np.errstate(all="ignore"):
            offset = np.atleast_2d(np.asarray(parameters, dtype=np.float64)) - self.optimum
            return self.curvature_along(offset) / 2

    def loss(self, parameters: ArrayLike) -> Floats:
        """Mean squared error for a stack of parameter vectors [B, P]; shape [B]."""
        return self.optimum_loss + self.excess(parameters)

    def loss_on_plane(self, origin: Floats, directions: Floats, uv: Floats) -> Floats:
        """Mean squared error at ``origin`` [P] + ``uv`` [B, 2] · ``directions`` [2, P]; shape [B].

        A plane cuts a quadratic in a quadratic: what each of the B points costs does not depend on P. It is taken
        about the lowest point of the plane, so that nothing is lost to the difference of two large terms.

        >>> quadratic = Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> quadratic.loss_on_plane(np.zeros(2), np.eye(2), np.array([[2.0, 1.0], [2.0, 2.0]])).round(12)
        array([0., 1.])
        """
        with np.errstate(all="ignore"):
            across = directions @ self._hessian
            curvature = across @ directions.T
            fall = across @ (origin - self.optimum)
            if not (np.isfinite(curvature).all() and np.isfinite(fall).all()):
                return self.loss(uv @ directions + origin)
            lowest = -np.linalg.pinv(curvature, hermitian=True) @ fall
            offset = origin + lowest @ directions - self.optimum
            along = uv - lowest
            excess = along @ (across @ offset) + np.einsum("bi,bi->b", along @ curvature, along) / 2
            return np.asarray(self.optimum_loss + (self.curvature_along(offset)[0] / 2 + excess))

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
    def _root(self) -> Floats:
        """M [P, P] with MᵀM = H: from the rows where they were seen, else as far as H itself tells."""
        return root_of_hessian(self._hessian) if self._given_root is None else self._given_root

    @cached_property
    def _eigen(self) -> tuple[Floats, Floats]:
        curvature = np.diag(self._hessian)
        if np.array_equal(self._hessian, np.diag(curvature)):  # nothing to work out, nothing to round
            order = np.argsort(-curvature, kind="stable")
            hidden = curvature[order[0]] * (len(order) * EPS) ** 2
            return np.where(curvature > hidden, curvature, 0.0)[order], np.eye(len(order))[:, order]
        _, singular, directions = np.linalg.svd(self._root)
        above = singular > singular[0] * len(singular) * EPS
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
            ),
            self._root @ A,
        )

    def excess_by_direction(self, parameters: ArrayLike) -> Floats:
        """How much of the excess loss lies along each eigenvector, [B, P]; the row sums are :meth:`excess`."""
        with np.errstate(all="ignore"):  # parameters beyond 1e154 have squares that are infinite
            offset = np.atleast_2d(np.asarray(parameters, dtype=np.float64)) - self.optimum
            return np.asarray(self.eigenvalues * (offset @ self.eigenvectors) ** 2 / 2)

    def descend(self, start: ArrayLike, learning_rate: float, steps: float) -> Floats:
        """θ after ``steps`` steps of plain full-batch descent, θ* + (I − ηH)ᵗ (θ₀ − θ*); shape [P]."""
        along = self.eigenvectors.T @ (np.asarray(start, dtype=np.float64) - self.optimum)
        with np.errstate(all="ignore"):  # past the limit, infinity is the answer
            shrunk = (1 - learning_rate * self.eigenvalues) ** steps * along
            return np.asarray(self.optimum + self.eigenvectors @ shrunk)

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
