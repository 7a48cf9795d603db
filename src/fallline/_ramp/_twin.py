"""An optimizer over the user's own parameters that is not the user's: its state, rates and counters are copies."""

import copy
from typing import Any, Final, cast

import torch

from fallline._errors import OptionError

LEFT_OUT: Final = frozenset({"step", "zero_grad"})
"""A scheduler sets its own ``step`` on the optimizer it watches; the twin has the class's."""


def twin_of(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """One that begins where ``optimizer`` stands and steps the same tensors. Hooks and schedulers stay behind.

    >>> weight = torch.nn.Parameter(torch.ones(1))
    >>> own = torch.optim.SGD([weight], lr=0.1)
    >>> twin = twin_of(own)
    >>> twin.param_groups[0]["params"][0] is weight, twin.param_groups[0] is own.param_groups[0]
    (True, False)
    """
    shared = {id(each): each for group in optimizer.param_groups for each in group["params"]}
    twin = copy.deepcopy(optimizer, cast("dict[int, Any]", dict(shared)))
    for name, value in vars(optimizer).items():
        if name not in vars(twin) and name not in LEFT_OUT:
            vars(twin)[name] = copy.deepcopy(value, cast("dict[int, Any]", dict(shared)))
    return twin


class Rates:
    """Sets the rate of all groups of a twin; they keep the ratios to the first one that they had."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        if not rates[0] > 0:  # a warm-up begins at 0: what it will rise to is what its groups have in mind
            rates = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
        self.ratios = [rate / rates[0] for rate in rates] if rates[0] > 0 else [1.0 for _ in rates]

    def set(self, twin: torch.optim.Optimizer, rate: float) -> None:
        """``rate`` is the first group's."""
        for group, ratio in zip(twin.param_groups, self.ratios, strict=True):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * ratio)
            else:
                group["lr"] = rate * ratio


def check_optimizer(optimizer: object) -> torch.optim.Optimizer:
    """Refuse what has no rate to raise.

    Raises:
        OptionError: it is no optimizer of PyTorch's kind, or takes a closure and looks for its own steps.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise OptionError(f"optimizer is one of torch.optim over the model's parameters, not {optimizer!r}.")
    if isinstance(optimizer, torch.optim.LBFGS):
        raise OptionError("LBFGS evaluates the loss several times a step: a ramp has no loss of its own for each rate.")
    if any("lr" not in group for group in optimizer.param_groups):
        raise OptionError(f"{type(optimizer).__name__} has no learning rate (lr) to raise.")
    return optimizer
