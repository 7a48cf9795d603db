"""Training loops that are measured on their own batches, with nothing of a watch but that instrument."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from fallline._recorder._guard import Guard
from fallline._recorder._pace import Pace
from fallline._recorder._same_batch import SameBatch
from fallline._records import SameBatchSeries

Closure = Callable[[], Any]


class Measured:
    """``SameBatch`` on a model and its optimizers; ``rows`` holds what it measured."""

    def __init__(self, model: nn.Module, *optimizers: torch.optim.Optimizer, every: int = 1) -> None:
        self.guard = Guard()
        tensors = [t for optimizer in optimizers for group in optimizer.param_groups for t in group["params"]]
        self.pace = Pace(every, None)
        self.instrument = SameBatch(model, tensors, self.pace, self.guard)
        for optimizer in optimizers:
            optimizer.register_step_pre_hook(lambda *_: self.instrument.before_update())
        self.rows: list[SameBatchSeries] = []
        self.step_index = 0
        self.instrument.prepare(0)

    def step(self, loss: Any, closure: Closure | None) -> SameBatchSeries | None:
        row = self.instrument.measure(self.step_index, loss, closure)
        if row is not None:
            self.rows.append(row)
        self.step_index += 1
        self.instrument.prepare(self.step_index)
        return row


def one_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Closure, closure: Closure | None = None
) -> SameBatchSeries:
    """The measurement of one step of the loop; the closure is the loop's own loss unless told."""
    measured = Measured(model, optimizer)
    optimizer.zero_grad()
    loss = loss_of()
    loss.backward()
    optimizer.step()
    row = measured.step(loss.item(), closure or loss_of)
    measured.instrument.remove()
    assert measured.guard.said == []
    assert row is not None
    return row


def bits(tensor: torch.Tensor) -> bytes:
    """Every bit of a tensor, NaN payloads too."""
    return tensor.detach().cpu().contiguous().numpy().tobytes()


def content(model: nn.Module, *optimizers: torch.optim.Optimizer) -> list[Any]:
    """The bits of parameters, buffers, gradients and optimizer state; modes, and all generators."""
    state: list[Any] = [(name, bits(tensor)) for name, tensor in model.state_dict().items()]
    state += [(p.requires_grad, None if p.grad is None else bits(p.grad)) for p in model.parameters()]
    state += [module.training for module in model.modules()]
    for optimizer in optimizers:
        for held in optimizer.state.values():
            state += [bits(value) if isinstance(value, torch.Tensor) else value for value in held.values()]
    return state + random_states()


def everything(model: nn.Module, *optimizers: torch.optim.Optimizer) -> list[Any]:
    """All that a program could notice: the content, which objects hold it, and autograd's count of their changes."""
    tensors = [*model.parameters(), *model.buffers()]
    noticed = [(id(tensor), tensor._version, id(tensor.grad) if tensor.is_leaf else 0) for tensor in tensors]
    hooks = [list((p._backward_hooks or {}).values()) for p in model.parameters()]
    return [*content(model, *optimizers), *noticed, *hooks]


def random_states() -> list[Any]:
    """Of PyTorch, Python and NumPy."""
    numpy_state = np.random.get_state(legacy=False)
    return [
        bits(torch.get_rng_state()),
        random.getstate(),
        numpy_state["state"]["key"].tobytes(),
        numpy_state["state"]["pos"],
        numpy_state["has_gauss"],
        numpy_state["gauss"],
    ]


def flat(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """One float64 vector."""
    return torch.cat([tensor.detach().reshape(-1).double() for tensor in tensors])
