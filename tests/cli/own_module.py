"""A module of somebody's own, written into the current folder for the command line to find."""

import sys
from pathlib import Path

import pytest

NAME = "curves_of_mine"
SOURCE = '''
import torch
from torch import nn

import fallline as fl

torch.manual_seed(0)
x = torch.linspace(-1, 1, 12)[:, None]
model = nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
adam = torch.optim.Adam(model.parameters())
elsewhere = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
start = torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy()
path = [start, start + 0.3, start + [0.1 * k for k in range(10)]]
number = 3.0


def objective():
    print("loading")
    return fl.Objective(model, nn.MSELoss(), (x, 2 * x + 1))


def summed():
    return fl.Objective(model, nn.MSELoss(reduction="sum"), (x, 2 * x + 1))


def broken():
    lost = nn.Linear(1, 1)
    with torch.no_grad():
        lost.weight.fill_(float("nan"))
    return fl.Objective(lost, nn.MSELoss(), (x, 2 * x + 1))


def mismatched():
    return fl.Objective(model, nn.CrossEntropyLoss(), (x, torch.zeros(5, dtype=torch.long)))


def needs(width):
    return objective()


def raises():
    raise ValueError("too few rows")


class Stopping:
    """Ctrl-C in the middle of a grid."""

    parameter_count, optimum, floor = 2, None, None
    parameters = torch.zeros(2).double().numpy()

    def __init__(self):
        self.seen = 0

    def loss(self, stack):
        import numpy as np

        self.seen += len(stack)
        if self.seen > 20_000:
            raise KeyboardInterrupt
        return (np.asarray(stack) ** 2).sum(axis=1)

    def gradient(self, stack):
        return 2 * stack

    def hessian(self, point):
        import numpy as np

        return 2 * np.eye(2)

    def change(self, before, after):
        return self.loss(after) - self.loss(before)


class Racing(Stopping):
    """The same, from a start with a slope."""

    parameters = torch.ones(2).double().numpy()


stopping = Stopping()
racing = Racing()
'''


@pytest.fixture
def own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its name, to be followed by ``:objective``."""
    (folder / f"{NAME}.py").write_text(SOURCE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    return NAME
