"""Layers that read the data themselves: over a plane of parameters their output is linear, not multiplied anew.

With W = W₀ + Σ uₖ Wₖ and b alike, ``x·Wᵀ + b`` is ``(x·W₀ᵀ + b₀) + Σ uₖ (x·Wₖᵀ + bₖ)``: K + 1 products once, and K
sums of their results at every point. Of an MLP 64-128-128-10 the product is a quarter of a forward pass.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

EXACT_ENOUGH: Final = (torch.float32, torch.float64)
"""In narrower kinds a sum of rounded products is not what the product of rounded sums is."""
MOST_BYTES: Final = 64_000_000
"""What the kept products of one layer may take."""
CANCELLED: Final = 32
"""The summands may be so many times as large as their sum: beyond that digits are lost."""
LOOKED_AT: Final = 16
"""Every so manieth row of a sum tells its size."""

Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class InPlane:
    """Points ``origin [P] + coordinates [B, K] · directions [K, P]``."""

    origin: Tensor
    directions: Tensor
    coordinates: Sequence[Sequence[float]]

    def to(self, like: Tensor) -> "InPlane":
        """In the kind of numbers of another tensor, where that one is."""
        return InPlane(self.origin.to(like), self.directions.to(like), self.coordinates)


class FirstLayers(TorchFunctionMode):
    """While it is entered, ``linear`` of the data and of views of ``at`` is put together from kept products.

    A layer is multiplied anew wherever that might not be the same: data or weights that the model has written to,
    gradients taken inside of it, autocast, numbers that cancel.

    Args:
        at: [P] the parameter vector whose views the model computes with.
        plane: where ``at`` moves.
        data: tensors that are the same at every point.
    """

    def __init__(self, at: Tensor, plane: InPlane, data: Iterable[Tensor]) -> None:
        super().__init__()
        self._at, self._plane = at, plane
        self._data = {_storage(one) for one in data if one.layout is torch.strided}
        self._point = at
        self._coordinates: Sequence[float] = ()
        self._layers: dict[Key, _Layer | None] = {}

    def move(self, place: int, point: Tensor) -> None:
        """``at`` holds this point [P] of the plane now."""
        self._coordinates, self._point = self._plane.coordinates[place], point.to(self._at.dtype)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """As :class:`TorchFunctionMode` asks for it: what ``func`` returns."""
        given = kwargs or {}
        if func is linear and not torch.is_grad_enabled():
            found = self._linear(*args, **given)
            if found is not None:
                return found
        return func(*args, **given)

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor | None:  # noqa: A002  (PyTorch's name)
        moving = [weight] if bias is None else [weight, bias]
        if not (self._is_data(input) and all(map(self._is_point, moving))):
            return None
        key = tuple(map(_view, (input, *moving)))
        if key not in self._layers:
            self._layers[key] = self._made(input, weight, bias)
        layer = self._layers[key]
        return None if layer is None else layer.at(input, self._coordinates)

    def _is_data(self, tensor: Tensor) -> bool:
        return _is_plain(tensor) and _storage(tensor) in self._data

    def _is_point(self, tensor: Tensor) -> bool:
        """Whether it is a view of ``at``, and the model has left its numbers as they are at this point."""
        mine = _is_plain(tensor) and _storage(tensor) == _storage(self._at)
        return mine and torch.equal(tensor, _same_view(self._point, tensor))

    def _made(self, data: Tensor, weight: Tensor, bias: Tensor | None) -> "_Layer | None":
        """The kept products; None where they are too large, or not finite and would hide what is."""
        size = data.numel() // max(1, data.shape[-1]) * weight.shape[0] * data.element_size()
        if (len(self._plane.directions) + 2) * size + data.numel() * data.element_size() > MOST_BYTES:
            return None
        products = []
        for vector in (self._plane.origin, *self._plane.directions):
            its_bias = None if bias is None else _same_view(vector, bias)
            products.append(linear(data, _same_view(vector, weight), its_bias))
        if not all(one.numel() > 0 and bool(torch.isfinite(one).all()) for one in products):
            return None
        return _Layer(data, products[0], products[1:])


class _Layer:
    """The output of one layer at any point of the plane; the sum over all coordinates but the first is kept."""

    def __init__(self, data: Tensor, origin: Tensor, along: Sequence[Tensor]) -> None:
        self._data, self._origin, self._along = data.clone(), origin, along
        self._sizes = [float(one.abs().max()) for one in (origin, *along)]
        self._others: tuple[float, ...] | None = None
        self._beneath = origin

    def at(self, data: Tensor, coordinates: Sequence[float]) -> Tensor | None:
        """None where the data were written to, or digits would be lost."""
        if not torch.equal(data, self._data):
            return None
        others = tuple(coordinates[1:])
        if others != self._others:
            beneath = self._origin
            for product, coordinate in zip(self._along[1:], others, strict=True):
                beneath = torch.add(beneath, product, alpha=coordinate)
            self._others, self._beneath = others, beneath
        found = torch.add(self._beneath, self._along[0], alpha=coordinates[0])
        summed = sum(abs(c) * size for c, size in zip((1.0, *coordinates), self._sizes, strict=True))
        seen = found.reshape(-1, found.shape[-1])[::LOOKED_AT].abs().max()
        return found if summed <= CANCELLED * float(seen) else None


def _is_plain(tensor: Tensor) -> bool:
    """Whether it is what its storage holds, and its products are exact enough."""
    if type(tensor) not in (Tensor, Parameter) or tensor.layout is not torch.strided or tensor.is_neg():
        return False
    narrowed = torch.is_autocast_enabled(tensor.device.type) or (
        tensor.is_cuda and torch.backends.cuda.matmul.allow_tf32
    )
    return tensor.dtype in EXACT_ENOUGH and not narrowed


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _view(tensor: Tensor) -> Key:
    """Which numbers of its storage a tensor shows."""
    return (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)


def _same_view(vector: Tensor, like: Tensor) -> Tensor:
    """Of another vector [P] what ``like`` shows of its own."""
    return vector.as_strided(like.shape, like.stride(), vector.storage_offset() + like.storage_offset())
