"""The few things of PyTorch that have no public name: each is asked for here alone, and done without where it is gone.

What is lost without one is said with it. None of them changes a number that is recorded.
"""

import sys
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

import torch
from torch import nn

COMPILED_CALL: Final = "_compiled_call_impl"

times_changed: Callable[[torch.Tensor], int] = attrgetter("_version")
"""How often operations have written to a tensor; without it gradients are copied before the optimizer has them.

Raises AttributeError without it, RuntimeError for what was made in inference mode. (No ``def``: asked at every step.)
"""


def hooks_of_all_optimizers() -> tuple[Mapping[int, Any], ...]:
    """Those called around every optimizer's step, as they come and go; without the names they are not known of."""
    module = sys.modules[torch.optim.Optimizer.__module__]
    return tuple(getattr(module, f"_global_optimizer_{when}_hooks", {}) for when in ("pre", "post"))


def compiled_call(model: nn.Module) -> Callable[..., Any] | None:
    """What ``model.compile()`` has put in the place of the forward pass; None where it was not called."""
    found: Callable[..., Any] | None = getattr(model, COMPILED_CALL, None)
    return found


def set_compiled_call(model: nn.Module, call: Callable[..., Any]) -> None:
    """Put another one in its place."""
    setattr(model, COMPILED_CALL, call)
