"""What the trace writes down: tensors as they were at one moment, and the operations between them."""

from dataclasses import dataclass, field
from typing import Any

import torch

from fallline._backprop._ran import Held
from fallline._records import TensorValue

Key = tuple[int, int]
"""An autograd node's number, and which of its outputs."""


@dataclass(eq=False)
class Seen:
    """A tensor when an operation used or made it."""

    token: int
    """Which tensor: the same for the same object, as long as it lives."""
    shape: tuple[int, ...]
    dtype: torch.dtype
    requires_grad: bool
    key: Key | None = None
    """Where its gradient goes; None for a leaf, and where it has none."""
    leaf: torch.Tensor | None = None
    """Itself, where it is a leaf that asks for a gradient: those live as long as the program wants anyway."""
    copy: torch.Tensor | None = None
    """A detached copy of a small one."""
    value: TensorValue | None = None

    def held(self, label: str | None) -> Held:
        """For the text and the rules."""
        return Held(self.copy, self.shape, self.dtype, label)


@dataclass(eq=False)
class Operation:
    """One ATen operation as the dispatcher saw it."""

    place: int
    """Among all that were seen."""
    op: str
    """Without namespace, overload, or the ``_`` of in-place ones."""
    overload: str
    number: int
    """Of the autograd node that it belongs to, if it belongs to one."""
    names: tuple[str, ...]
    """The schema's, one for each argument."""
    arguments: tuple[Any, ...]
    """Tensors replaced by ``Seen``; defaults filled in."""
    outputs: tuple[Seen | None, ...]
    module: str | None
    """Path of the module that ran it."""
    differentiable: bool
    """Autograd made a node for it, as far as can be told from outside."""
    grad_enabled: bool
    in_place: bool
    view: bool
    random: bool
    pointwise: bool
    higher_order: bool
    """It ran inside of a backward pass."""
    in_custom: bool
    """It ran inside of the forward of somebody's ``autograd.Function``."""
    packed: bool
    """What it saved for the backward pass is kept by hooks (checkpointing), which must not be asked for it twice."""
    whole: Seen | None = None
    """Of one in place that wrote into a part: the whole, right after."""
    tensors: tuple[tuple[int, Seen], ...] = field(init=False)
    """Its tensor arguments, those in lists too: place of the argument, and the tensor."""

    @property
    def given(self) -> dict[str, Any]:
        """Its arguments by name."""
        return dict(zip(self.names, self.arguments, strict=True))

    def __post_init__(self) -> None:
        self.tensors = tuple(
            (place, each)
            for place, argument in enumerate(self.arguments)
            for each in (argument if isinstance(argument, tuple) else (argument,))
            if isinstance(each, Seen)
        )
