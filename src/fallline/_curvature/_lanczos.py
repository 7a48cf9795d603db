"""Lanczos with full reorthogonalisation: the ends of a symmetric matrix's spectrum from a few of its products.

Paige 1971; Parlett 1998, "The Symmetric Eigenvalue Problem", chapter 13. Vectors stay in the dtype and on the device of
the products; the tridiagonal matrix T, of one row a product, is float64 NumPy.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fallline._curvature._operator import not_finite_here
from fallline._records import Floats

LOOKED_AT_EACH = 24
"""Up to so many vectors T's eigenvalues are worth looking at after every product."""
FIRST_ROWS = 16
"""Vectors that there is room for at the beginning; the room is doubled when it is full."""


class Ritz(NamedTuple):
    """Eigenvalues of T: approximations from inside to those of the matrix."""

    values: Floats
    """[k] rising"""
    residuals: Floats
    """[k] length of A·x − θ·x: an eigenvalue of the matrix lies within it of each (Parlett, 4.5)."""
    coefficients: Floats
    """[k, k] column i: the Ritz vector i in the basis"""


class Lanczos:
    """An orthonormal basis of the vectors v, A·v, A²·v, …, one more at each step.

    Args:
        times: A·v of a vector [P].
        start: [P] v, of any length above 0.
        rounding: what rounding leaves unknown of A, as a share of its size.
        locked: [L, P] orthonormal rows that everything is kept orthogonal to; None for none.
    """

    def __init__(
        self,
        times: Callable[[Tensor], Tensor],
        start: Tensor,
        rounding: float,
        locked: Tensor | None = None,
    ) -> None:
        self._times, self._rounding, self._locked = times, rounding, locked
        free = self._unlocked(start)
        self._next = free / free.norm()
        self._basis = start.new_empty((0, len(start)))
        self.diagonal: list[float] = []
        self.beside: list[float] = []
        """[k] β: what couples each basis vector to the next one; the last couples to what is not in the basis."""
        self.exhausted = False
        """Whether the matrix leads nowhere new: then the eigenvalues of T are eigenvalues of the matrix."""

    @property
    def steps(self) -> int:
        """k, the number of vectors in the basis."""
        return len(self.diagonal)

    @property
    def worth_a_look(self) -> bool:
        """Whether T has grown enough since its eigenvalues were last asked for: they cost k³."""
        return self.exhausted or self.steps <= LOOKED_AT_EACH or self.steps % (self.steps // LOOKED_AT_EACH + 3) == 0

    @property
    def scale(self) -> float:
        """The size of the matrix, as far as it was seen."""
        beside = max(self.beside[:-1], default=0.0)
        return max(beside, *(abs(value) for value in self.diagonal))

    def step(self) -> None:
        """One product, one more vector.

        Raises:
            OptionError: the product is not finite.
        """
        product = self._times(self._next)
        k = self.steps
        if k == 0:
            self._make_room(product, FIRST_ROWS)
        elif k == len(self._basis):
            self._make_room(product, 2 * k)
        self._basis[k] = self._next.to(product.device)
        known = self._basis[: k + 1]
        share = known @ product
        product = torch.addmv(product, known.T, share, alpha=-1)
        again = known @ product  # twice is enough (Parlett, 6.9)
        product = self._unlocked(torch.addmv(product, known.T, again, alpha=-1))
        along, left = float(share[k]) + float(again[k]), float(product.norm())
        if not (np.isfinite(along) and np.isfinite(left)):
            raise not_finite_here()
        self.diagonal.append(along)
        self.beside.append(left)
        self.exhausted = left <= self._rounding * self.scale or k + 1 == self._room_for_directions()
        if not self.exhausted:
            self._next = product / left

    def ritz(self) -> Ritz:
        """The eigenvalues of T and what is known of their errors."""
        values, coefficients = np.linalg.eigh(self._tridiagonal())
        left = 0.0 if self.exhausted else self.beside[-1]
        return Ritz(values, left * np.abs(coefficients[-1]), coefficients)

    def vectors(self, coefficients: Floats) -> Tensor:
        """[n, P] combinations of the basis, by columns of ``coefficients`` [k, n], each of length 1."""
        basis = self._basis[: self.steps]
        found = torch.from_numpy(np.ascontiguousarray(coefficients.T)).to(basis) @ basis
        lengths = torch.linalg.vector_norm(found, dim=1, keepdim=True)
        unit: Tensor = found / lengths
        return unit

    def onward(self, ritz: Ritz) -> Tensor:
        """[P] of length 1: the matrix times the vector of the largest Ritz value, which takes no product.

        A step of the power method: nearer to the eigenvector. Where the matrix leads to 0 it is the Ritz vector.
        """
        weights = ritz.coefficients[:, -1]
        vector = self.vectors(weights[:, None])[0]
        found = float(ritz.values[-1]) * vector
        if not self.exhausted:
            found = found + self.beside[-1] * float(weights[-1]) * self._next.to(found.device)
        length = found.norm()
        return found / length if float(length) > 0 else vector

    def _tridiagonal(self) -> Floats:
        beside = self.beside[:-1]
        return np.diag(self.diagonal) + np.diag(beside, 1) + np.diag(beside, -1)

    def _room_for_directions(self) -> int:
        return len(self._next) - (0 if self._locked is None else len(self._locked))

    def _make_room(self, like: Tensor, rows: int) -> None:
        room = like.new_empty((min(rows, len(like)), len(like)))
        room[: self.steps] = self._basis[: self.steps].to(like.device)
        self._basis = room

    def _unlocked(self, vector: Tensor) -> Tensor:
        """Without its part along the locked rows; twice, as one round leaves rounding of a large part."""
        if self._locked is None:
            return vector
        for _ in range(2):
            vector = vector - (self._locked @ vector) @ self._locked
        return vector
