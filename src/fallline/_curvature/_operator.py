"""The symmetric matrix whose eigenvalues are asked for: S·H·S + shift, by its products with vectors."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._objective import HessianProducts, Objective
from fallline._points import by_name, one_point, point_numbers, refuse_other
from fallline._records import Floats
from fallline._wording import not_finite

SMALL = 16
"""Up to so many parameters the whole Hessian is multiplied out: it takes about as many products as its largest
eigenvalue, and leaves no doubt."""
ROUNDING = 16
"""Rounding of a product, in units of the dtype's ε times the size of the matrix."""


class NotFiniteError(OptionError):
    """There is no curvature, as the loss, its derivatives or the parameters are not finite."""


class Operator:
    """S·H·S + shift at one place, with H the Hessian of an objective there.

    Args:
        objective: anything with a Hessian; of an :class:`Objective` only products with vectors are taken.
        at: [P] where, a state dict or a module; by default the model's own parameters as it stands now, or the optimum
            where that is known.
        roots: [P] the diagonal S, such as P^−½ of a preconditioner P; None for 1.
        shift: [P] the diagonal that is added; None for 0.
        dtype: of the products; by default the parameters' own, and at least float32.
        step: of every so manieth row alone; 1 for all rows.

    Raises:
        OptionError: the loss is not finite there, ``at`` has the wrong length or is missing.
    """

    def __init__(
        self,
        objective: LossFunction,
        at: object = None,
        *,
        roots: Floats | None = None,
        shift: Floats | None = None,
        dtype: torch.dtype | None = None,
        step: int = 1,
    ) -> None:
        place = place_of(objective, at)
        self.size = objective.parameter_count
        if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
            raise OptionError(f"dtype is that of real numbers, such as torch.float64, not {dtype!r}.")
        self._objective, self._place = objective, place
        self._products: HessianProducts | None = None
        self._matrix: Floats | None = None
        if isinstance(objective, Objective):
            self.dtype = dtype if dtype is not None else torch.promote_types(objective.dtype, torch.float32)
            self._products = objective.products(place, dtype=self.dtype, step=step)
            if not np.isfinite(self._products.loss):
                raise NotFiniteError(f"The loss is {not_finite(self._products.loss)} here: it has no curvature.")
        else:
            self.dtype = torch.float64
            self._matrix = checked(np.asarray(objective.hessian(place), dtype=np.float64))
        self._diagonals = roots, shift
        self._roots = None if roots is None else torch.from_numpy(np.array(roots)).to(self.dtype)
        self._shift = None if shift is None else torch.from_numpy(np.array(shift)).to(self.dtype)

    @property
    def count(self) -> int:
        """Products so far; 0 where the whole Hessian was at hand."""
        return 0 if self._products is None else self._products.count

    @property
    def rounding(self) -> float:
        """What rounding leaves unknown, as a share of the size of the matrix."""
        return ROUNDING * float(torch.finfo(self.dtype).eps)

    @property
    def small(self) -> bool:
        """Whether :meth:`matrix` is the way."""
        return self._matrix is not None or self.size <= SMALL

    def times(self, vector: Tensor) -> Tensor:
        """(S·H·S + shift)·v for a vector [P]; shape [P], on the device of the products."""
        if self._products is None:
            raise ValueError("an exact objective has a matrix, and no products")
        if self._roots is None:
            product = self._products.times(vector)
        else:
            product = self._products.times(vector * self._roots.to(vector.device))
            self._roots = self._roots.to(product.device)
            product = product * self._roots
        if self._shift is not None:
            self._shift = self._shift.to(product.device)
            product = product + self._shift * vector.to(product.device)
        return product

    @property
    def rows(self) -> int:
        """Of the data, where a part of them can be taken by itself; 0 where not."""
        return self._objective.rows if isinstance(self._objective, Objective) and self._objective.can_sample else 0

    def sampled(self, step: int) -> "Operator":
        """The same with the Hessian of every ``step``-th row alone.

        Raises:
            NotFiniteError: its loss is not finite.
        """
        roots, shift = self._diagonals
        return Operator(self._objective, self._place, roots=roots, shift=shift, dtype=self.dtype, step=step)

    def matrix(self) -> Floats:
        """[P, P] the whole of it, symmetric."""
        if self._matrix is None:
            columns = [self.times(column) for column in torch.eye(self.size, dtype=self.dtype)]
            return checked(torch.stack(columns).double().cpu().numpy())
        roots = np.ones(self.size) if self._roots is None else self._roots.numpy()
        whole = roots[:, None] * self._matrix * roots
        return whole if self._shift is None else whole + np.diag(self._shift.numpy())


def checked(matrix: Floats) -> Floats:
    """The symmetric part of a Hessian; refused where it is not finite."""
    if not np.isfinite(matrix).all():
        raise not_finite_here()
    symmetric: Floats = (matrix + matrix.T) / 2
    return symmetric


def not_finite_here() -> NotFiniteError:
    """What is said of a Hessian with NaN or infinity in it, under a loss that is finite."""
    return NotFiniteError("The second derivatives of the loss are not finite here: it has no curvature.")


def place_of(objective: LossFunction, at: object) -> Floats:
    """[P] where the curvature is asked for: where a model stands now, unless told."""
    refuse_other(objective)
    given = objective.parameters if at is None and isinstance(objective, Objective) else at
    given = objective.optimum if given is None else given
    if given is None:
        raise OptionError("Say where the curvature is asked for: at=[…], one number for each parameter.")
    named = by_name(given) is not None or isinstance(given, str | Path)
    place = one_point(objective, given) if named else point_numbers(given)
    if place.shape != (objective.parameter_count,):
        raise OptionError(
            f"A place has {objective.parameter_count:,} numbers, one for each parameter; here the shape is "
            f"{place.shape}."
        )
    if not np.isfinite(place).all():
        raise NotFiniteError("The parameters are not finite here (NaN or infinite): the loss has no curvature.")
    return place


def roots_of(preconditioner: object, size: int) -> Floats:
    """P^−½ [P] of a diagonal preconditioner P; refused where it is not positive, 0 where it is infinite."""
    diagonal = point_numbers(preconditioner)
    if diagonal.shape != (size,):
        raise OptionError(
            f"A preconditioner has {size:,} numbers, one for each parameter; here the shape is {diagonal.shape}."
        )
    if not (diagonal > 0).all():
        raise OptionError("A preconditioner's numbers are all above 0; here one is 0, negative or NaN.")
    roots: Floats = 1 / np.sqrt(diagonal)
    return roots
