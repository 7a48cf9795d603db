"""Networks and all 1,797 digits as one batch, at their usual start or after some steps of training."""

from collections.abc import Callable

import numpy as np
import torch
from benchmarks._loops import Problem, Training, cnn, mlp
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import nn

import fallline as fl

PROBLEMS: dict[str, Callable[[], Problem]] = {"MLP": mlp, "CNN": cnn}


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """(input [1797, 64] from 0 to 1, target [1797])"""
    whole = load_digits()
    return torch.tensor(whole.data, dtype=torch.float32) / 16, torch.tensor(whole.target)


def trained(name: str, steps: int) -> tuple[nn.Module, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
    """A model after ``steps`` steps of its usual training, and its loss."""
    training = Training(PROBLEMS[name]())
    training.run(steps)
    return training.model, training.loss_fn


def path(name: str, points: int, steps: int) -> tuple[fl.Objective, list[NDArray[np.float64]]]:
    """The objective on all digits, and the parameters along a run, one point each ``steps`` steps."""
    training = Training(PROBLEMS[name]())
    objective = fl.Objective(training.model, training.loss_fn, digits())
    places = []
    for _ in range(points):
        tensors = [tensor.detach().reshape(-1) for tensor in training.model.parameters()]
        places.append(torch.cat(tensors).double().numpy())
        training.run(steps)
    return objective, places
