"""Hears when a model's forward pass begins, compiled or not."""

import weakref
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn

from fallline._recorder._torch_private import compiled_call, set_compiled_call

ARGUMENTS_AS_GIVEN: Final = "get"
"""``{}.get(module, arguments)`` are the arguments: a hook that does nothing, and is known wherever Python is."""


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
        compiled = compiled_call(self._model)
        if compiled is not None and compiled is not self._wrapper:
            self._compiled, self._wrapper = compiled, self._around(compiled)
            set_compiled_call(self._model, self._wrapper)
        elif compiled is None and self._handle is None:
            self._handle = self._model.register_forward_pre_hook(_Hook(self), prepend=True)

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
            if compiled_call(self._model) is self._wrapper:
                set_compiled_call(self._model, self._compiled)
            self._compiled = self._wrapper = None

    def begins(self) -> None:
        """A forward pass does."""
        self.deaf = False
        self._heard()

    def _around(self, compiled: Callable[..., Any]) -> Callable[..., Any]:
        def listening(*arguments: Any, **options: Any) -> Any:
            self.begins()
            return compiled(*arguments, **options)

        return listening


class _Hook:
    """What stands among a model's hooks. It holds nothing of the watch, and copies of the model do not have it.

    ``torch.save(model)`` and ``copy.deepcopy(model)`` take a model's hooks along. Instead of this one they find a
    function of Python's own that does nothing, so that such a file can be loaded where there is no fallline.
    """

    def __init__(self, listener: ForwardListener) -> None:
        self._listener = weakref.ref(listener)

    def __call__(self, module: nn.Module, arguments: Any) -> None:
        del module, arguments
        if torch.compiler.is_compiling():
            return  # inside somebody's compiled function nothing is left of this hook
        listener = self._listener()
        if listener is not None:
            listener.begins()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return getattr, ({}, ARGUMENTS_AS_GIVEN)
