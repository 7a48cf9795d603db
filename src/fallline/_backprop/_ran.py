"""One operation as it ran: its name, its arguments and its outputs, with the numbers they had at that moment."""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch


@dataclass(frozen=True, eq=False)
class Held:
    """A tensor as it was when an operation ran."""

    tensor: torch.Tensor | None
    """A detached copy of a small one (at most ``KEPT`` entries); None of a large one."""
    shape: tuple[int, ...]
    dtype: torch.dtype
    label: str | None = None
    """What it is called in text: ``"x"``, ``"layer1.weight"``; None where it has no name."""

    @property
    def count(self) -> int:
        """How many entries."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Ran:
    """One ATen operation, its tensors replaced by what is held of them."""

    op: str
    """Without namespace, overload, or the ``_`` of in-place ones: ``"mul"``, ``"addmm"``, ``"_log_softmax"``."""
    overload: str
    """``"Tensor"``, ``"Scalar"``, ``"default"``."""
    arguments: tuple[Any, ...]
    """All of the schema's, in its order, defaults filled in; a list of tensors is a tuple of ``Held``."""
    names: tuple[str, ...]
    """The schema's, one for each argument: ``"self"``, ``"other"``, ``"alpha"``."""
    outputs: tuple[Held | None, ...]
    """None for an output that is no tensor."""

    def argument(self, name: str) -> Any:
        """The argument of this name; None where the schema has none."""
        return self.arguments[self.names.index(name)] if name in self.names else None
