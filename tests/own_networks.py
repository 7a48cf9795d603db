"""A small network of somebody's own, for comparisons, sweeps and pages on it."""

import torch
from torch import nn

from fallline._objective import Objective

ROWS = 24


def network(hidden: int = 16) -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    """Its model (5·hidden + 2 parameters) and its rows, always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2)).double()
        x = torch.randn(ROWS, 2, dtype=torch.float64)
    return model, (x, (x[:, 0] * x[:, 1] > 0).long())


def own_objective(hidden: int = 16) -> Objective:
    """Its mean cross entropy."""
    model, rows = network(hidden)
    return Objective(model, nn.CrossEntropyLoss(), rows)
