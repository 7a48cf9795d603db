"""The few things of PyTorch that have no public name: each is asked for here alone, and done without where it is gone.

What is lost without one is said with it. None of them changes a number that is recorded.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from typing import Any, Final

import torch
from torch import nn
from torch.autograd import grad_mode

TENSOR_HOOKS: Final = ("_backward_hooks", "_post_accumulate_grad_hooks")
BUFFERS: Final = "_buffers"
COMPILED_CALL: Final = "_compiled_call_impl"

times_changed: Callable[[torch.Tensor], int] = attrgetter("_version")
"""How often operations have written to a tensor; without it gradients are copied before the optimizer has them.

Raises AttributeError without it, RuntimeError for what was made in inference mode. (No ``def``: asked at every step.)
"""


def copy_each(into: Sequence[torch.Tensor], source: Sequence[torch.Tensor]) -> None:
    """Copy tensor by tensor; in one call where PyTorch has it."""
    together: Callable[..., Any] | None = getattr(torch, "_foreach_copy_", None)
    if together is not None and into:
        together(list(into), list(source))
        return
    for target, values in zip(into, source, strict=True):
        target.copy_(values)


def uncounted(tensors: Sequence[torch.Tensor]) -> AbstractContextManager[Any]:
    """Changes inside are not counted by autograd; without it a graph that is still open refuses to go backward."""
    preserving: Callable[..., AbstractContextManager[Any]] | None
    preserving = getattr(grad_mode, "_unsafe_preserve_version_counter", None)
    return nullcontext() if preserving is None else preserving(tuple(tensors))


def hooks_of_all_optimizers() -> tuple[Mapping[int, Any], ...]:
    """Those called around every optimizer's step, as they come and go; without the names they are not known of."""
    module = sys.modules[torch.optim.Optimizer.__module__]
    return tuple(getattr(module, f"_global_optimizer_{when}_hooks", {}) for when in ("pre", "post"))


def hooks_of(tensor: torch.Tensor) -> list[dict[Any, Any]]:
    """The mappings that hold a tensor's hooks, those that are not empty; without them the hooks run."""
    found = (getattr(tensor, name, None) for name in TENSOR_HOOKS)
    return [hooks for hooks in found if hooks]


def buffers_of(module: nn.Module) -> dict[str, torch.Tensor | None]:
    """The module's own mapping, absent buffers included; without it a copy that lacks those."""
    found: dict[str, torch.Tensor | None] | None = getattr(module, BUFFERS, None)
    return dict(module.named_buffers(recurse=False)) if found is None else found


def compiled_call(model: nn.Module) -> Callable[..., Any] | None:
    """What ``model.compile()`` has put in the place of the forward pass; None where it was not called."""
    found: Callable[..., Any] | None = getattr(model, COMPILED_CALL, None)
    return found


def set_compiled_call(model: nn.Module, call: Callable[..., Any]) -> None:
    """Put another one in its place."""
    setattr(model, COMPILED_CALL, call)
