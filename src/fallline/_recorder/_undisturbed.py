"""Evaluating somebody's closure without leaving a trace: everything that it could change is kept, and put back."""

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from fallline._random_state import put_random_state, take_random_state
from fallline._recorder._torch_private import buffers_of, copy_each, hooks_of, uncounted


class Kept:
    """A model's state at one moment, beside the parameters that an optimizer moves; ``put_back`` restores all of it.

    Buffers, and frozen weights that a forward pass itself rescales, are copied; ``tensors`` are not: whoever evaluates
    puts them where the evaluation is to be. Gradients are only held: while a closure runs the parameters have none,
    so that a ``backward`` or ``zero_grad`` in it cannot reach the user's.
    """

    def __init__(self, model: nn.Module, tensors: Sequence[torch.Tensor]) -> None:
        modules = list(model.modules())
        parameters = list({id(each): each for each in (*model.parameters(), *tensors)}.values())
        self._modes = [(module, module.training) for module in modules]
        self._gradients = [(each, each.grad, each.requires_grad) for each in parameters]
        self._hooks = [(hooks, dict(hooks)) for each in parameters for hooks in hooks_of(each)]
        self._buffers = [(buffers, dict(buffers)) for buffers in map(buffers_of, modules)]
        held = [buffer for _, buffers in self._buffers for buffer in buffers.values() if buffer is not None]
        moved = {id(each) for each in tensors}
        written = {id(each): each for each in (*held, *_renormed(modules)) if id(each) not in moved}
        self.copies = [(each, each.detach().clone()) for each in written.values() if _writable(each)]

    def start(self) -> None:
        """Before an evaluation: the kept state, without gradients, and without hooks on the parameters.

        Such hooks would change the gradient (clip it), and may count their calls.
        """
        self._put_values()
        for each, _, _ in self._gradients:
            each.grad = None
        for hooks, _ in self._hooks:
            hooks.clear()

    def put_back(self) -> None:
        """Everything as it was; a second call does no harm."""
        self._put_values()
        for each, gradient, _ in self._gradients:
            each.grad = gradient
        for hooks, held in self._hooks:
            hooks.clear()
            hooks.update(held)

    def _put_values(self) -> None:
        for module, training in self._modes:
            if module.training is not training:
                module.training = training
        for each, _, needed in self._gradients:
            if each.requires_grad is not needed:
                each.requires_grad_(needed)
        for buffers, held in self._buffers:
            if not _identical(buffers, held):
                buffers.clear()
                buffers.update(held)
        copy_bits([each for each, _ in self.copies], [copy for _, copy in self.copies])


@contextmanager
def undisturbed(
    model: nn.Module,
    tensors: Sequence[nn.Parameter],
    copies: Sequence[torch.Tensor],
    devices: Iterable[torch.device],
) -> Iterator[Kept]:
    """Whatever happens inside, and however it ends, the program goes on as if nothing had happened.

    ``tensors`` are put back from ``copies``, bit for bit, and so is autograd's count of their changes.
    """
    random_state = take_random_state(devices)
    kept = Kept(model, tensors)
    with ExitStack() as last:
        counted = tuple(each for each in (*tensors, *(each for each, _ in kept.copies)) if not each.is_inference())
        last.enter_context(uncounted(counted))
        last.callback(put_random_state, random_state)
        last.callback(kept.put_back)
        last.callback(copy_bits, tensors, copies)
        if torch.is_anomaly_enabled():
            last.enter_context(torch.autograd.set_detect_anomaly(False))  # NaN is a measurement here
        yield kept


def copy_bits(into: Sequence[torch.Tensor], source: Sequence[torch.Tensor]) -> None:
    """Copy contents bit for bit: NaN payloads, −0 and all."""
    with torch.no_grad():
        copy_each([each.detach() for each in into], source)


def _identical(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """The same names in the same order, each for the same object."""
    return list(one) == list(other) and all(map(operator.is_, one.values(), other.values()))


def _renormed(modules: Sequence[nn.Module]) -> list[torch.Tensor]:
    """Weights that a forward pass itself writes to: embeddings with ``max_norm``."""
    weights: list[Any] = [
        getattr(each, "weight", None) for each in modules if getattr(each, "max_norm", None) is not None
    ]
    return [weight for weight in weights if isinstance(weight, torch.Tensor)]


def _writable(tensor: torch.Tensor) -> bool:
    """False where nobody can write in place: sparse, without memory, or one number seen many times."""
    if tensor.layout is not torch.strided or tensor.is_meta:
        return False
    return all(stride != 0 or size <= 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True))
