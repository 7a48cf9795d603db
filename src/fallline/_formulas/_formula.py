"""A formula as a loss function of its parameters, with exact derivatives."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from fallline._errors import OptionError, near
from fallline._formulas._expression import Expression, read_expression
from fallline._formulas._named import NAMED, Surface
from fallline._quadratic import Quadratic
from fallline._records import Floats, Moments

FIRST_GUESSES = (1.0, 2.0, -1.0, 0.5, 3.0, 10.0, 0.1)
"""Where a formula without a start of its own begins: the first of these with a slope."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
CANCELLED = 1e-6
"""A change below this part of the two losses has lost digits in their difference."""
AGREEING = 1e-13
"""How far two ways to a change may lie apart, as a part of the two losses, to be called the same."""
FLAT = 1e-12
"""Eigenvalues below this part of the largest are directions without curvature."""
ROUNDED = 8 * float(np.finfo(np.float64).eps)
"""An eigenvalue this part of the largest below 0 may be rounding; beyond it the ground falls for ever."""


def formula(text: str) -> "Formula":
    """The surface with this name, or the one that this arithmetic describes.

    Args:
        text: ``parabola``, ``ravine``, ``rosenbrock``, ``saddle``, ``himmelblau``, ``rastrigin``, or an expression in
            one to ten parameters, as in ``"(w - 3)^2"``.

    Raises:
        OptionError: it is neither.

    >>> formula("(w - 3)^2").gradient([[5.0], [1.0]])
    array([[ 4.],
           [-4.]])
    """
    named = NAMED.get(text.strip().lower()) if isinstance(text, str) else None
    if named is not None:
        return Formula(read_expression(named.text), named)
    expression = read_expression(text)
    if expression.tree.startswith("Name(") and len(expression.text) > 2:
        raise OptionError(
            f'There is no formula "{expression.text}": use {", ".join(NAMED)}, or write one such as "(w - 3)^2".'
            f"{near(expression.text, list(NAMED))}"
        )
    return Formula(expression, _same(expression))


def _same(expression: Expression) -> Surface | None:
    """The named surface that was typed out."""
    return next((surface for surface in NAMED.values() if read_expression(surface.text).tree == expression.tree), None)


