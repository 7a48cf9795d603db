"""The gauge for everything else: other devices, half precision, complex numbers. PyTorch does the arithmetic.

Its few kernels take whole lists of tensors, and what they find stays on the device as one small tensor per step.
Numbers of half precision are subtracted in float32; lengths are added up in float64 where the device has it, so
that no square overflows.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import nn

from fallline._errors import OptionError
from fallline._recorder._gauge import SUMS, Reading

WITHOUT_FLOAT64: Final = frozenset({"mps"})
WIDE: Final = frozenset({torch.float64, torch.complex128})


class DeviceReading(NamedTuple):
    """A reading that still is on its devices."""

    tensors: tuple[torch.Tensor, ...]
    """For each device [SUMS × its columns]: three lengths, not squared, and a product for each tensor."""
    columns: tuple[tuple[int, ...], ...]
    """Where each device's columns belong."""

    def on_host(self, numbers: Sequence[Sequence[float]]) -> list[float]:
        """[SUMS × columns] the reading, from the ``numbers`` in :attr:`tensors`."""
        count = sum(map(len, self.columns))
        reading = [0.0] * (SUMS * count)
        for found, columns in zip(numbers, self.columns, strict=True):
            for k, column in enumerate(columns):
                for kind in range(SUMS):
                    value = found[kind * len(columns) + k]
                    reading[kind * count + column] = value if kind == SUMS - 1 else value * value
        return reading


class DeviceGauge:
    """Reads the steps of one optimizer with PyTorch's own operations, wherever its parameters are.

    ``layers`` has the layer of each tensor.
    """

    def __init__(self, tensors: Sequence[nn.Parameter], layers: Sequence[int]) -> None:
        self.finite = True
        order = sorted(range(len(tensors)), key=lambda k: layers[k])
        self.layers = [layers[k] for k in order]
        self.gradient: list[torch.Tensor] = [torch.empty(0)] * len(tensors)
        self.update: list[torch.Tensor] = [torch.empty(0)] * len(tensors)
        self._shards: list[_Shard] = []
        for device in dict.fromkeys(tensor.device for tensor in tensors):
            chosen = [k for k in order if tensors[k].device == device]
            shard = _Shard(device, [tensors[k] for k in chosen], tuple(order.index(k) for k in chosen))
            self._shards.append(shard)
            for k, gradient, update in zip(chosen, shard.gradients, shard.updates, strict=True):
                like_complex = torch.view_as_complex if tensors[k].is_complex() else torch.Tensor.detach
                self.gradient[k], self.update[k] = like_complex(gradient), like_complex(update)
        self.nbytes = sum(shard.nbytes for shard in self._shards)

    def remember(self) -> None:
        """Copy the parameters."""
        for shard in self._shards:
            shard.remember()

    def consume(self, scale: Any | None, *, keep: bool = True) -> None:
        """Copy the gradients; a parameter without one has 0."""
        del keep  # they are, in any case
        for shard in self._shards:
            shard.consume(scale)

    def read(self) -> Reading:
        """Δθ, and what is left of it on each device; numbers where that is the host."""
        columns = tuple(shard.columns for shard in self._shards)
        reading = DeviceReading(tuple(shard.read() for shard in self._shards), columns)
        if any(map(is_late, reading.tensors)):
            return reading
        numbers = reading.on_host([tensor.tolist() for tensor in reading.tensors])
        self.finite = math.isfinite(sum(numbers))
        return numbers


class _Shard:
    """The tensors on one device."""

    def __init__(self, device: torch.device, tensors: Sequence[nn.Parameter], columns: tuple[int, ...]) -> None:
        self.columns = columns
        self._tensors = tuple(tensors)
        self._places = [(tensor.dtype, tensor.shape, tensor.device) for tensor in tensors]
        self._addresses: list[int] = []
        self._views: list[torch.Tensor] = []
        self._remembered: list[torch.Tensor] = []
        """The parameters' lengths before the update."""
        self._long = torch.float32 if device.type in WITHOUT_FLOAT64 else torch.float64
        self.updates, self.gradients = (
            [
                torch.zeros_like(_real(tensor), dtype=torch.float64 if tensor.dtype in WIDE else torch.float32)
                for tensor in tensors
            ]
            for _ in range(2)
        )
        self.nbytes = 2 * sum(kept.numel() * kept.element_size() for kept in self.updates)

    def remember(self) -> None:
        self._look()
        torch._foreach_copy_(self.updates, self._views)
        self._remembered = self._lengths(self.updates)

    def consume(self, scale: Any | None) -> None:
        pairs = [
            (kept, _real(tensor.grad.to_dense() if tensor.grad.is_sparse else tensor.grad))
            for kept, tensor in zip(self.gradients, self._tensors, strict=True)
            if tensor.grad is not None
        ]
        if len(pairs) < len(self._tensors):
            torch._foreach_zero_(self.gradients)
        if pairs:
            torch._foreach_copy_([kept for kept, _ in pairs], [gradient for _, gradient in pairs])
        if scale is not None:
            torch._foreach_div_(self.gradients, self._scale(scale))

    def read(self) -> torch.Tensor:
        """[SUMS × columns] lengths of gradient, update and parameters, and gradient · update."""
        self._look()
        torch._foreach_neg_(self.updates)
        torch._foreach_add_(self.updates, self._views)
        steepness = torch.stack(self._lengths(self.gradients))
        found = [*self._lengths(self.updates), *self._remembered]
        return torch.cat([steepness, torch.stack(found), self._products(steepness)])

    def _products(self, steepness: torch.Tensor) -> torch.Tensor:
        """[columns] gradient · update; of gradients of length 1, as the products of float32 numbers may overflow."""
        length = torch.linalg.vector_norm(steepness).float()
        length = torch.where(torch.isfinite(length) & (length > 0), length, 1)
        products = torch._foreach_div(self.gradients, length)
        torch._foreach_mul_(products, self.updates)
        gains = torch.stack(self._lengths(torch._foreach_clamp_min(products, 0), 1))
        losses = torch.stack(self._lengths(torch._foreach_clamp_max(products, 0), 1))
        return (gains - losses) * length

    def _lengths(self, tensors: list[torch.Tensor] | tuple[torch.Tensor, ...], power: int = 2) -> list[torch.Tensor]:
        return list(torch._foreach_norm(tensors, power, dtype=self._long))

    def _scale(self, scale: Any) -> Any:
        return scale.to(self._views[0].device).reshape(()) if isinstance(scale, torch.Tensor) else scale

    def _look(self) -> None:
        """Views of the parameters; anew where their storage was replaced."""
        addresses = [tensor.data_ptr() for tensor in self._tensors]
        if addresses == self._addresses:
            return
        for tensor, place in zip(self._tensors, self._places, strict=True):
            if (tensor.dtype, tensor.shape, tensor.device) != place:
                dtype, shape, device = place
                raise OptionError(
                    f"a parameter of shape {tuple(shape)}, {dtype} on {device}, became one of shape "
                    f"{tuple(tensor.shape)}, {tensor.dtype} on {tensor.device}"
                )
        self._addresses = addresses
        self._views = [_real(tensor) for tensor in self._tensors]


def is_late(tensor: torch.Tensor) -> bool:
    """True for what the host would have to wait for."""
    return tensor.device.type != "cpu"


def _real(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers without a graph; a complex one as its two parts."""
    tensor = tensor.detach()
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
