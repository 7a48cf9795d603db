"""Parameters with gradients, and the compiled gauge's reading of one step of them."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from fallline._recorder._compiled_gauge import CompiledGauge
from gauge_oracle import by_layer

Move = Callable[[], None]


def parameters(
    shapes: Sequence[tuple[int, ...]] = ((3, 4), (4,), ()), dtype: torch.dtype = torch.float32
) -> list[nn.Parameter]:
    random = torch.Generator().manual_seed(1)
    made = [nn.Parameter(torch.randn(shape, generator=random).to(dtype)) for shape in shapes]
    for tensor in made:
        tensor.grad = torch.randn(tensor.shape, generator=random).to(dtype)
    return made


def lent(tensors: Sequence[nn.Parameter], move: Move | None = None) -> tuple[CompiledGauge, np.ndarray | None]:
    """A gauge that may read gradients where they lie, and its reading of one step by one layer a tensor."""
    gauge = CompiledGauge(tensors, range(len(tensors)), lend=True)
    return gauge, read(gauge, tensors, move)


def read(gauge: CompiledGauge, tensors: Sequence[nn.Parameter], move: Move | None = None) -> np.ndarray | None:
    gauge.remember()
    gauge.consume(None, keep=False)
    shift(tensors)
    if move is not None:
        move()
    reading = gauge.read()
    return None if reading is None else by_layer(gauge, reading)


def shift(tensors: Sequence[nn.Parameter]) -> None:
    with torch.no_grad():
        for tensor in tensors:
            tensor.sub_(0.25)


def gradient_squares(tensors: Sequence[nn.Parameter]) -> list[float]:
    return [float(tensor.grad.double().square().sum()) for tensor in tensors if tensor.grad is not None]