class Formula:
    """A formula in P parameters as a loss function: value, gradient and Hessian in float64, for many vectors at once.

    Derivatives are PyTorch's own. A logarithm of a negative number is NaN, and NaN is data.

    >>> ravine = formula("ravine")
    >>> ravine.parameter_names, ravine.default_start, ravine.floor
    (('w', 'b'), array([ 1., 10.]), 0.0)
    >>> ravine.hessian([1.0, 10.0])
    array([[100.,   0.],
           [  0.,   1.]])
    """

    def __init__(self, expression: Expression, surface: Surface | None = None) -> None:
        self.expression = expression
        self._surface = surface

    @property
    def name(self) -> str:
        """``parabola`` …, or ``formula`` for one without a name."""
        return "formula" if self._surface is None else self._surface.name

    @property
    def text(self) -> str:
        """As it was typed; a named surface's arithmetic."""
        return self.expression.text

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """[P]"""
        return self.expression.parameter_names

    @property
    def parameter_count(self) -> int:
        """P."""
        return len(self.parameter_names)

    @cached_property
    def default_start(self) -> Floats:
        """[P] where textbooks start on it; else the first of a few simple points with a slope."""
        if self._surface is not None:
            return np.array(self._surface.start)
        points = np.repeat(np.array(FIRST_GUESSES)[:, None], self.parameter_count, axis=1)
        slopes = self.gradient(points)
        usable = np.isfinite(self.loss(points)) & np.isfinite(slopes).all(axis=1) & slopes.any(axis=1)
        return np.asarray(points[int(np.argmax(usable))])

    @property
    def square(self) -> tuple[float, float] | None:
        """Lowest and highest value of both parameters where a named surface is usually drawn, else None."""
        return None if self._surface is None else self._surface.square

    @cached_property
    def quadratic(self) -> Quadratic | None:
        """The same surface as an exact parabola with a bottom, None where it is none."""
        degree = self.expression.degree
        if degree is None or degree > 2:
            return None
        origin = np.zeros(self.parameter_count)
        hessian, slope = self.hessian(origin), self.gradient(origin)[0]
        if not (np.isfinite(hessian).all() and np.isfinite(slope).all()):
            return None
        values, vectors = np.linalg.eigh(hessian)
        curved = values > FLAT * values[-1]
        along = vectors.T @ slope
        if not values[-1] > 0 or values[0] < -ROUNDED * values[-1] or (along[~curved] != 0).any():
            return None
        # Solved as it stands where it can be: (w − 3)² has its bottom at 3, not at 3 less a rounding.
        if curved.all():
            bottom = -np.linalg.solve(hessian, slope)
        else:
            bottom = -vectors[:, curved] @ (along[curved] / values[curved])
        bottom = np.asarray(bottom + 0.0, dtype=np.float64)  # no −0
        root = np.sqrt(np.where(curved, values, 0.0))[:, None] * vectors.T
        return Quadratic(Moments(hessian, bottom, float(self.loss(bottom)[0])), root)

    @cached_property
    def falls_for_ever(self) -> bool:
        """True where it is known to have no lowest value: a polynomial of degree two or less without a bottom."""
        degree = self.expression.degree
        if degree is None or degree > 2 or self.quadratic is not None:
            return False
        origin = np.zeros(self.parameter_count)
        hessian, slope = self.hessian(origin), self.gradient(origin)[0]
        if not (np.isfinite(hessian).all() and np.isfinite(slope).all()):
            return False
        values, vectors = np.linalg.eigh(hessian)
        flat = np.abs(values) <= ROUNDED * np.abs(values).max()
        along = np.abs(vectors.T @ slope)
        return bool((values[~flat] < 0).any() or (along[flat] > ROUNDED * along.max()).any())

    @cached_property
    def minima(self) -> tuple[Floats, ...]:
        """Every minimum [P] that is known beforehand, the lowest first; empty where none is known."""
        if self._surface is not None and self._surface.minima:
            return tuple(np.array(minimum) for minimum in self._surface.minima)
        bowl = self.quadratic
        return () if bowl is None or not bowl.eigenvalues[-1] > 0 else (bowl.optimum,)

    @cached_property
    def optimum(self) -> Floats | None:
        """[P] the lowest point, None where it is not known or there are several."""
        if not self.minima:
            return None
        losses = self.loss(np.array(self.minima))
        alone = len(losses) == 1 or losses[1] - losses[0] > CANCELLED
        return self.minima[0] if alone else None

    @cached_property
    def floor(self) -> float | None:
        """The lowest loss there is, None where it is not known or there is no lowest."""
        if self.quadratic is not None:
            return self.quadratic.floor
        return float(np.min(self.loss(np.array(self.minima)))) if self.minima else None

    def loss(self, parameters: ArrayLike) -> Floats:
        """Value at each of a stack of parameter vectors [B, P]; shape [B]."""
        with torch.no_grad():
            return np.asarray(self.expression(_stack(parameters)).numpy())

    def gradient(self, parameters: ArrayLike) -> Floats:
        """Gradient at each of a stack [B, P]; shape [B, P]. One vector's NaN leaves the others alone."""
        with torch.inference_mode(False), torch.enable_grad():
            stack = _stack(parameters).requires_grad_()
            return np.asarray(torch.autograd.grad(self.expression(stack).sum(), stack)[0].numpy())

    def hessian(self, parameters: ArrayLike) -> Floats:
        """Second derivatives [P, P] at one parameter vector [P]."""
        return np.asarray(self.hessians(parameters)[0])

    def hessians(self, parameters: ArrayLike) -> Floats:
        """The same at each of a stack [B, P]; shape [B, P, P].

        Each slope's own gradient, by a second backward pass: ``torch.func`` takes a second to load.
        """
        with torch.inference_mode(False), torch.enable_grad():
            stack = _stack(parameters).requires_grad_()
            slopes = torch.autograd.grad(self.expression(stack).sum(), stack, create_graph=True)[0]
            if not slopes.requires_grad:  # they are the same everywhere
                return np.zeros((*stack.shape, stack.shape[1]))
            rows = [
                torch.autograd.grad(slopes[:, k].sum(), stack, retain_graph=True, materialize_grads=True)[0]
                for k in range(stack.shape[1])
            ]
            return np.asarray(torch.stack(rows, dim=1).numpy())

    def change(self, before: ArrayLike, after: ArrayLike) -> Floats:
        """Loss at ``after`` minus loss at ``before`` for pairs of vectors [B, P]; shape [B].

        Where the difference of the two losses has lost its digits: the integral of the slope along the way (eight
        Gauss–Legendre nodes, exact up to degree 16), if both agree to the rounding of the difference.
        """
        here = np.atleast_2d(np.asarray(before, dtype=np.float64))
        there = np.atleast_2d(np.asarray(after, dtype=np.float64))
        with np.errstate(all="ignore"):  # a diverging run's numbers are data
            first, last = self.loss(here), self.loss(there)
            plain, size = last - first, np.abs(first) + np.abs(last)
            way = there - here
            along = [
                weight / 2 * np.einsum("bp,bp->b", self.gradient(here + (node + 1) / 2 * way), way)
                for node, weight in zip(NODES, WEIGHTS, strict=True)
            ]
            whole = np.sum(along, axis=0)
            better = (np.abs(plain) <= CANCELLED * size) & (np.abs(whole - plain) <= AGREEING * size)
            return np.asarray(np.where(better, whole, plain))

    def change_rounding(self, before: ArrayLike, update: ArrayLike, *, eps: float) -> Floats:
        """How large a first-order change of updates [T, P] from ``before`` [T, P] rounding can explain; shape [T].

        Four units of rounding of what each slope adds up from, Σⱼ|Hᵢⱼ|·|θⱼ| + |gᵢ|: what rounding every parameter
        by a part ε changes in slope i, and the slope itself. docs/semantics.md#rounding.
        """
        stack = np.atleast_2d(np.asarray(before, dtype=np.float64))
        with np.errstate(all="ignore"):
            terms = np.einsum("tij,tj->ti", np.abs(self.hessians(stack)), np.abs(stack))
            size = terms + np.abs(self.gradient(stack))
            return np.asarray(4 * eps * np.einsum("tp,tp->t", np.abs(np.asarray(update)), size))

    def __repr__(self) -> str:
        return f"<Formula {self.text}>"


class FormulaModel(torch.nn.Module):
    """A formula's parameters as one vector that a ``torch.optim`` optimizer can step; calling it gives the loss.

    >>> model = FormulaModel(formula("(w - 3)^2"), [5.0], dtype=torch.float64)
    >>> model().backward()
    >>> model.vector.grad
    tensor([4.], dtype=torch.float64)
    """

    def __init__(self, formula: Formula, start: Sequence[float] | Floats, *, dtype: torch.dtype) -> None:
        super().__init__()
        self._expression = formula.expression
        self.vector = torch.nn.Parameter(torch.tensor(np.asarray(start), dtype=dtype, device="cpu"))

    def forward(self) -> Tensor:
        """The formula's value, a scalar."""
        return self._expression(self.vector)


def _stack(parameters: ArrayLike) -> Tensor:
    return torch.from_numpy(np.array(np.atleast_2d(np.asarray(parameters, dtype=np.float64))))
