"""The whole matrix of derivatives, row by row: one backward pass for each entry of the result."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch

from fallline._errors import OptionError
from fallline._records import Floats
from fallline._wording import count, visible

ONES: Final = (
    "No vector was given, so the gradients are of the sum of the result's entries, a vector of ones; "
    "the Jacobian needs none."
)
MOST_NUMBERS: Final = 10_000
"""In one matrix."""


def jacobian(result: torch.Tensor, leaves: Mapping[str, torch.Tensor]) -> dict[str, Floats]:
    """∂result/∂input as a matrix [result entries × input entries] for each input, both in row-major order.

    The graph of ``result`` is kept. An input that does not reach the result has a matrix of zeros.

    Args:
        result: of any shape, with a graph.
        leaves: inputs by name.

    Raises:
        OptionError: a matrix would have more than 10,000 numbers.

    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> jacobian(x * x, {"x": x})["x"].tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    refuse_large(result, leaves)
    rows = result.numel()
    matrices = {name: np.zeros((rows, leaf.numel())) for name, leaf in leaves.items()}
    flat = result.reshape(-1)
    for row in range(rows):
        if flat.grad_fn is None or not leaves:
            break
        found = torch.autograd.grad(flat[row], list(leaves.values()), retain_graph=True, allow_unused=True)
        for name, gradient in zip(leaves, found, strict=True):
            if gradient is not None:
                plain = gradient.to_dense() if gradient.layout is not torch.strided else gradient
                matrices[name][row] = plain.detach().to("cpu", torch.float64).reshape(-1).numpy()
    return matrices


def refuse_large(result: torch.Tensor, leaves: Mapping[str, torch.Tensor]) -> None:
    """Nothing, where every matrix has at most 10,000 numbers.

    Raises:
        OptionError: one would have more.
    """
    rows = result.numel()
    for name, leaf in leaves.items():
        if rows * leaf.numel() > MOST_NUMBERS:
            raise OptionError(
                f"The Jacobian of {visible(name)} would be {rows:,} × {leaf.numel():,}, "
                f"{count(rows * leaf.numel(), 'number')}; at most {MOST_NUMBERS:,} are computed. "
                "One row of it, or a weighted sum of rows, is what vector= (--vector) gives."
            )
