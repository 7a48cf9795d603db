"""A batch: what the model is called with, and what its output is compared with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from fallline._errors import DataError
from fallline._objective._trees import mapped, tensors
from fallline._wording import count


@dataclass(frozen=True, eq=False)
class Batch:
    """One batch as it was given, taken apart."""

    input: Any
    """A tensor; a tuple or list, given to the model one by one; or a mapping, given by name."""
    target: Any
    """What the loss function gets beside the output; of a batch that is a mapping, the mapping itself."""
    given: Any
    """The batch as the user gave it: what a denominator of their own is asked of."""

    @cached_property
    def rows(self) -> int:
        """The first dimension of the first tensor of the input."""
        return rows_of(self.input)

    @cached_property
    def target_tensors(self) -> list[Tensor]:
        """All tensors of the target, in order."""
        return tensors(self.target)

    @property
    def is_mapping(self) -> bool:
        """Whether input and target are one mapping."""
        return self.target is self.input

    def call(self, model: Callable[..., Any]) -> Any:
        """The model's output."""
        if isinstance(self.input, Mapping):
            return model(**self.input)
        return model(*self.input) if isinstance(self.input, tuple | list) else model(self.input)

    def mapped(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch with ``function`` of every tensor."""
        return read_batch(mapped(self.given, function))

    def part(self, begin: int, end: int) -> "Batch":
        """Rows from ``begin`` to before ``end``: of every tensor that has as many as the input."""
        rows = self.rows
        return self.mapped(lambda tensor: tensor[begin:end] if has_rows(tensor, rows) else tensor)

    def each(self, step: int, begin: int) -> "Batch":
        """Every ``step``-th row from ``begin`` on: of every tensor that has as many as the input."""
        rows = self.rows
        return self.mapped(lambda tensor: tensor[begin::step] if has_rows(tensor, rows) else tensor)

    def cast(self, device: torch.device, dtype: torch.dtype | None, wide: torch.dtype | None) -> "Batch":
        """On ``device``; numbers of the input in ``dtype``, of the target at least as wide as ``wide``."""
        target = self.target if self.is_mapping else mapped(self.target, lambda one: _widened(one.to(device), wide))
        changed = mapped(self.input, lambda one: _in_dtype(one.to(device), dtype))
        return read_batch(changed if self.is_mapping else (changed, target))


def _in_dtype(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor if dtype is None or not tensor.is_floating_point() else tensor.to(dtype)


def _widened(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    if dtype is None or not tensor.is_floating_point():
        return tensor
    return tensor.to(torch.promote_types(tensor.dtype, dtype))


def has_rows(tensor: Tensor, rows: int) -> bool:
    """Whether its first dimension are these rows."""
    return tensor.dim() > 0 and tensor.shape[0] == rows


def rows_of(tree: Any) -> int:
    """The first dimension of the first tensor that has one.

    Raises:
        DataError: there is none.
    """
    for tensor in tensors(tree):
        if tensor.dim() > 0:
            return int(tensor.shape[0])
    raise DataError(f"A batch needs a tensor with rows as its input; this one has {_kind(tree)}.")


def read_batch(given: Any) -> Batch:
    """A batch taken apart: ``(input, target)``, or a mapping that is both.

    Raises:
        DataError: it is neither.
    """
    if isinstance(given, Mapping):
        whole = dict(given)
        return Batch(whole, whole, given)
    if isinstance(given, tuple | list) and len(given) == 2:
        return Batch(given[0], given[1], given)
    held = count(len(given), "thing") if isinstance(given, tuple | list) else _kind(given)
    raise DataError(
        f"A batch is a pair (input, target), or a mapping that the model is called with by name; here is {held}. "
        "Several inputs go together: ((first, second), target)."
    )


def _kind(thing: Any) -> str:
    return f"a {type(thing).__name__}"
