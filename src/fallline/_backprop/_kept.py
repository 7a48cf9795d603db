"""Everything of the user's that a forward pass may change, taken before it is changed, and put back."""

from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import torch
from torch import nn

from fallline._backprop._torch_private import buffers_of, parameters_of, uncounted
from fallline._errors import OptionError
from fallline._random_state import put_random_state, random_devices, take_random_state


class Kept:
    """Entered around everything that runs the user's function; however it ends, all is bit for bit as before.

    Modules are kept whole when they are met; of other tensors the contents are copied right before the first operation
    that writes to them.
    """

    def __init__(self, tensors: Iterable[torch.Tensor]) -> None:
        self.random_state = take_random_state(random_devices(tensors))
        self._modules: dict[int, tuple[nn.Module, bool, dict[str, Any], dict[str, Any]]] = {}
        self._leaves: dict[int, tuple[torch.Tensor, torch.Tensor | None, bool]] = {}
        self._copies: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._attributes: list[tuple[nn.Module, str, torch.Tensor]] = []
        self._generators: dict[int, tuple[torch.Generator, torch.Tensor]] = {}
        self._counters = ExitStack()

    def __enter__(self) -> "Kept":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.put_back()
        finally:
            self._counters.close()

    def put_back(self) -> None:
        """All as it was; may be done again."""
        for module, training, buffers, parameters in self._modules.values():
            module.__dict__["training"] = training
            _refill(buffers_of(module), buffers)
            _refill(parameters_of(module), parameters)
        for module, name, tensor in self._attributes:
            module.__dict__[name] = tensor
        for leaf, gradient, asked in self._leaves.values():
            leaf.grad = gradient
            if leaf.requires_grad is not asked:
                leaf.requires_grad_(asked)
        with torch.no_grad():
            for tensor, copy in reversed(self._copies.values()):  # the earliest last: parts may overlap
                tensor.detach().copy_(copy)
        put_random_state(self.random_state)
        for generator, state in self._generators.values():
            generator.set_state(state)

    def module(self, module: nn.Module) -> None:
        """Keep a module and all inside of it."""
        for each in module.modules():
            if id(each) in self._modules:
                continue
            if isinstance(each, torch.jit.ScriptModule):
                raise OptionError("A scripted module runs outside of Python: hand in the module that it was made from.")
            buffers, parameters = buffers_of(each), parameters_of(each)
            self._modules[id(each)] = (each, each.training, dict(buffers), dict(parameters))
            held = [(name, value) for name, value in vars(each).items() if isinstance(value, torch.Tensor)]
            self._attributes += [(each, name, value) for name, value in held]
            for tensor in buffers.values():
                if tensor is not None:
                    self.contents(tensor)
            for parameter in parameters.values():
                if parameter is not None:
                    self.leaf(parameter)

    def leaf(self, tensor: torch.Tensor) -> None:
        """Keep a leaf's gradient, and whether it asks for one."""
        self._leaves.setdefault(id(tensor), (tensor, tensor.grad, tensor.requires_grad))

    def generator(self, generator: torch.Generator) -> None:
        """Keep where a generator of the user's own stands."""
        if id(generator) not in self._generators:
            self._generators[id(generator)] = (generator, generator.get_state())

    def contents(self, tensor: torch.Tensor) -> None:
        """Keep what a tensor holds."""
        if id(tensor) in self._copies or tensor.is_meta or tensor.layout is not torch.strided:
            return
        with torch.no_grad():
            if not tensor.is_inference():
                self._counters.enter_context(uncounted([tensor]))
            self._copies[id(tensor)] = (tensor, tensor.detach().clone())


def _refill(inside: dict[str, Any], kept: dict[str, Any]) -> None:
    if list(inside) != list(kept) or any(inside[name] is not each for name, each in kept.items()):
        inside.clear()
        inside.update(kept)
