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

    ``layers`` has the layer of each tensor. Where parameters ``stay``, an update leaves them in their storage.
    """

    def __init__(self, tensors: Sequence[nn.Parameter], layers: Sequence[int], *, stay: bool = False) -> None:
        self.finite = True
        self._stay = stay
        order = sorted(range(len(tensors)), key=lambda k: layers[k])
        self._tensors = [tensors[k] for k in order]
        self._places = [(tensor.dtype, tensor.shape) for tensor in self._tensors]
        self._addresses: list[int] = []
        self._views: list[Array] = []
        self._row: list[Array] | None = None
        """The views as rows of numbers; None where one of them does not lie in one piece."""
        wide = any(tensor.dtype == torch.float64 for tensor in tensors)
        self._least = -1.0 if wide else TINY
        count = sum(tensor.numel() for tensor in tensors)
        gradient, update = np.zeros((2, count), np.float64 if wide else np.float32)
        self.nbytes = 2 * update.nbytes
        self._flat_update = update
        self._gradients, self._updates = (_shaped(flat, self._tensors) for flat in (gradient, update))
        self.gradient = [self._gradients[order.index(k)] for k in range(len(order))]
        self.update = [self._updates[order.index(k)] for k in range(len(order))]
        cuts, self.layers = _cuts(self._tensors, [layers[k] for k in order])
        self._sums = np.zeros((SUMS, len(cuts)), update.dtype)
        self._pieces = [
            _Piece(gradient[low:high], update[low:high], _targets(self._sums, k)) for k, (low, high) in enumerate(cuts)
        ]
        self._cuts = cuts
        self._first_of_layer: list[int] | None = None
        if len(cuts) > FEW_PIECES:
            self._first_of_layer = [self.layers.index(layer) for layer in dict.fromkeys(self.layers)]
            self.layers = list(dict.fromkeys(self.layers))
        self._measure = quietly(self._measure_loudly)

    def remember(self) -> None:
        """Copy the parameters."""
        self._look()
        if self._row is None:
            for kept, view in zip(self._updates, self._views, strict=True):
                kept[...] = view
        else:
            np.concatenate(self._row, out=self._flat_update)

    def consume(self, scale: Any | None, *, keep: bool = True) -> None:
        """Copy the gradients; a parameter without one has 0."""
        del keep  # they are, in any case
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
        if not self._stay:
            self._look()
        self._measure()
        reading = self._sums.ravel().tolist()
        self.finite = math.isfinite(sum(reading))
        if not self.finite or min(reading[: -len(self._pieces)], default=1.0) <= self._least:
            reading = self._measured_in_float64()
            self.finite = math.isfinite(sum(reading))
        if self._first_of_layer is None:
            return reading
        with np.errstate(all="ignore"):
            columns = np.array(reading).reshape(SUMS, -1)
            return np.add.reduceat(columns, self._first_of_layer, axis=1).ravel().tolist()

    def _measure_loudly(self) -> None:
        pieces = self._pieces
        for _, remembered, into in pieces:
            remembered.dot(remembered, into[2])
        for kept, view in zip(self._updates, self._views, strict=True):
            np.subtract(view, kept, kept)
        for gradient, update, into in pieces:
            gradient.dot(gradient, into[0])
            update.dot(update, into[1])
            gradient.dot(update, into[3])

    def _measured_in_float64(self) -> list[float]:
        """A square overflows, and underflows, long before its root does: such pieces once more in float64."""
        sums = self._sums.astype(np.float64)
        for k, (gradient, update, _) in enumerate(self._pieces):
            if not (np.isfinite(sums[:, k]).all() and self._has_all_digits(sums[0, k], gradient)):
                sums[0, k], sums[3, k] = _product(gradient, gradient), _product(gradient, update)
            if not (np.isfinite(sums[:, k]).all() and self._has_all_digits(sums[1, k], update)):
                sums[1, k], sums[3, k] = _product(update, update), _product(gradient, update)
        if not (np.isfinite(sums[2]).all() and sums[2].min(initial=1.0) > self._least):
            self._measure_parameters_in_float64(sums[2])
        return sums.ravel().tolist()

    def _has_all_digits(self, square: float, of: Array) -> bool:
        """False where a sum of squares lost digits to underflow; one of nothing but zeros has them."""
        return square > self._least or _is_zero(of)

    def _measure_parameters_in_float64(self, squares: Array) -> None:
        """What was remembered is the parameters less their update, but for rounding."""
        after = np.concatenate([view.reshape(-1) for view in self._views]).astype(np.float64)
        with np.errstate(all="ignore"):
            before = after - self._flat_update
        for k, (low, high) in enumerate(self._cuts):
            if not squares[k] > self._least or not math.isfinite(squares[k]):
                squares[k] = _product(before[low:high], before[low:high])

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
        plain = all(view.flags.c_contiguous and view.dtype == self._flat_update.dtype for view in self._views)
        self._row = [view.reshape(-1) for view in self._views] if plain and self._views else None


class _Piece(NamedTuple):
    """So many neighbouring numbers of one layer, and where their sums go."""

    gradient: Array
    update: Array
    into: tuple[Array, ...]
    """[SUMS] arrays without dimensions."""


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


def _product(one: Array, other: Array) -> float:
    """In float64."""
    with np.errstate(all="ignore"):
        return float(one.astype(np.float64).dot(other.astype(np.float64)))


def _is_zero(array: Array) -> bool:
    """True where every bit is 0: several times faster than asking NumPy about the numbers."""
    return array.tobytes() == bytes(array.nbytes)
