"""Layers that read the data themselves: over a plane of parameters their output is linear, not multiplied anew.

With W = W₀ + Σ uₖ Wₖ and b alike, ``x·Wᵀ + b`` is ``(x·W₀ᵀ + b₀) + Σ uₖ (x·Wₖᵀ + bₖ)``: K + 1 products once, and K
sums of their results at every point. Of an MLP 64-128-128-10 the product is a quarter of a forward pass.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

EXACT_ENOUGH: Final = (torch.float32, torch.float64)
"""In narrower kinds a sum of rounded products is not what the product of rounded sums is."""
MOST_BYTES: Final = 64_000_000
"""What the kept products of one layer may take."""

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

    Args:
        at: [P] the parameter vector whose views the model computes with.
        plane: where ``at`` moves.
        data: tensors that are the same at every point.
    """

    def __init__(self, at: Tensor, plane: InPlane, data: Iterable[Tensor]) -> None:
        super().__init__()
        self._at, self._plane = at, plane
        self._data = {_storage(one) for one in data if one.layout is torch.strided}
        self._here = 0
        self._layers: dict[Key, _Layer | None] = {}

    def move(self, place: int) -> None:
        """``at`` holds the point of these coordinates of the plane now."""
        self._here = place

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """As :class:`TorchFunctionMode` asks for it: what ``func`` returns."""
        given = kwargs or {}
        if func is linear:
            found = self._linear(*args, **given)
            if found is not None:
                return found
        return func(*args, **given)

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor | None:  # noqa: A002  (PyTorch's name)
        if not (self._is_data(input) and self._moves(weight) and (bias is None or self._moves(bias))):
            return None
        key = (*_view(input), input._version, *_view(weight), *(() if bias is None else _view(bias)))
        if key not in self._layers:
            self._layers[key] = self._made(input, weight, bias)
        layer = self._layers[key]
        return None if layer is None else layer.at(self._plane.coordinates[self._here])

    def _is_data(self, tensor: Tensor) -> bool:
        plain = tensor.layout is torch.strided and not tensor.is_inference()
        return plain and tensor.dtype in EXACT_ENOUGH and _storage(tensor) in self._data

    def _moves(self, tensor: Tensor) -> bool:
        return _storage(tensor) == _storage(self._at)

    def _made(self, data: Tensor, weight: Tensor, bias: Tensor | None) -> "_Layer | None":
        """The kept products; None where they are too large, or not finite and would hide what is."""
        size = data.numel() // max(1, data.shape[-1]) * weight.shape[0] * data.element_size()
        if (len(self._plane.directions) + 2) * size > MOST_BYTES:
            return None
        products = []
        for vector in (self._plane.origin, *self._plane.directions):
            its_bias = None if bias is None else _same_view(vector, bias)
            products.append(linear(data, _same_view(vector, weight), its_bias))
        if not all(bool(torch.isfinite(one).all()) for one in products):
            return None
        return _Layer(products[0], products[1:])


class _Layer:
    """The output of one layer at any point of the plane; the sum over all coordinates but the first is kept."""

    def __init__(self, origin: Tensor, along: Sequence[Tensor]) -> None:
        self._origin, self._along = origin, along
        self._others: tuple[float, ...] | None = None
        self._beneath = origin

    def at(self, coordinates: Sequence[float]) -> Tensor:
        others = tuple(coordinates[1:])
        if others != self._others:
            beneath = self._origin
            for product, coordinate in zip(self._along[1:], others, strict=True):
                beneath = torch.add(beneath, product, alpha=coordinate)
            self._others, self._beneath = others, beneath
        return torch.add(self._beneath, self._along[0], alpha=coordinates[0])


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _view(tensor: Tensor) -> Key:
    """Which numbers of its storage a tensor shows."""
    return (tensor.data_ptr(), tensor.shape, tensor.stride())


def _same_view(vector: Tensor, like: Tensor) -> Tensor:
    """Of another vector [P] what ``like`` shows of its own."""
    return vector.as_strided(like.shape, like.stride(), vector.storage_offset() + like.storage_offset())
