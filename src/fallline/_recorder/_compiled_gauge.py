"""The gauge for parameters in the host's memory where fallline was compiled: one pass in C over the same bytes.

For small networks the calls cost more than the arithmetic: about a microsecond each in PyTorch, half of one in NumPy.
Here a step takes two calls, whatever the number of tensors. Why: docs/decisions/0017.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from fallline._errors import OptionError
from fallline._recorder._gauge import Reading
from fallline._recorder._in_one_piece import in_one_piece, is_there
from fallline._recorder._torch_private import times_changed

try:
    from fallline._recorder import _one_pass
except ImportError:  # no C compiler at installation
    COMPILED = False
else:
    COMPILED = True

Array = np.ndarray[Any, np.dtype[Any]]
_Loan = tuple[torch.Tensor, int]
"""A gradient, and how often it had been changed when it was lent."""
NO_GRADIENT = 0
"""The address of nothing: it counts as zeros."""


class CompiledGauge:
    """Reads the steps of one optimizer whose parameters are of one dtype, float32 or float64, in the host's memory.

    ``layers`` has the layer of each tensor. With ``lend`` gradients that need not be kept are read where they lie,
    after the update; those of an optimizer that was seen to change them are copied from then on. Only for optimizers
    that write in place and by PyTorch's own operations, which count the changes of a tensor.
    """

    def __init__(self, tensors: Sequence[nn.Parameter], layers: Sequence[int], *, lend: bool = False) -> None:
        self.finite = True
        self.layers = sorted(set(layers))
        self._lends = lend
        self._tensors = tuple(tensors)
        self._shapes = [tensor.shape for tensor in tensors]
        self._counted = [(tensor, tensor.numel()) for tensor in tensors]
        self._dtype = tensors[0].dtype if tensors else torch.float32
        rows = [(count, self.layers.index(layer)) for (_, count), layer in zip(self._counted, layers, strict=True)]
        self._plan = np.array(rows, dtype=np.int64).reshape(-1, 2)
        numbers = np.float64 if self._dtype == torch.float64 else np.float32
        self._gradient, self._update = np.zeros((2, sum(count for _, count in self._counted)), numbers)
        self.nbytes = self._gradient.nbytes + self._update.nbytes
        self.gradient, self.update = self._shaped(self._gradient), self._shaped(self._update)
        self._copies = [each.ctypes.data for each in self.gradient]
        self._addresses: list[int] = []
        self._storages: list[torch.UntypedStorage] = []
        """Held, so that nothing else can come to lie at these addresses."""
        self._scattered = False
        """True where a parameter does not lie in one piece: what is read then is a copy."""
        self._slopes: list[int] | None = None
        """Where the gradients lie, in the order of the parameters; None until the next are there."""
        self._lent: list[_Loan] | None = None
        """Where these are the gradients themselves, and not their copies."""

    def remember(self) -> None:
        """Copy the parameters."""
        self._look()
        addresses, _held = self._places()
        _one_pass.gather(addresses, self._plan, self._update)

    def consume(self, scale: Any | None, *, keep: bool = True) -> None:
        """Take hold of the gradients; a parameter without one has 0."""
        slopes: list[int] = []
        lent: list[_Loan] = []
        not_counted: list[torch.Tensor] = []
        """Held until they are copied: whether anybody changes them cannot be told."""
        dtype = self._dtype
        for tensor, count in self._counted:
            gradient = tensor.grad
            if gradient is None:
                slopes.append(NO_GRADIENT)
                continue
            lies_as_the_parameter = (
                gradient.is_contiguous()  # which sparse ones are not
                and gradient.dtype is dtype
                and gradient.numel() == count
                and not (count == 1 and gradient.is_neg())  # a view; of more numbers it is not contiguous
            )
            if not lies_as_the_parameter:
                gradient = _as_plain_as(tensor, gradient)
            slopes.append(gradient.data_ptr())
            try:
                lent.append((gradient, times_changed(gradient)))
            except (RuntimeError, AttributeError):  # made in inference mode, or PyTorch has no such count
                not_counted.append(gradient)
        if self._lends and not keep and scale is None and not not_counted:
            self._lent, self._slopes = lent, slopes
        else:
            self._lent, self._slopes = None, self._copied(slopes, scale)

    def read(self) -> Reading | None:
        """Δθ, and the four sums of every layer.

        None where the optimizer has changed the gradients that it was lent, or there was no ``consume`` before.
        """
        lent, slopes = self._lent, self._slopes
        self._lent = self._slopes = None
        if lent is None:
            self._look()
        elif [times_changed(gradient) for gradient, _ in lent] != [changes for _, changes in lent]:
            self._lends, slopes = False, None
        self.finite = True
        if slopes is None:
            return None
        addresses, _held = self._places()
        reading = _one_pass.update_sums(addresses, slopes, self._plan, self._update, len(self.layers))
        self.finite = math.isfinite(sum(reading))
        return reading

    def _copied(self, slopes: list[int], scale: Any | None) -> list[int]:
        """Where the copies of these gradients lie, divided by the scale where they are still scaled."""
        _one_pass.gather(slopes, self._plan, self._gradient)
        if scale is not None:
            with np.errstate(all="ignore"):  # a scale may have become 0
                np.divide(self._gradient, float(scale), out=self._gradient)
        return self._copies

    def _places(self) -> tuple[list[int], object]:
        """Where the parameters can be read, as long as the second is held."""
        if not self._scattered:
            return self._addresses, None
        whole = [tensor if in_one_piece(tensor) else _copy_of(tensor) for tensor in self._tensors]
        return [tensor.data_ptr() for tensor in whole], whole

    def _look(self) -> None:
        """Where the parameters lie; anew where their storage was replaced (``.to()``, ``.data = …``)."""
        addresses = [tensor.data_ptr() for tensor in self._tensors]
        if addresses == self._addresses:
            return
        for tensor, shape in zip(self._tensors, self._shapes, strict=True):
            same_kind = tensor.device.type == "cpu" and tensor.layout == torch.strided and tensor.dtype == self._dtype
            if not same_kind or tensor.shape != shape:
                raise OptionError(
                    f"a parameter of shape {tuple(shape)}, {self._dtype} on the cpu, became one of shape "
                    f"{tuple(tensor.shape)}, {tensor.dtype} on {tensor.device}"
                )
            if not is_there(tensor):
                raise OptionError(f"the storage of a parameter of shape {tuple(shape)} was freed")
        self._scattered = not all(map(in_one_piece, self._tensors))
        self._storages = [tensor.untyped_storage() for tensor in self._tensors]
        self._addresses = addresses

    def _shaped(self, flat: Array) -> list[Array]:
        """Views of ``flat``, one after the other, in the tensors' shapes."""
        ends = np.cumsum(self._plan[:, 0])
        return [
            flat[end - count : end].reshape(tuple(tensor.shape))
            for end, (tensor, count) in zip(ends, self._counted, strict=True)
        ]


def _copy_of(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().resolve_neg().clone(memory_format=torch.contiguous_format)


def _as_plain_as(tensor: nn.Parameter, gradient: torch.Tensor) -> torch.Tensor:
    """A copy of its gradient with its shape and dtype, in one piece."""
    dense = gradient.detach().to_dense().resolve_neg()
    return dense.to("cpu", tensor.dtype).expand(tensor.shape).contiguous()


def plain(tensors: Sequence[torch.Tensor]) -> bool:
    """True where these lie in the host's memory, each in one piece, all float32 or all float64."""
    dtypes = {tensor.dtype for tensor in tensors}
    return dtypes in ({torch.float32}, {torch.float64}) and all(map(in_one_piece, tensors))
