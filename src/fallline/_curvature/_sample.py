"""A start for Lanczos that is near the sharpest directions already, from a part of the rows.

The Hessian of an eighth of the rows costs an eighth to multiply with, and its sharpest directions are near those of
all rows. What it makes of a random vector, in a few of its products, is where Lanczos with all rows begins. It is only
a start: nothing that is said of the eigenvalue rests on the sample.

Not the sharpest direction of the sample alone is taken: two eigenvalues that are nearly the same may stand in the other
order there. Each direction is taken times a power of its share of the largest eigenvalue, so that none of those near it
is missing by chance; and the gap between the two largest says how near to one another they may be with all rows.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fallline._curvature._lanczos import Lanczos
from fallline._curvature._operator import NotFiniteError, Operator

ROWS: Final = 200
"""Rows of a sample at least."""
LARGEST_STEP: Final = 8
"""Every so manieth row at most: a sixteenth of 1,797 costs more products with all rows than it saves."""
SMALLEST_STEP: Final = 4
"""Of fewer rows a sample costs nearly what it saves."""
PRODUCTS: Final = 10
POWER: Final = 20
"""Of a direction whose eigenvalue is a tenth smaller in the sample an eighth is taken."""
SMALLEST_GAP: Final = 1e-3
"""That is told: a smaller one does not matter to a tolerance of 1e-3."""
NOISE: Final = 0.03
"""Length of the random vector that is added to a start of length 1."""


class Start(NamedTuple):
    """Where Lanczos begins."""

    vector: Tensor
    """[P] of length 1"""
    random_share: float
    """How much of it, as a squared share, is random."""
    products: int = 0
    """With a sample of the rows, that it took."""
    gap: float | None = None
    """Between the two largest eigenvalues there, as a share; None where there was no sample."""


def sample_start(operator: Operator, seed: int, direction: Tensor | None = None) -> Start | None:
    """None where a sample is not worth it, cannot be taken, or says nothing.

    Args:
        direction: [P] that the sample's own products begin with, beside as much noise; by default with noise alone.
    """
    step = min(LARGEST_STEP, operator.rows // ROWS)
    if step < SMALLEST_STEP:
        return None
    generator = torch.Generator().manual_seed(seed)
    first, noise = (torch.randn(operator.size, generator=generator, dtype=torch.float64) for _ in range(2))
    if direction is not None:
        first = mixed(direction / direction.norm(), first, 1.0).vector
    try:
        few = operator.sampled(step)
        lanczos = Lanczos(few.times, first.to(operator.dtype), few.rounding)
        while lanczos.steps < PRODUCTS and not lanczos.exhausted:
            lanczos.step()
    except NotFiniteError:
        return None
    ritz = lanczos.ritz()
    if len(ritz.values) < 2 or not ritz.values[-1] > 0:
        return None
    shares = np.clip(ritz.values / ritz.values[-1], 0, 1)
    direction = lanczos.vectors((ritz.coefficients @ shares**POWER)[:, None])[0]
    begin = mixed(direction, noise, NOISE)
    return begin._replace(products=few.count, gap=max(SMALLEST_GAP, 1 - float(shares[-2])))


def mixed(direction: Tensor, noise: Tensor, length: float) -> Start:
    """A direction of length 1 and so much of a random one."""
    start = direction.double().cpu() + length / noise.norm() * noise
    whole = float(start.norm())
    return Start((start / whole).to(direction.dtype), (length / whole) ** 2)


def with_direction(begin: Start, direction: Tensor) -> Start:
    """The start and a direction [P] beside it, in equal parts."""
    unit = direction.to(begin.vector) / direction.norm()
    both = begin.vector + (unit if float(begin.vector @ unit) >= 0 else -unit)
    length = both.norm()
    return begin._replace(vector=both / length, random_share=begin.random_share / float(length) ** 2)
