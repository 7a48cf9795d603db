"""The few things of PyTorch that have no public name, which tracing cannot do without: each is asked for here alone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import torch
from torch import nn
from torch.autograd import grad_mode
from torch.autograd.function import _SingleLevelFunction
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

SAVED: Final = "_saved_"
COMPILED: Final = "CompiledFunction"
"""The step back of what torch.compile made begins with this."""
LEAF: Final = "torch::autograd::AccumulateGrad"
WRITTEN_VIEW: Final = "torch::autograd::CopySlices"
"""Name of the step back of an operation that wrote into a part of a tensor."""
REMADE_VIEW: Final = "AsStridedBackward0"
"""Name of the step back of a view that was used after its base was written to."""


class DispatchMode(TorchDispatchMode):
    """Sees every ATen operation with its real tensors, while it is entered."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # PyTorch gives it no types

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # type: ignore[no-untyped-call]  # PyTorch gives it no types

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: what keeps the compiler away from a mode loads all of the compiler, a second of time."""
        return False


def next_number() -> int:
    """The number that this thread's next autograd node gets."""
    return int(torch._C._autograd._get_sequence_nr())


def number_of(node: Any) -> int:
    """The number that an autograd node got when it was made: nodes of one forward pass in the order of time."""
    return int(node._sequence_nr())


def began_before(root: Any, first: int) -> list[torch.Tensor]:
    """Leaves that steps back lead to which this thread made before its node ``first``."""
    found: dict[int, torch.Tensor] = {}
    waiting, known = [(root, False)], set()
    while waiting:
        node, early = waiting.pop()
        if node is None or (node, early) in known:
            continue
        known.add((node, early))
        if node.name() == LEAF:
            if early:
                found[id(node.variable)] = node.variable
            continue
        early = early or number_of(node) < first
        waiting.extend((each, early) for each, _ in node.next_functions)
    return list(found.values())


def going_backward() -> bool:
    """True while a backward pass runs in this thread."""
    return torch._C._current_autograd_node() is not None


def saving_hooked() -> bool:
    """True where hooks keep what is saved for the backward pass: checkpointing, offloading."""
    return torch._C._autograd._top_saved_tensors_default_hooks(True) is not None


def custom_class(node: Any) -> type | None:
    """The ``autograd.Function`` whose step back this is; None for PyTorch's own."""
    found: type | None = getattr(type(node), "_forward_cls", None)
    return found


def saved_by(node: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the tensors that a node keeps for its step back; those that cannot be had are left out."""
    names = [name for name in dir(node) if name.startswith(SAVED)]
    found = [(name.removeprefix(SAVED), _unpacked(node, name)) for name in names]
    own = getattr(node, "saved_tensors", None) if custom_class(node) is not None else None
    found += [("saved", each) for each in own or ()]
    return [(name, tuple(each.shape)) for name, each in found if isinstance(each, torch.Tensor)]


def _unpacked(node: Any, name: str) -> Any:
    try:
        return getattr(node, name)
    except RuntimeError:  # written over since, or freed
        return None


def default_of(argument: Any) -> Any:
    """Of a schema's argument; None where it has none."""
    return argument.default_value if argument.has_default_value() else None


def schema_of(operation: Callable[..., Any]) -> Any:
    """An ATen operation's schema: name, arguments, aliases."""
    return operation._schema  # type: ignore[attr-defined]


def in_custom_forward() -> bool:
    """True inside of an ``autograd.Function``'s forward, where nothing is recorded; not under ``no_grad`` alone."""
    return not (torch.is_grad_enabled() or torch._C._is_fwd_grad_enabled())


def buffers_of(module: nn.Module) -> dict[str, torch.Tensor | None]:
    """The module's own mapping, absent buffers included."""
    found: dict[str, torch.Tensor | None] = module._buffers
    return found


def parameters_of(module: nn.Module) -> dict[str, nn.Parameter | None]:
    """The module's own mapping, absent parameters included."""
    found: dict[str, nn.Parameter | None] = module._parameters
    return found


def uncounted(tensors: Sequence[torch.Tensor]) -> AbstractContextManager[Any]:
    """Changes inside are not counted by autograd; without it a graph that is still open refuses to go backward."""
    preserving: Callable[..., AbstractContextManager[Any]] | None
    preserving = getattr(grad_mode, "_unsafe_preserve_version_counter", None)
    return nullcontext() if preserving is None else preserving(tuple(tensors))


@contextmanager
def custom_functions_get(instead: Callable[[Any], Any]) -> Iterator[None]:
    """While entered, every ``autograd.Function`` that this thread applies gets ``instead`` of each argument.

    PyTorch tells no mode of these. Other threads' are applied as ever; not to be entered by two threads at once.
    """
    base: Any = _SingleLevelFunction
    thread = threading.get_ident()

    def apply(cls: type, *args: Any, **kwargs: Any) -> Any:
        plain = super(base, cls).apply
        if threading.get_ident() != thread:
            return plain(*args, **kwargs)
        return plain(*map(instead, args), **{name: instead(each) for name, each in kwargs.items()})

    base.apply = classmethod(apply)
    try:
        yield
    finally:
        del base.apply


def hooks_on(leaf: torch.Tensor) -> bool:
    """Whether the user has hooks on it that run in a backward pass."""
    return bool(getattr(leaf, "_backward_hooks", None))


def unseen() -> AbstractContextManager[Any]:
    """Operations inside are seen by no dispatch mode."""
    hidden: AbstractContextManager[Any] = _disable_current_modes()
    return hidden


def uncompiled(module: Any) -> Any:
    """The module that ``torch.compile`` made this one of; itself where it is none of those."""
    return getattr(module, "_orig_mod", module) if isinstance(module, nn.Module) else module
