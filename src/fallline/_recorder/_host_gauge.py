"""The gauge for parameters in the host's memory: NumPy looks at the same bytes, without a call into PyTorch.

For small networks PyTorch's own dispatch, about a microsecond a call, costs more than the arithmetic. So parameters
and gradients are copied into flat buffers, layer by layer, and each layer takes four dot products.
"""

import math
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import nn

from fallline._errors import OptionError
from fallline._recorder._gauge import SUMS, Reading

PIECE: Final = 10_000
"""Dot products of more numbers make NumPy's BLAS start threads of its own."""
FEW_PIECES: Final = 64
"""So many sums are handed on piece by piece; of more of them those of one layer are added up first."""
TINY: Final = 1e-30
"""Squares of float32 numbers that sum to less have lost digits to underflow."""
READABLE: Final = frozenset({torch.float16, torch.float32, torch.float64})

Array = np.ndarray[Any, np.dtype[Any]]


class HostGauge:
    """Reads the steps of one optimizer whose parameters are real numbers in the host's memory.

    ``layers`` has the layer of each tensor.
    """

    def __init__(self, tensors: Sequence[nn.Parameter], layers: Sequence[int]) -> None:
        self.finite = True
        order = sorted(range(len(tensors)), key=lambda k: layers[k])
        self._tensors = [tensors[k] for k in order]
        self._places = [(tensor.dtype, tensor.shape) for tensor in self._tensors]
        self._addresses: list[int] = []
        self._views: list[Array] = []
        wide = any(tensor.dtype == torch.float64 for tensor in tensors)
        self._least = -1.0 if wide else TINY
        count = sum(tensor.numel() for tensor in tensors)
        gradient, update, after = np.zeros((3, count), np.float64 if wide else np.float32)
        self.nbytes = 3 * after.nbytes
        self._gradients, self._updates, self._afters = (
            _shaped(flat, self._tensors) for flat in (gradient, update, after)
        )
        self.gradient = [self._gradients[order.index(k)] for k in range(len(order))]
        self.update = [self._updates[order.index(k)] for k in range(len(order))]
        cuts, self.layers = _cuts(self._tensors, [layers[k] for k in order])
        self._sums = np.zeros((SUMS, len(cuts)), after.dtype)
        self._pieces = [
            _Piece(gradient[low:high], update[low:high], after[low:high], _targets(self._sums, k))
            for k, (low, high) in enumerate(cuts)
        ]
        self._first_of_layer: list[int] | None = None
        if len(cuts) > FEW_PIECES:
            self._first_of_layer = [self.layers.index(layer) for layer in dict.fromkeys(self.layers)]
            self.layers = list(dict.fromkeys(self.layers))
        self._take_sums = quietly(self._take_sums_loudly)

    def remember(self) -> None:
        """Copy the parameters."""
        self._look()
        for kept, view in zip(self._updates, self._views, strict=True):
            kept[...] = view

    def consume(self, scale: Any | None) -> None:
        """Copy the gradients; a parameter without one has 0."""
        for kept, tensor in zip(self._gradients, self._tensors, strict=True):
            gradient = tensor.grad
            if gradient is None:
                kept.fill(0)
            elif gradient.requires_grad or gradient.is_sparse:
                kept[...] = gradient.detach().to_dense().numpy()
            else:
                kept[...] = gradient.numpy()
        if scale is not None:
            with np.errstate(all="ignore"):
                for kept in self._gradients:
                    np.divide(kept, float(scale), out=kept)

    def read(self) -> Reading:
        """Δθ, and the four sums of every piece."""
        self._look()
        for kept, view in zip(self._afters, self._views, strict=True):
            kept[...] = view
        self._take_sums()
        sums = self._sums
        reading = sums.ravel().tolist()
        self.finite = math.isfinite(sum(reading))
        squares = reading[: -len(self._pieces)]
        if not self.finite or (min(squares) <= self._least and self._underflowed(squares)):
            sums = self._wider()
            reading = sums.ravel().tolist()
            self.finite = math.isfinite(sum(reading))
        return reading if self._first_of_layer is None else self._by_layer(sums, self._first_of_layer)

    def _by_layer(self, sums: Array, first: Sequence[int]) -> list[float]:
        with np.errstate(all="ignore"):
            return np.add.reduceat(sums, first, axis=1, dtype=np.float64).ravel().tolist()

    def _take_sums_loudly(self) -> None:
        for gradient, update, after, (gg, uu, tt, gu) in self._pieces:
            np.subtract(after, update, update)
            gradient.dot(gradient, gg)
            update.dot(update, uu)
            after.dot(after, tt)
            gradient.dot(update, gu)

    def _underflowed(self, squares: Sequence[float]) -> bool:
        """True where a sum of squares is too small to have all its digits; one of nothing but zeros has them."""
        count = len(self._pieces)
        return any(
            square <= self._least and not _is_zero(self._pieces[k % count].squared(k // count))
            for k, square in enumerate(squares)
        )

    def _wider(self) -> Array:
        """A square overflows, and underflows, long before its root does: such pieces once more in float64."""
        sums = self._sums.astype(np.float64)
        with np.errstate(all="ignore"):
            for k, (gradient, update, after, _) in enumerate(self._pieces):
                if not (np.isfinite(sums[:, k]).all() and sums[:-1, k].min() > self._least):
                    g, u, a = (each.astype(np.float64) for each in (gradient, update, after))
                    sums[:, k] = g.dot(g), u.dot(u), a.dot(a), g.dot(u)
        return sums

    def _look(self) -> None:
        """Views of the parameters; anew where their storage was replaced (``.to()``, ``.data = …``)."""
        addresses = [tensor.data_ptr() for tensor in self._tensors]
        if addresses == self._addresses:
            return
        for tensor, (dtype, shape) in zip(self._tensors, self._places, strict=True):
            if not readable([tensor]) or (tensor.dtype, tensor.shape) != (dtype, shape):
                raise OptionError(
                    f"a parameter of shape {tuple(shape)}, {dtype} on the cpu, became one of shape "
                    f"{tuple(tensor.shape)}, {tensor.dtype} on {tensor.device}"
                )
        self._addresses = addresses
        self._views = [tensor.detach().numpy() for tensor in self._tensors]


class _Piece(NamedTuple):
    """So many neighbouring numbers of one layer, and where their sums go."""

    gradient: Array
    update: Array
    after: Array
    into: tuple[Array, ...]
    """[SUMS] arrays without dimensions."""

    def squared(self, kind: int) -> Array:
        """What the first three sums are the squares of."""
        return (self.gradient, self.update, self.after)[kind]


def readable(tensors: Sequence[torch.Tensor]) -> bool:
    """True where NumPy can look at all of these bytes and count with them."""
    return all(
        tensor.device.type == "cpu" and tensor.dtype in READABLE and tensor.layout == torch.strided
        for tensor in tensors
    )


def quietly(call: Callable[[], Any]) -> Callable[[], Any]:
    """A call in which NumPy warns of nothing: NaN and ∞ are what a broken run is made of.

    ``np.errstate`` around it does the same, but takes as long as the sums of a small layer.
    """
    outside, context = np.geterr(), copy_context()
    context.run(partial(np.seterr, all="ignore"))
    if np.geterr() != outside:  # NumPy 1: what is ignored is the thread's, not the context's
        np.seterr(**outside)
        return np.errstate(all="ignore")(call)
    return partial(context.run, call)


def _cuts(tensors: Sequence[nn.Parameter], layers: Sequence[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """Where each piece begins and ends, and its layer: neighbours of one layer are one piece, if not too long."""
    bounds: dict[int, tuple[int, int]] = {}
    end = 0
    for tensor, layer in zip(tensors, layers, strict=True):
        start = bounds[layer][0] if layer in bounds else end
        end += tensor.numel()
        bounds[layer] = (start, end)
    found = [
        (low, min(low + PIECE, end), layer)
        for layer, (start, end) in bounds.items()
        for low in range(start, max(end, start + 1), PIECE)
    ]
    return [(low, high) for low, high, _ in found], [layer for _, _, layer in found]


def _targets(sums: Array, piece: int) -> tuple[Array, ...]:
    """Where a dot product of one piece can be written to."""
    return tuple(sums[kind, piece : piece + 1].reshape(()) for kind in range(SUMS))


def _shaped(flat: Array, tensors: Sequence[nn.Parameter]) -> list[Array]:
    """Views of ``flat``, one after the other, in the tensors' shapes."""
    ends = np.cumsum([tensor.numel() for tensor in tensors])
    return [
        flat[end - tensor.numel() : end].reshape(tuple(tensor.shape)) for end, tensor in zip(ends, tensors, strict=True)
    ]


def _is_zero(array: Array) -> bool:
    """True where every bit is 0: several times faster than asking NumPy about the numbers."""
    return array.tobytes() == bytes(array.nbytes)
