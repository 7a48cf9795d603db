"""Hears when a model's forward pass begins, compiled or not."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class ForwardListener:
    """Calls ``heard`` before every forward pass of a model while it is attached; unattached it costs nothing.

    ``torch.compile(model)`` is a module around the compiled one, with hooks of its own. A model compiled in place
    (``model.compile()``) runs its hooks inside what is compiled: there the call itself is wrapped instead. Of a model
    inside another compiled function nothing can be heard. There the hook stays where it is, as good as compiled away:
    taking it off would make PyTorch compile again.
    """

    def __init__(self, model: nn.Module, heard: Callable[[], None]) -> None:
        self._model, self._heard = model, heard
        self.deaf = True
        """True until a forward pass was heard since the last ``attach``."""
        self._handle: Any = None
        self._compiled: Callable[..., Any] | None = None
        self._wrapper: Callable[..., Any] | None = None

    def attach(self) -> None:
        """Begin to listen; nothing where it does already."""
        self.deaf = True
        compiled = self._model._compiled_call_impl
        if compiled is not None and compiled is not self._wrapper:
            self._compiled, self._wrapper = compiled, self._around(compiled)
            self._model._compiled_call_impl = self._wrapper
        elif compiled is None and self._handle is None:
            self._handle = self._model.register_forward_pre_hook(self._before_forward, prepend=True)

    def rest(self) -> None:
        """Stop listening for now, where that costs nothing."""
        if not self.deaf:
            self.detach()

    def detach(self) -> None:
        """Leave the model as it was."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
        if self._compiled is not None:
            if self._model._compiled_call_impl is self._wrapper:
                self._model._compiled_call_impl = self._compiled
            self._compiled = self._wrapper = None

    def _before_forward(self, module: nn.Module, arguments: Any) -> None:
        del module, arguments
        if not torch.compiler.is_compiling():  # inside somebody's compiled function nothing is left of this hook
            self.deaf = False
            self._heard()

    def _around(self, compiled: Callable[..., Any]) -> Callable[..., Any]:
        def listening(*arguments: Any, **options: Any) -> Any:
            self.deaf = False
            self._heard()
            return compiled(*arguments, **options)

        return listening
