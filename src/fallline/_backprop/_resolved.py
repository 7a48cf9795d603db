"""Copies that PyTorch makes by itself of a lazy conjugate or negative, right before an operation uses it.

``z.conj()`` changes a bit and no number; what uses it gets a copy with the numbers changed. That is below autograd, so
the copy has no gradient, and is no constant for all that: it moves with what it is a copy of.
"""

import weakref
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import torch

COPYING: Final = "aten::clone"
Known = TypeVar("Known")


class Resolved(Generic[Known]):
    """The copies of one run, each with what is known of its original."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], Known]] = {}

    def note(self, copy: torch.Tensor, known: Known) -> None:
        """A copy of a lazy one with a gradient."""
        self._known[id(copy)] = weakref.ref(copy), known

    def find(self, tensor: torch.Tensor) -> Known | None:
        """Of a copy that autograd does not know; None of all else."""
        if not self._known or tensor.requires_grad:  # with a gradient it is somebody's own clone
            return None
        found = self._known.get(id(tensor))
        return found[1] if found is not None and found[0]() is tensor else None


def copies_lazy(name: str, operands: Sequence[torch.Tensor]) -> bool:
    """Whether an operation may be such a copy: somebody's own ``clone()`` is the same one."""
    return name == COPYING and bool(operands) and operands[0].requires_grad and is_lazy(operands[0])


def is_lazy(tensor: torch.Tensor) -> bool:
    """Whether its numbers are others than those in memory."""
    return tensor.layout is torch.strided and (tensor.is_conj() or tensor.is_neg())
