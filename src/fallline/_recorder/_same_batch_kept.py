"""Evaluating somebody's closure without leaving a trace."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from fallline._undisturbed import Kept, accumulation_hooks_of, copy_bits, gradient_hooks_of, uncounted


class KeptModel(Kept):
    """A model's state at one moment, beside the parameters that an optimizer moves, to be evaluated from again.

    ``tensors``, those parameters, are not copied: whoever evaluates puts them where the evaluation is to be. While a
    closure runs no parameter has a gradient, so that a ``backward`` or ``zero_grad`` in it cannot reach the user's.
    """

    def __init__(self, model: nn.Module, tensors: Sequence[torch.Tensor], devices: Iterable[torch.device]) -> None:
        super().__init__(devices, apart=tensors)
        self.module(model)
        for each in tensors:
            self.leaf(each)
        hooks = (found for each in self.leaves for found in (gradient_hooks_of(each), accumulation_hooks_of(each)))
        self._hooks = [(found, dict(found)) for found in hooks if found]

    def start(self) -> None:
        """Before an evaluation: the kept state, without gradients, and without hooks on the parameters.

        Such hooks would change the gradient (clip it), and may count their calls.
        """
        self.put_values()
        for each in self.leaves:
            each.grad = None
        for hooks, _ in self._hooks:
            hooks.clear()

    def put_back(self) -> None:
        """Everything as it was; a second call does no harm."""
        try:
            super().put_back()
        finally:
            for hooks, held in self._hooks:
                hooks.clear()
                hooks.update(held)


@contextmanager
def undisturbed(
    model: nn.Module,
    tensors: Sequence[nn.Parameter],
    copies: Sequence[torch.Tensor],
    devices: Iterable[torch.device],
) -> Iterator[KeptModel]:
    """Whatever happens inside, and however it ends, the program goes on as if nothing had happened.

    ``tensors`` are put back from ``copies``, bit for bit, and so is autograd's count of their changes.
    """
    with ExitStack() as last:
        last.enter_context(uncounted(tensors))
        kept = last.enter_context(KeptModel(model, tensors, devices))
        last.callback(copy_bits, tensors, copies)
        if torch.is_anomaly_enabled():
            last.enter_context(torch.autograd.set_detect_anomaly(False))  # NaN is a measurement here
        yield kept
