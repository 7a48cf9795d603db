"""The trace of the Hessian: the sum of its eigenvalues, or P times their mean.

An orthonormal basis Q of directions that hold much of it is summed exactly, the rest is sampled with random signs z
(Hutchinson 1989; the split is that of Hutch++, Meyer, Musco, Musco and Woodruff 2021, with the basis of Lanczos, which
costs no product beyond its own):

    tr H = tr QᵀHQ + mean of zᵀ(1 − QQᵀ)H(1 − QQᵀ)z
"""

import math

import numpy as np
import torch
from torch import Tensor

from fallline._arguments import checked_products, checked_seed, checked_tolerance
from fallline._curvature._lanczos import Lanczos
from fallline._curvature._operator import Operator, not_finite_here
from fallline._curvature._sharpness import start_of
from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._records import Trace

WHOLE = 64
"""Up to so many parameters the Hessian is multiplied out: sampling would not take fewer products."""
EXACT_DIRECTIONS = 12
FEWEST_SAMPLES = 8
"""A standard error from fewer says little."""


def trace(
    objective: LossFunction,
    at: object = None,
    *,
    tolerance: float = 0.05,
    most_products: int = 200,
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> Trace:
    """The trace of the Hessian with its standard error.

    Args:
        objective: an ``fl.Objective``, or an exact one (whose whole Hessian is then taken: no error but rounding).
        at: [P] where, a state dict or a module; by default where the model stands now.
        tolerance: the standard error to reach, as a share of the trace.
        most_products: where to give up.
        seed: of the random vectors.
        dtype: of the products; by default that of the parameters, and at least float32.

    Raises:
        OptionError: the loss or its derivatives are not finite there, or an argument cannot be used.

    >>> from fallline._quadratic import Quadratic
    >>> round(trace(Quadratic.from_data([[0.0], [2.0]], [1.0, 5.0])).value, 4)
    6.0
    """
    tolerance, seed = checked_tolerance(tolerance, "0.05"), checked_seed(seed)
    most_products = checked_products(most_products)
    operator = Operator(objective, at, dtype=dtype)
    fewest = EXACT_DIRECTIONS + FEWEST_SAMPLES
    if operator.small or operator.size <= WHOLE:
        matrix = operator.matrix()
        rounding = operator.rounding * float(np.sum(np.abs(np.diag(matrix))))
        return Trace(float(np.trace(matrix)), rounding, operator.count, converged=True, error_kind="rounding")
    if most_products < fewest:
        raise OptionError(f"A trace takes at least {fewest} products; here most_products is {most_products}.")
    lanczos = Lanczos(operator.times, start_of(operator, None, seed).vector, operator.rounding)
    while lanczos.steps < EXACT_DIRECTIONS and not lanczos.exhausted:
        lanczos.step()
    exact = math.fsum(lanczos.diagonal)
    basis = lanczos.vectors(np.eye(lanczos.steps))
    floor = operator.rounding * lanczos.scale * lanczos.steps
    generator = torch.Generator().manual_seed(seed + 1)
    samples: list[float] = []
    while True:
        samples.append(_sample(operator, basis, generator))
        value = exact + math.fsum(samples) / len(samples)
        if len(samples) < FEWEST_SAMPLES:
            continue
        error = float(np.std(samples, ddof=1)) / math.sqrt(len(samples)) + floor
        close = error <= max(tolerance * abs(value), 2 * floor)
        if close or operator.count >= most_products:
            return Trace(value, error, operator.count, close)


def _sample(operator: Operator, basis: Tensor, generator: torch.Generator) -> float:
    signs = torch.randint(0, 2, (operator.size,), generator=generator, dtype=torch.int8).to(basis) * 2 - 1
    rest = signs - (basis @ signs) @ basis
    found = float((rest.double() * operator.times(rest).double()).sum())
    if not math.isfinite(found):
        raise not_finite_here()
    return found
