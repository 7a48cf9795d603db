"""One pass over an optimizer's tensors after its update: the sums of its parts, and the effective rates.

Tensors are read in stretches, so that the arithmetic needs the same few megabytes whatever the model's size.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from fallline._recorder._host_gauge import TINY
from fallline._recorder._parts_of_update import SUMS, Array, Formula, Number, Stretch, formula_of, sums_of

HOST_STRETCH = 8192
"""Numbers: dot products of more make NumPy's BLAS start threads of its own."""
DEVICE_STRETCH = 1 << 20
CPU_TENSOR_STRETCH = 1 << 15
SCALARS = ("step", "mu_product")


class Held(Protocol):
    """What a gauge holds after it read an update, for each tensor of its optimizer one array."""

    @property
    def update(self) -> Sequence[Array]:
        """Δθ"""

    @property
    def gradient(self) -> Sequence[Array]:
        """g, as it was consumed."""


class UpdateSplitter:
    """Splits the updates of one optimizer; ``tensors`` in the order of the gauge."""

    def __init__(self, optimizer: torch.optim.Optimizer, tensors: Sequence[nn.Parameter], held: Held) -> None:
        self._optimizer, self._tensors, self._held = optimizer, tuple(tensors), held
        self._place = {id(tensor): k for k, tensor in enumerate(self._tensors)}

    def split(self) -> Array:
        """[tensors, SUMS] of the update that the gauge has just read; a NumPy array, or a tensor on its device.

        Nothing of the optimizer, the parameters or their gradients is changed, or waited for.
        """
        formula = formula_of(self._optimizer)
        rows: list[Sequence[Number]] = [[0.0] * SUMS] * len(self._tensors)
        gradients, updates = self._held.gradient, self._held.update
        with np.errstate(all="ignore"), torch.no_grad():
            for group in self._optimizer.param_groups:
                known = None if group.get("maximize", False) else formula
                options = _options(group)
                for tensor in group["params"]:
                    k = self._place.get(id(tensor))
                    if k is not None:
                        rows[k] = self._of_tensor(tensor, gradients[k], updates[k], known, options)
        return _gathered(rows)

    def _of_tensor(
        self, tensor: nn.Parameter, gradient: Array, update: Array, formula: Formula | None, options: Mapping[str, Any]
    ) -> Any:
        state = self._optimizer.state.get(tensor, {})  # .get: indexing would add an entry
        numbers = {name: _number(state[name]) for name in SCALARS if name in state}
        stepped = numbers.get("step")
        if tensor.grad is None or (isinstance(stepped, int | float) and stepped < 1):
            formula = None  # it was passed over
        if any(isinstance(value, torch.Tensor) and value.layout is not torch.strided for value in state.values()):
            formula = None  # a sparse momentum: making it dense would take more memory than the plan has
        arrays = {"gradient": gradient, "update": update, "after": tensor}
        if formula is not None:
            arrays |= {
                name: value
                for name, value in state.items()
                if name not in SCALARS and isinstance(value, torch.Tensor) and value.shape == tensor.shape
            }
        read = _on_host if isinstance(update, np.ndarray) else _on_device
        return read(arrays, numbers, options, formula)


def _on_host(
    arrays: Mapping[str, Array], numbers: Mapping[str, Number], options: Mapping[str, Any], formula: Formula | None
) -> list[float]:
    """In the precision of the gauge, and once more in float64 where squares overflow or vanish."""
    flat = {name: _flat_array(value) for name, value in arrays.items()}
    own = flat["update"].dtype
    total = _host_sums(flat, own, numbers, options, formula)
    if own == np.float64 or all(value == 0 or TINY < abs(value) < math.inf for value in total):
        return total
    return _host_sums(flat, np.dtype(np.float64), numbers, options, formula)


def _host_sums(
    flat: Mapping[str, np.ndarray],
    dtype: np.dtype[Any],
    numbers: Mapping[str, Number],
    options: Mapping[str, Any],
    formula: Formula | None,
) -> list[float]:
    total = [0.0] * SUMS
    for low in range(0, len(flat["after"]), HOST_STRETCH):
        cut = {name: array[low : low + HOST_STRETCH].astype(dtype, copy=False) for name, array in flat.items()}
        stretch = Stretch(cut["gradient"], cut["update"], cut["after"], cut, numbers, options)
        sums = sums_of(stretch, None if formula is None else formula(stretch))
        total = [before + float(value) for before, value in zip(total, sums, strict=True)]
    return total


def _on_device(
    arrays: Mapping[str, Array], numbers: Mapping[str, Number], options: Mapping[str, Any], formula: Formula | None
) -> torch.Tensor:
    """[SUMS] in float64 (float32 where the device has no other), left on the device."""
    flat = {name: _flat_tensor(value) for name, value in arrays.items()}
    device = flat["after"].device
    dtype = torch.float32 if device.type == "mps" else torch.float64
    length = CPU_TENSOR_STRETCH if device.type == "cpu" else DEVICE_STRETCH
    zero = torch.zeros((), dtype=dtype, device=device)
    total = torch.zeros(SUMS, dtype=dtype, device=device)
    for low in range(0, len(flat["after"]), length):
        cut = {name: tensor[low : low + length].to(dtype) for name, tensor in flat.items()}
        stretch = Stretch(cut["gradient"], cut["update"], cut["after"], cut, numbers, options)
        sums = sums_of(stretch, None if formula is None else formula(stretch))
        total += torch.stack([value.to(dtype) if isinstance(value, torch.Tensor) else zero + value for value in sums])
    return total


def _flat_array(value: Array) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value.reshape(-1)
    tensor = value.detach()
    if tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.float()
    array: np.ndarray = tensor.numpy()
    return array.reshape(-1)


def _flat_tensor(value: torch.Tensor) -> torch.Tensor:
    tensor = value.detach()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)  # as the optimizers do: two real numbers
    return tensor.reshape(-1)


def _options(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _number(value) for name, value in group.items() if name != "params"}


def _number(value: Any) -> Any:
    """A tensor of one number as a float where that waits for nothing, else as a tensor on its device."""
    if isinstance(value, tuple | list):
        return tuple(_number(each) for each in value)
    if not isinstance(value, torch.Tensor):
        return value
    if value.device.type == "cpu":
        return value.item() if value.numel() == 1 else value
    wide = value.detach().to(torch.float32 if value.device.type == "mps" else torch.float64)
    return wide.reshape(()) if wide.numel() == 1 else wide


def _gathered(rows: Sequence[Any]) -> Array:
    """Rows of the host as one array, rows of a device as one tensor there."""
    tensors = [row for row in rows if isinstance(row, torch.Tensor)]
    if not tensors:
        return np.array(rows, dtype=np.float64)
    device, dtype = tensors[0].device, tensors[0].dtype
    nothing = torch.zeros(SUMS, dtype=dtype, device=device)
    return torch.stack([row.to(device) if isinstance(row, torch.Tensor) else nothing for row in rows])
