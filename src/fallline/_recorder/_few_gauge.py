"""The gauge for a model of a few numbers, a neuron: plain Python arithmetic, in float64.

A step of such a model takes a tenth of a millisecond. The first call into NumPy after it finds the processor's caches
full of PyTorch and takes longer than the few multiplications themselves.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from fallline._recorder._gauge import Reading

FEW = 16
"""Numbers; for more of them NumPy is faster."""


class FewGauge:
    """Reads the steps of one optimizer that holds at most :data:`FEW` numbers, in the host's memory.

    ``layers`` has the layer of each tensor.
    """

    def __init__(self, tensors: Sequence[nn.Parameter], layers: Sequence[int]) -> None:
        self.finite = True
        self.layers = sorted(set(layers))
        self.nbytes = 0
        self._tensors = tuple(tensors)
        self._order = [[k for k, layer in enumerate(layers) if layer == column] for column in self.layers]
        self._before: list[list[float]] = []
        self._after: list[list[float]] = []
        self._consumed: list[list[float]] = []

    @property
    def gradient(self) -> list[np.ndarray]:
        """What the optimizer consumed, tensor by tensor, from ``consume`` to the next one."""
        return self._arrays(self._consumed)

    @property
    def update(self) -> list[np.ndarray]:
        """Δθ, tensor by tensor, from ``read`` to the next ``remember``."""
        pairs = zip(self._after, self._before, strict=True)
        return self._arrays([[x - y for x, y in zip(after, before, strict=True)] for after, before in pairs])

    def remember(self) -> None:
        """Note the parameters."""
        self._before = [_numbers(tensor) for tensor in self._tensors]

    def consume(self, scale: Any | None) -> None:
        """Note the gradients; a parameter without one has 0."""
        self._consumed = [
            [0.0] * tensor.numel() if tensor.grad is None else _numbers(tensor.grad) for tensor in self._tensors
        ]
        if scale is not None:
            with np.errstate(all="ignore"):  # a scale may have become 0
                self._consumed = [(np.array(each) / float(scale)).tolist() for each in self._consumed]

    def read(self) -> Reading:
        """The four sums of every layer."""
        self._after = [_numbers(tensor) for tensor in self._tensors]
        sums = [self._sums_of(tensors) for tensors in self._order]
        reading = [sum_ for kind in zip(*sums, strict=True) for sum_ in kind]
        self.finite = math.isfinite(sum(reading))
        return reading

    def _sums_of(self, tensors: Sequence[int]) -> tuple[float, float, float, float]:
        squared_gradient = squared_update = squared = product = 0.0
        for k in tensors:
            for before, after, gradient in zip(self._before[k], self._after[k], self._consumed[k], strict=True):
                update = after - before
                squared_gradient += gradient * gradient
                squared_update += update * update
                squared += before * before
                product += gradient * update
        return squared_gradient, squared_update, squared, product

    def _arrays(self, numbers: Sequence[list[float]]) -> list[np.ndarray]:
        return [
            np.array(each).reshape(tuple(tensor.shape)) for each, tensor in zip(numbers, self._tensors, strict=True)
        ]


def few(tensors: Sequence[nn.Parameter]) -> bool:
    """True where these are real numbers of the host, and few."""
    return sum(tensor.numel() for tensor in tensors) <= FEW and all(
        tensor.device.type == "cpu" and tensor.is_floating_point() for tensor in tensors
    )


def _numbers(tensor: torch.Tensor) -> list[float]:
    """All of them, in one row."""
    if tensor.is_sparse:
        tensor = tensor.to_dense()
    numbers: Any = tensor.tolist()
    dimensions = tensor.dim()
    if dimensions == 1:
        return list(numbers)
    if dimensions == 0:
        return [float(numbers)]
    for _ in range(dimensions - 1):
        numbers = [number for row in numbers for number in row]
    return list(numbers)
