"""What a gauge has to find, by plain loops in float64, and one step of it by hand."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fallline._recorder._gauge import SUMS, Gauge

Numbers = list[list[complex]]


def numbers_of(tensors: Sequence[Tensor | None], like: Sequence[Tensor]) -> Numbers:
    """Of each tensor the numbers in a row, as Python has them; 0 where there is none."""
    found = []
    for tensor, other in zip(tensors, like, strict=True):
        dense = torch.zeros_like(other) if tensor is None else tensor.detach().to_dense()
        found.append(list(dense.reshape(-1).tolist()))
    return found


def sums(before: Numbers, gradient: Numbers, after: Numbers, layers: Sequence[int]) -> np.ndarray:
    """[SUMS, layers] |g|², |Δθ|², |θ|² before the update, g · Δθ of each layer, rising."""
    found = {layer: [[] for _ in range(SUMS)] for layer in sorted(set(layers))}
    for b, g, a, layer in zip(before, gradient, after, layers, strict=True):
        for old, slope, new in zip(b, g, a, strict=True):
            update = new - old
            terms = found[layer]
            terms[0].append(abs(slope) ** 2)
            terms[1].append(abs(update) ** 2)
            terms[2].append(abs(old) ** 2)
            terms[3].append(slope.real * update.real + slope.imag * update.imag)
    return np.array([[math.fsum(terms[kind]) for terms in found.values()] for kind in range(SUMS)])


def by_layer(gauge: Gauge, reading: Sequence[float]) -> np.ndarray:
    """[SUMS, layers] columns of one layer added up."""
    columns = np.array(reading, dtype=np.float64).reshape(SUMS, -1)
    assert columns.shape[1] == len(gauge.layers)
    assert list(gauge.layers) == sorted(gauge.layers)
    return np.stack(
        [
            columns[:, [k for k, own in enumerate(gauge.layers) if own == layer]].sum(1)
            for layer in sorted({*gauge.layers})
        ],
        axis=1,
    )


def step(
    gauge: Gauge, tensors: Sequence[nn.Parameter], layers: Sequence[int], move: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray]:
    """What the gauge finds of one ``move`` of the parameters, and what there is to be found."""
    before, gradient = numbers_of(tensors, tensors), numbers_of([tensor.grad for tensor in tensors], tensors)
    gauge.remember()
    gauge.consume(None)
    move()
    found = by_layer(gauge, gauge.read())
    return found, sums(before, gradient, numbers_of(tensors, tensors), layers)
