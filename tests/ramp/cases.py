"""Small trainings to ramp, and everything of a program that a ramp must leave alone."""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from fallline._records import Floats


@dataclass
class Case:
    """A training in the middle of itself: momentum, moments and running statistics have moved."""

    model: nn.Module
    loss_fn: Callable[..., Any]
    loader: Any
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    generator: torch.Generator

    def train(self, steps: int) -> list[float]:
        losses: list[float] = []
        batches = iter(self.loader)
        for _ in range(steps):
            self.optimizer.zero_grad()
            features, target = next(batches)
            loss = self.loss_fn(self.model(features), target)
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            losses.append(loss.item())
        return losses


def case(name: str = "SGD", *, steps: int = 3, seed: int = 0) -> Case:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 1))
    features = torch.randn(32, 3)
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(features, features.sum(1, keepdim=True)), 8, shuffle=True, generator=generator)
    optimizer: torch.optim.Optimizer
    if name == "SGD":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    elif name == "Adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    else:
        groups = [{"params": list(model[0].parameters()), "lr": 0.01}, {"params": list(model[4].parameters())}]
        optimizer = torch.optim.AdamW(groups, lr=torch.tensor(0.1))
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=20)
    made = Case(model, nn.MSELoss(), loader, optimizer, scheduler, generator)
    made.train(steps)
    return made


def bits(thing: Any) -> Any:
    """Everything inside as bytes, comparable, NaN and −0 too."""
    if isinstance(thing, torch.Tensor):
        return (
            str(thing.dtype),
            tuple(thing.shape),
            bytes(thing.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()),
        )
    if isinstance(thing, np.ndarray):
        return (str(thing.dtype), thing.shape, thing.tobytes())
    if isinstance(thing, dict):
        return {key if isinstance(key, str | int) else id(key): bits(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [bits(each) for each in thing]
    return repr(thing)


def program(one: Case) -> Any:
    """All of it: weights, buffers, gradients, modes, optimizer, schedule, generators."""
    state = one.optimizer.state_dict()
    return copy.deepcopy(
        {
            "model": bits(one.model.state_dict()),
            "ids": [id(each) for each in one.model.parameters()],
            "gradients": [(id(each.grad), bits(each.grad)) for each in one.model.parameters()],
            "versions": [each._version for each in one.model.parameters()],
            "modes": [each.training for each in one.model.modules()],
            "state": bits(state),
            "state ids": [id(value) for kept in one.optimizer.state.values() for value in kept.values()],
            "schedule": bits(one.scheduler.state_dict()),
            "attributes": sorted(vars(one.optimizer)),
            "torch": bits(torch.get_rng_state()),
            "python": random.getstate(),
            "numpy": bits(np.random.get_state(legacy=False)),
            "loader": bits(one.generator.get_state()),
            "loader's attributes": [(name, id(value)) for name, value in vars(one.loader).items()],
        }
    )


def rates(count: int = 30, low: float = 1e-5, high: float = 10.0) -> Floats:
    return np.geomspace(low, high, count)
