"""The few things of PyTorch that have no public name: each is asked for here alone, and done without where it is gone.

What is lost without one is said with it.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import torch
from torch import nn
from torch.autograd import grad_mode

GRADIENT_HOOKS: Final = "_backward_hooks"
ACCUMULATION_HOOKS: Final = "_post_accumulate_grad_hooks"
BUFFERS: Final = "_buffers"
PARAMETERS: Final = "_parameters"


def copy_each(into: Sequence[torch.Tensor], source: Sequence[torch.Tensor]) -> None:
    """Copy tensor by tensor; in one call where PyTorch has it. Memory that two of ``into`` share is of either."""
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
    return (
        nullcontext() if preserving is None else preserving(tuple(each for each in tensors if not each.is_inference()))
    )


def gradient_hooks_of(tensor: torch.Tensor) -> dict[Any, Any]:
    """The mapping that holds what runs on a tensor's gradient; without it such hooks run."""
    return getattr(tensor, GRADIENT_HOOKS, None) or {}


def accumulation_hooks_of(tensor: torch.Tensor) -> dict[Any, Any]:
    """The mapping that holds what runs once a tensor has its gradient; without it such hooks run."""
    return getattr(tensor, ACCUMULATION_HOOKS, None) or {}


def buffers_of(module: nn.Module) -> dict[str, torch.Tensor | None]:
    """The module's own mapping, absent buffers included; without it a copy that lacks those."""
    found: dict[str, torch.Tensor | None] | None = getattr(module, BUFFERS, None)
    return dict(module.named_buffers(recurse=False)) if found is None else found


def parameters_of(module: nn.Module) -> dict[str, nn.Parameter | None]:
    """The module's own mapping, absent parameters included; without it a copy that lacks those."""
    found: dict[str, nn.Parameter | None] | None = getattr(module, PARAMETERS, None)
    return dict(module.named_parameters(recurse=False)) if found is None else found
