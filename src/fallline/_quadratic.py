"""A linear model under mean squared error is exactly quadratic in its parameters.

    L(θ) = mean((X̃θ − y)²) = c + ½ (θ − θ*)ᵀ H (θ − θ*),    X̃ = [X, 1],  H = (2/N) X̃ᵀX̃

so its moments, gathered once, answer everything at a cost that no longer depends on the rows (any textbook on
linear regression; Goh 2017, "Why Momentum Really Works", for the closed form of descent). NumPy only, float64.
"""

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from fallline._records import Floats, Moments

EPS = float(np.finfo(np.float64).eps)
BLOCK_ROWS = 16_384
"""Rows that are factored at once: they stay in the processor's cache."""


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
        triangle = _triangle(X_centred / scale, y_centred)
        blur = eps / 2 * np.sqrt(len(y)) * np.hypot(center, length / np.sqrt(len(y))) / scale
        weights, kept = _least_squares(triangle, scale, float(np.linalg.norm(blur)))
        residual = y_centred - X_centred @ weights
        root = _joined_root(kept * (scale / np.sqrt(len(y))), center)
        return cls(
            Moments(
                hessian=_hessian(X_centred.T @ X_centred / len(y), center),
                optimum=np.append(weights, level - weights @ center),
                optimum_loss=float(residual @ residual / len(y)),
            ),
            root,
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
        return _root(self._hessian) if self._given_root is None else self._given_root

    @cached_property
    def _eigen(self) -> tuple[Floats, Floats]:
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


def _triangle(columns: Floats, target: Floats) -> Floats:
    """[R, D + 1] the QR factor of [columns, target], block by block (Demmel et al. 2012, "TSQR"); R ≤ D + 1."""
    rows = np.column_stack((columns, target))
    size = max(BLOCK_ROWS, 4 * rows.shape[1])  # a block has to be taller than its own triangle
    while len(rows) > size:
        blocks = (rows[first : first + size] for first in range(0, len(rows), size))
        rows = np.vstack([np.linalg.qr(block, mode="r") for block in blocks])
    return np.asarray(np.linalg.qr(rows, mode="r"))


def _least_squares(triangle: Floats, scale: Floats, blur: float) -> tuple[Floats, Floats]:
    """The weights [D] of smallest norm, and the columns' own factor [D, D] without the directions that ``blur`` hides.

    ``triangle`` is of the columns divided by ``scale``, so a singular value is a length relative to a column's.
    """
    D = len(scale)
    left, singular, directions = np.linalg.svd(triangle[:, :D], full_matrices=True)
    shown = np.zeros(D)
    shown[: len(singular)] = np.where(singular > max(min(blur, singular[0] / 2), D * EPS * singular[0]), singular, 0.0)
    along = (left.T @ triangle[:, D])[: len(singular)]
    inverse = np.divide(1.0, shown, out=np.zeros(D), where=shown > 0)[: len(singular)]
    weights = (directions[: len(singular)].T @ (inverse * along)) / scale
    free = np.linalg.qr((directions[shown == 0] / scale).T)[0]
    return weights - free @ (free.T @ weights), shown[:, None] * directions


def _root(hessian: Floats) -> Floats:
    """M [P, P] with MᵀM = H, by the Schur complement of the bias, its columns scaled alike.

    The singular values of M are known to rounding of the largest, so their squares keep eigenvalues far below
    rounding of H itself: columns of mean 10⁶ and spread 1 make a bowl of condition number 10²⁴.
    """
    P = len(hessian)
    across, bias = hessian[:-1, -1], float(hessian[-1, -1])
    complement = hessian[:-1, :-1] - np.outer(across, across) / bias
    spread = np.diag(complement)
    hidden = spread <= 8 * P * EPS * np.diag(hessian)[:-1]
    scale = np.sqrt(np.where(hidden, 1.0, spread))
    correlation = np.where(hidden[:, None] | hidden, 0.0, complement / np.outer(scale, scale))
    values, vectors = np.linalg.eigh(correlation)
    blur = 8 * P * EPS * max(1.0, float(np.max(np.where(hidden, 0.0, np.diag(hessian)[:-1] / scale**2))))
    factor = np.sqrt(np.where(values > blur, values, 0.0))[:, None] * vectors.T * scale
    root = np.zeros_like(hessian)
    root[:-1, :-1] = factor
    root[-1, :-1], root[-1, -1] = across / np.sqrt(bias), np.sqrt(bias)
    return root


def _joined_root(factor: Floats, center: Floats) -> Floats:
    """M [P, P] with MᵀM = H from F [D, D] with FᵀF = the covariance, and the means [D]."""
    root = np.zeros((len(center) + 1, len(center) + 1))
    root[:-1, :-1] = factor
    root[-1, :-1], root[-1, -1] = center, 1.0
    return np.asarray(np.sqrt(2) * root)
