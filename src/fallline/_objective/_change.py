"""A small change of the loss, without the cancellation of two losses."""

from collections.abc import Callable
from typing import Final

from torch import Tensor

NODES: Final = ((0.5 - 0.15**0.5, 5 / 18), (0.5, 8 / 18), (0.5 + 0.15**0.5, 5 / 18))
"""Gauss and Legendre's three points on [0, 1] and their weights: exact for polynomials of degree five."""


def small_change(gradients: Callable[[Tensor], Tensor], before: Tensor, after: Tensor) -> Tensor:
    """[B] ∫ ∇L(before + s·Δ)·Δ ds over 0 ≤ s ≤ 1, Δ = after − before, both [B, P].

    >>> import torch
    >>> small_change(lambda at: 2 * at, torch.tensor([[1.0, 2.0]]), torch.tensor([[1.5, 2.0]]))
    tensor([1.2500])
    """
    step = after - before
    total = step.new_zeros(len(step))
    for place, weight in NODES:
        total += weight * (gradients(before + place * step) * step).sum(1)
    return total
