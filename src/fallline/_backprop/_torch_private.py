"""The few things of PyTorch that have no public name, which tracing cannot do without: each is asked for here alone."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import torch
from torch import nn
from torch.autograd.function import _SingleLevelFunction
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

SAVED: Final = "_saved_"
SAVED_WRITTEN: Final = "modified by an inplace operation"
"""Words of PyTorch's complaint."""
COMPILED: Final = "CompiledFunction"
"""The step back of what torch.compile made begins with this."""
ITEM: Final = "_local_scalar_dense"
"""The operation behind ``item()``, ``float(tensor)`` and ``if tensor``."""
LEAF: Final = "torch::autograd::AccumulateGrad"
WRITTEN_VIEW: Final = "torch::autograd::CopySlices"
"""Name of the step back of an operation that wrote into a part of a tensor."""
REMADE_VIEW: Final = "AsStridedBackward0"
"""Name of the step back of a view that was used after its base was written to."""
LAZY_WITHIN: Final = frozenset({"aten::linalg_pinv"})
"""Operations made of others below autograd, which use lazy conjugates there: in a dispatch mode nobody resolves them,
and what comes out of complex numbers is wrong without a word."""


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


def ran(operation: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
    """What an operation gives inside of a dispatch mode, with the numbers that it has outside."""
    if schema_of(operation).name not in LAZY_WITHIN:
        return operation(*args, **kwargs)
    keys = torch._C.DispatchKey
    excluded = torch._C._dispatch_tls_local_exclude_set().remove(keys.Conjugate).remove(keys.Negative)
    with torch._C._ForceDispatchKeyGuard(torch._C._dispatch_tls_local_include_set(), excluded):
        return operation(*args, **kwargs)


def next_number() -> int:
    """The number that this thread's next autograd node gets."""
    return int(torch._C._autograd._get_sequence_nr())


def number_of(node: Any) -> int:
    """The number that an autograd node got when it was made: nodes of one forward pass in the order of time."""
    return int(node._sequence_nr())


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
    own = _unpacked(node, "saved_tensors") if custom_class(node) is not None else None
    found += [("saved", each) for each in own or ()]
    return [(name, tuple(each.shape)) for name, each in found if isinstance(each, torch.Tensor)]


def overwritten(node: Any) -> list[str]:
    """Names of what a node kept for its step back and that somebody wrote over since."""
    names = [name for name in dir(node) if name.startswith(SAVED)]
    if custom_class(node) is not None:
        names.append("saved_tensors")
    return [name.removeprefix(SAVED) for name in names if _is_overwritten(node, name)]


def _is_overwritten(node: Any, name: str) -> bool:
    try:
        getattr(node, name)
    except RuntimeError as error:
        return SAVED_WRITTEN in str(error)
    return False


def _unpacked(node: Any, name: str) -> Any:
    try:
        return getattr(node, name, None)
    except RuntimeError:  # written over since, or freed
        return None


def default_of(argument: Any) -> Any:
    """Of a schema's argument; None where it has none."""
    return argument.default_value if argument.has_default_value() else None


def schema_of(operation: Callable[..., Any]) -> Any:
    """An ATen operation's schema: name, arguments, aliases."""
    return operation._schema  # type: ignore[attr-defined]  # every ATen operation has one


def in_custom_forward() -> bool:
    """True inside of an ``autograd.Function``'s forward, where nothing is recorded; not under ``no_grad`` alone."""
    return not (torch.is_grad_enabled() or torch._C._is_fwd_grad_enabled())


@contextmanager
def custom_functions_run(run: Callable[..., Any]) -> Iterator[None]:
    """While entered, ``run(apply, args, kwargs)`` is called for every ``autograd.Function`` that this thread applies.

    PyTorch tells no mode of these. What was in its place before is called by ``apply`` and put back afterwards. Other
    threads' functions are applied as ever; not to be entered by two threads at once.
    """
    base: Any = _SingleLevelFunction
    thread, entered = threading.get_ident(), True
    before = vars(base).get("apply")  # somebody else's; PyTorch's own is inherited

    def apply(cls: type, *args: Any, **kwargs: Any) -> Any:
        plain = super(base, cls).apply if before is None else before.__get__(None, cls)
        if not entered or threading.get_ident() != thread:
            return plain(*args, **kwargs)
        return run(plain, args, kwargs)

    own = base.apply = classmethod(apply)
    try:
        yield
    finally:
        entered = False
        if vars(base).get("apply") is own:  # else somebody put theirs around it meanwhile: it hands on from now on
            if before is None:
                del base.apply
            else:
                base.apply = before


def custom_functions_get(instead: Callable[[Any], Any]) -> AbstractContextManager[None]:
    """While entered, every ``autograd.Function`` that this thread applies gets ``instead`` of each argument."""

    def run(apply: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return apply(*map(instead, args), **{name: instead(each) for name, each in kwargs.items()})

    return custom_functions_run(run)


def kept_by(node: Any) -> list[torch.Tensor]:
    """Tensors that an ``autograd.Function`` keeps for its step back, saved or as attributes."""
    saved = _unpacked(node, "saved_tensors") or ()
    return [each for each in (*saved, *vars(node).values()) if isinstance(each, torch.Tensor)]


def memory_of(tensor: torch.Tensor) -> StorageWeakRef | None:
    """Which memory it has: equal for views of one tensor, and never reused; None where it has none of its own."""
    if tensor.layout is not torch.strided or inside_transform(tensor):
        return None
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]  # PyTorch gives it no types


def unseen() -> AbstractContextManager[Any]:
    """Operations inside are seen by no dispatch mode."""
    hidden: AbstractContextManager[Any] = _disable_current_modes()
    return hidden


def as_they_are() -> AbstractContextManager[Any]:
    """Functions and attributes of tensors inside are those of the very tensors: no function mode replaces them."""
    plain: AbstractContextManager[Any] = torch._C.DisableTorchFunction()
    return plain


def uncompiled(module: Any) -> Any:
    """The module that ``torch.compile`` made this one of; itself where it is none of those."""
    return getattr(module, "_orig_mod", module) if isinstance(module, nn.Module) else module


def inside_transform(tensor: torch.Tensor) -> bool:
    """Whether it is what ``torch.func`` hands to a function that it transforms: a stand-in for another tensor."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))
