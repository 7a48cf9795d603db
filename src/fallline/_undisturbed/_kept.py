"""Everything of the user's that a function may change, taken before it runs, and put back."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn

from fallline._random_state import put_random_state, state_of, take_random_state
from fallline._undisturbed._reached import Containers, Modules, usual_attributes
from fallline._undisturbed._torch_private import buffers_of, copy_each, parameters_of, uncounted


class Kept:
    """Entered around everything that runs the user's function; however it ends, all is bit for bit as before.

    Modules are kept whole: modes, which tensors they hold, the contents of their buffers and of weights that a
    forward pass itself rescales. Of other tensors, parameters too, the contents are copied where ``contents`` is asked
    for, before they are written to. Gradients are only held.

    Args:
        devices: accelerators whose random numbers may be drawn, beside the host's.
        apart: tensors whose contents whoever keeps puts back in a way of its own.
    """

    def __init__(self, devices: Iterable[torch.device], apart: Iterable[torch.Tensor] = ()) -> None:
        self._random_state = take_random_state(devices)
        self._modes: dict[int, tuple[nn.Module, bool]] = {}
        self._held: list[tuple[dict[str, Any], dict[str, Any], list[str | int]]] = []
        """Mappings of modules to buffers and parameters, each with what it held, and the same in short."""
        self._attributes: list[tuple[dict[str, Any], str, torch.Tensor]] = []
        self._leaves: dict[int, tuple[torch.Tensor, torch.Tensor | None, bool]] = {}
        self._copied: set[int] = {id(each) for each in apart}
        self._copies: list[tuple[list[torch.Tensor], list[torch.Tensor]]] = []
        """Tensors and their contents, those that were copied at one moment together."""
        self._generators: dict[int, tuple[Any, Callable[[], None]]] = {}
        """Of the user's own, each with what puts it back."""
        self._roots: list[Any] = []
        self._began = Containers(())
        self._modules = Modules(())
        self._ran: Containers | None = None
        self._counters = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ran, self._ran = self._ran, None
        try:
            if ran is not None:
                ran.put_back()
            self.put_back()
        finally:
            self._counters.close()

    @property
    def leaves(self) -> list[torch.Tensor]:
        """All whose gradients are kept."""
        return [leaf for leaf, _, _ in self._leaves.values()]

    def put_back(self) -> None:
        """All as it was; may be done again."""
        try:
            self.put_values()  # refused where the user's function gave a tensor another size
        finally:
            for leaf, gradient, _ in self._leaves.values():
                leaf.grad = gradient
            put_random_state(self._random_state)
            for _, put_back in self._generators.values():
                put_back()
            if self._ran is not None:
                self._began.put_back()
            self._modules.put_back()

    def put_values(self) -> None:
        """All but gradients and generators."""
        for module, training in self._modes.values():
            if module.training is not training:
                module.training = training
        for leaf, _, asked in self._leaves.values():
            if leaf.requires_grad is not asked:
                leaf.requires_grad_(asked)
        for inside, held, short in self._held:
            if [*inside, *map(id, inside.values())] != short:
                inside.clear()
                inside.update(held)
        for attributes, name, tensor in self._attributes:
            attributes[name] = tensor
        for tensors, copies in reversed(self._copies):  # the earliest last: parts may overlap
            copy_bits(tensors, copies)

    def module(self, module: nn.Module) -> None:
        """Keep a module and all inside of it."""
        found = [each for each in module.modules() if id(each) not in self._modes]
        written: list[torch.Tensor] = []
        for each in found:
            self._modes[id(each)] = (each, each.training)
            buffers, parameters, own = buffers_of(each), parameters_of(each), vars(each)
            for inside in (buffers, parameters):
                self._held.append((inside, dict(inside), [*inside, *map(id, inside.values())]))
            for name in own.keys() - usual_attributes():
                if isinstance(own[name], torch.Tensor):
                    self._attributes.append((own, name, own[name]))
            for parameter in parameters.values():
                if parameter is not None:
                    self.leaf(parameter)
            written += [buffer for buffer in buffers.values() if buffer is not None]
            if own.get("max_norm") is not None and isinstance(each.weight, torch.Tensor):
                written.append(each.weight)  # an embedding rescales it in its forward pass
        self.contents(written)

    def leaf(self, tensor: torch.Tensor) -> None:
        """Keep a leaf's gradient, and whether it asks for one."""
        self._leaves.setdefault(id(tensor), (tensor, tensor.grad, tensor.requires_grad))

    def generator(self, generator: Any) -> None:
        """Keep where a generator of the user's own stands: PyTorch's, NumPy's or Python's."""
        if id(generator) not in self._generators:
            self._generators[id(generator)] = (generator, state_of(generator))

    def reached(self, value: Any) -> None:
        """Keep the modules inside with all that they hold, generators, and for the runs after ``ran`` its entries."""
        self._roots.append(value)
        self._began.add(value)
        for module in self._began.modules:
            self._modules.add(module)
        for each in (*self._began.generators, *self._modules.generators):
            self.generator(each)

    def ran(self) -> None:
        """The user's own run is over: what it left in containers stays, and no run after it leaves a trace.

        What modules hold does not stay: beside parameters and buffers that are as before it would be no state that the
        program ever had.
        """
        self._ran = Containers(self._roots)

    def contents(self, tensors: Collection[torch.Tensor]) -> None:
        """Keep what tensors hold, and autograd's count of their changes; of each what it held the first time."""
        new = {id(each): each for each in tensors if id(each) not in self._copied and _writable(each)}
        if new:
            self._copied |= new.keys()
            self._counters.enter_context(uncounted(tuple(new.values())))
            with torch.no_grad():
                self._copies.append((list(new.values()), [each.detach().clone() for each in new.values()]))


def copy_bits(into: Sequence[torch.Tensor], source: Sequence[torch.Tensor]) -> None:
    """Copy contents bit for bit: NaN payloads, −0 and all."""
    with torch.no_grad():
        copy_each([each.detach() for each in into], source)


def _writable(tensor: torch.Tensor) -> bool:
    """False where nobody can write in place: sparse, without memory, or one number seen many times."""
    if tensor.layout is not torch.strided or tensor.is_meta:
        return False
    return all(stride != 0 or size <= 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True))
