"""The backward pass, with every gradient that arrives at a step and every one that leaves it written down."""

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from fallline._backprop._values import value_of
from fallline._backprop._walk import Step, Walk
from fallline._errors import OptionError
from fallline._records import TensorValue

if TYPE_CHECKING:
    from numpy.typing import NDArray

REENTRANT: Final = "use_reentrant"
"""Word in PyTorch's complaint."""
Values = tuple[TensorValue | None, ...]


@dataclass(eq=False)
class Gradients:
    """What one backward pass carried."""

    arrived: dict[Step, Values] = field(default_factory=dict)
    """At each step: ∂result/∂output, for each of its outputs, all that came added up."""
    left: dict[Step, Values] = field(default_factory=dict)
    """From each step, for each of its operands (``next_functions``)."""
    leaves: tuple[torch.Tensor | None, ...] = ()
    """Of the leaves, in their order; None where none arrived."""


def go_back(result: torch.Tensor, walk: Walk, vector: torch.Tensor | None, *, keep: bool = False) -> Gradients:
    """Run the backward pass once; no ``.grad`` is touched, and no hook stays.

    ``vector`` is what it begins with, of the result's shape; None for 1. ``keep``: the graph is needed once more.

    Raises:
        OptionError: checkpointing that forbids it.
    """
    found = Gradients()
    listener = _Listener(found)
    with ExitStack() as hooks:
        for step in walk.steps:
            hooks.callback(step.register_prehook(listener.arriving(step)).remove)
            hooks.callback(step.register_hook(listener.leaving(step)).remove)
        try:
            found.leaves = torch.autograd.grad(
                result, list(walk.leaves), grad_outputs=vector, allow_unused=True, retain_graph=keep
            )
        except RuntimeError as error:
            if REENTRANT not in str(error):
                raise
            raise OptionError(
                "Checkpointing with use_reentrant=True allows no look at single gradients: use use_reentrant=False."
            ) from error
    return found


class _Listener:
    """Turns gradients into numbers as they pass; none is kept alive."""

    def __init__(self, found: Gradients) -> None:
        self._found = found
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], int, TensorValue]] = {}

    def arriving(self, step: Step) -> Any:
        """Called with what arrived at this step, before it runs."""

        def note(gradients: Sequence[torch.Tensor | None]) -> None:
            self._found.arrived[step] = self._values(gradients)

        return note

    def leaving(self, step: Step) -> Any:
        """Called with what it hands on, after it ran."""

        def note(inputs: Sequence[torch.Tensor | None], _outputs: Sequence[torch.Tensor | None]) -> None:
            self._found.left[step] = self._values(inputs)

        return note

    def _values(self, gradients: Sequence[torch.Tensor | None]) -> Values:
        return tuple(None if each is None else self._value(each) for each in gradients)

    def _value(self, gradient: torch.Tensor) -> TensorValue:
        """The same tensor leaves one step and arrives at the next: it is summed up once."""
        known = self._known.get(id(gradient))
        version = gradient._version
        if known is not None and known[0]() is gradient and known[1] == version:
            return known[2]
        value = value_of(gradient)
        self._known[id(gradient)] = (weakref.ref(gradient), version, value)
        return value


def as_array(gradient: torch.Tensor) -> "NDArray[Any]":
    """Read-only and on the host; float64 stays so, all else is float32."""
    plain = gradient.detach()
    plain = plain.to_dense() if plain.layout is not torch.strided else plain.resolve_neg()
    kept = plain if plain.dtype in (torch.float32, torch.float64) else plain.to(torch.float32)
    array = np.asarray(kept.cpu().numpy()).view()
    array.flags.writeable = False
    return array
