"""Leaves that the function makes itself, each time anew: parameters of a module's first call, tensors that ask for it.

They have a gradient, and no place from one run to the next: the run in float64 has its own in their place.
"""

from collections.abc import Mapping, Sequence

import torch

from fallline._backprop._again import Again
from fallline._backprop._probe import FAILURES
from fallline._backprop._words import listed


def made_each_time(again: Again, leaves: Mapping[str, torch.Tensor]) -> list[str]:
    """Names of those that another run of the function does not use.

    Args:
        again: runs the function.
        leaves: those whose gradient came back and of which nobody knows where they are from; where there are none,
            nothing runs.
    """
    if not leaves:
        return []
    own = {name: leaf.detach().to(torch.float64).requires_grad_() for name, leaf in leaves.items()}
    try:
        result = again(own)
        if not result.requires_grad:  # the others have no gradient in this run
            return list(own)
        found = torch.autograd.grad(result.sum(), list(own.values()), allow_unused=True)
    except FAILURES:  # the check says so
        return []
    return [name for name, gradient in zip(own, found, strict=True) if gradient is None]


def not_compared(made: Sequence[str]) -> list[str]:
    """What the check says of them."""
    if not made:
        return []
    what = "it" if len(made) == 1 else "them"
    return [f"{listed(made)}: not compared. The function makes {what} anew each time it runs."]


def gone_again(made: Sequence[str]) -> list[str]:
    """What is said of parameters that a module made on this call."""
    if not made:
        return []
    what = "it is gone again, and the next call makes it anew" if len(made) == 1 else "they are gone again"
    return [f"{listed(made)}: made on the way, in this call. The modules are as before: {what}."]
