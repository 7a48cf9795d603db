"""Sharpness: the largest eigenvalue of the Hessian."""

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from fallline._arguments import checked_products, checked_seed, checked_tolerance
from fallline._curvature._bound import could_be, highest, smallest_part
from fallline._curvature._lanczos import Lanczos, Ritz
from fallline._curvature._operator import Operator, roots_of
from fallline._curvature._sample import Start, mixed, sample_start
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._points import point_numbers, refuse_other
from fallline._records import Floats, Sharpness

NOISE = 0.3
"""Length of the random part beside a start that is given, which has length 1."""
MOST_PRODUCTS = 200
UNLUCKY = 0.01
"""A start whose part along what was found is so small that 0.01 of it is less than chance allows is one that the bound
was not made for: then that 0.01 is taken in its place, and Lanczos goes on."""
SAFETY = 5.0
"""Times what the gap between the two largest Ritz values says of the error."""
SETTLED = 2e-4
"""What that gap has to say at most, as a share, however loose the tolerance: before that it is not known."""


def sharpness(
    objective: LossFunction,
    at: object = None,
    *,
    tolerance: float = 1e-3,
    preconditioner: ArrayLike | None = None,
    start: ArrayLike | None = None,
    bound: bool = False,
    most_products: int = MOST_PRODUCTS,
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> Sharpness:
    """The largest eigenvalue of the Hessian, by Lanczos from a random start.

    Args:
        objective: an ``fl.Objective``, or an exact one (whose whole Hessian is then taken).
        at: [P] where, a state dict or a module; by default where the model stands now.
        tolerance: the error to reach, as a share of the value.
        preconditioner: [P] a diagonal P above 0: then of P⁻¹H.
        start: [P] a direction to begin with, such as an eigenvector from nearby; 0.3 of noise is added.
        bound: True goes on until the error is a bound, which takes two to three times as many products. With fewer than
            800 rows, rows that cannot be taken by themselves, or a ``start`` it always is one.
        most_products: where to give up; what was reached is told then, with its error.
        seed: of the random start.
        dtype: of the products; by default that of the parameters, and at least float32.

    Raises:
        OptionError: the loss or its derivatives are not finite there, or an argument cannot be used.

    ``error_kind`` says what the error is. An estimate: the tolerance, where a fifth of it is more than the residual and
    the gap to the next eigenvalue leave (Parlett 1998, 11.7); the gap is that in a sample of the rows. Or a bound: that
    of van Dorsselaer, Hochstenbach and van der Vorst 2000, which holds for every Hessian in 99.9 % of the starts.
    docs/semantics.md#curvature.

    >>> from fallline._quadratic import Quadratic
    >>> found = sharpness(Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]))
    >>> round(found.value, 4), found.products
    (4.7749, 0)
    """
    refuse_other(objective)
    tolerance, seed = checked_tolerance(tolerance, "1e-3"), checked_seed(seed)
    most_products = checked_products(most_products)
    size = objective.parameter_count
    roots = None if preconditioner is None else roots_of(preconditioner, size)
    start = None if start is None else point_numbers(start)
    operator = Operator(objective, at, roots=roots, dtype=dtype)
    scaled = None if start is None or roots is None else _divided(start, roots)
    return sharpness_of(
        operator,
        tolerance=tolerance,
        roots=roots,
        start=start if scaled is None else scaled,
        bound=bound,
        most_products=most_products,
        seed=seed,
    )


def sharpness_of(
    operator: Operator,
    *,
    tolerance: float,
    roots: Floats | None,
    start: ArrayLike | None = None,
    bound: bool = False,
    most_products: int = MOST_PRODUCTS,
    seed: int = 0,
) -> Sharpness:
    """The same of an operator S·H·S + shift, its eigenvector times S (``roots``)."""
    if operator.small:
        return _of_matrix(operator, roots)
    begin = sample_start(operator, seed) if start is None and not bound else None
    if begin is None:
        begin = start_of(operator, start, seed)
    found, _, _ = from_start(operator, begin, roots, tolerance=tolerance, bound=bound, most_products=most_products)
    return found


def from_start(
    operator: Operator,
    begin: Start,
    roots: Floats | None,
    *,
    tolerance: float,
    bound: bool,
    most_products: int,
    settled: float = SETTLED,
) -> tuple[Sharpness, Lanczos, Ritz]:
    """The sharpness by Lanczos from a start, and what that was read from."""
    smallest = smallest_part(operator.size, begin.random_share)
    lanczos = Lanczos(operator.times, begin.vector, operator.rounding)
    while True:
        lanczos.step()
        if not lanczos.worth_a_look and lanczos.steps < most_products:
            continue
        ritz = lanczos.ritz()
        value = float(ritz.values[-1])
        size = max(float(np.max(np.abs(ritz.values))), lanczos.scale)
        floor = operator.rounding * size
        goal = max(tolerance * abs(value) - floor, floor)
        part = min(smallest, (UNLUCKY * float(ritz.coefficients[0, -1])) ** 2)
        bounded = lanczos.exhausted or not could_be(lanczos, value + goal, part)
        close = bounded or (not bound and SAFETY * left(ritz, begin.gap) <= min(goal, SAFETY * settled * abs(value)))
        if close or lanczos.steps >= most_products:
            break
    certain = bounded or not close
    found = Sharpness(
        value=value,
        error=(highest(lanczos, value, part) - value if certain else goal) + floor,
        products=operator.count,
        vector=unscaled(lanczos.vectors(ritz.coefficients[:, -1:])[0], roots),
        converged=close,
        preconditioned=roots is not None,
        error_kind="bound" if certain else "estimate",
        sample_products=begin.products,
    )
    return found, lanczos, ritz


def left(ritz: Ritz, known_gap: float | None, fewest: int = 2) -> float:
    """How far the largest eigenvalue is above the largest Ritz value, if that is on its way to it.

    A Ritz value of residual r is at most r²/gap from its eigenvalue, with the gap from it to the next eigenvalue
    (Parlett 1998, 11.7). That is not known: the smallest stands for it of the gap to the next Ritz value, to 0, near
    which most of a Hessian's eigenvalues are, and ``known_gap``, as a share. Infinite where ``known_gap`` is missing,
    or there are fewer than ``fewest`` Ritz values.
    """
    if len(ritz.values) < fewest or known_gap is None:
        return math.inf
    value = float(ritz.values[-1])
    gap = min(1.0, known_gap) * abs(value)
    if len(ritz.values) > 1:
        gap = min(gap, value - float(ritz.values[-2]))
    return float(ritz.residuals[-1]) ** 2 / gap if gap > 0 else math.inf


def start_of(operator: Operator, start: ArrayLike | None, seed: int, noise_length: float = NOISE) -> Start:
    """A random start, or the one that is given with noise."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(operator.size, generator=generator, dtype=torch.float64)
    if start is None:
        return Start((noise / noise.norm()).to(operator.dtype), 1.0)
    given = torch.from_numpy(point_numbers(start))
    if given.shape != noise.shape:
        raise OptionError(f"A start has {operator.size:,} numbers; here the shape is {tuple(given.shape)}.")
    length = float(given.norm())
    if not math.isfinite(length) or length == 0:
        raise OptionError("A start is a direction: finite numbers, not all of them 0.")
    begin = mixed(given / length, noise, noise_length)
    return begin._replace(vector=begin.vector.to(operator.dtype))


def unscaled(vector: Tensor, roots: Floats | None) -> Floats:
    """The eigenvector of P⁻¹H from that of P^−½·H·P^−½, of length 1."""
    found: Floats = vector.double().cpu().numpy()
    if roots is None:
        return found
    found = found * roots
    length = float(np.linalg.norm(found))
    return found / length if length > 0 else found


def _divided(vector: Floats, roots: Floats) -> Floats:
    """``vector`` over ``roots``, 0 where those are."""
    if vector.shape != roots.shape:
        return vector
    return np.divide(vector, roots, out=np.zeros_like(vector), where=roots > 0)


def _of_matrix(operator: Operator, roots: Floats | None) -> Sharpness:
    values, vectors = np.linalg.eigh(operator.matrix())
    return Sharpness(
        value=float(values[-1]),
        error=operator.rounding * float(np.max(np.abs(values))),
        products=operator.count,
        vector=unscaled(torch.from_numpy(vectors[:, -1].copy()), roots),
        converged=True,
        preconditioned=roots is not None,
        error_kind="bound",
    )
