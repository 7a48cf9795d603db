"""Training loops as people write them, bare and watched by ``fl.watch``, and what watching costs.

Both loops take turns in chunks of steps. The watch is begun before its first chunk and closed after the last one;
each of its chunks ends when everything it recorded is in the file and safe (``flush``), so that all the writing done
beside the loop is counted, and none of it falls into the other loop's chunks.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from benchmarks._harness import Ratio, alternate
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

import fallline as fl

Batch = tuple[torch.Tensor, torch.Tensor]
BATCH = 128


@dataclass(frozen=True)
class Problem:
    """A model, its optimizer, its loss and its batches, always from the same start."""

    model: Callable[[], nn.Module]
    optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    loss_fn: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    batches: list[Batch]


class Training:
    """One training in progress; ``run`` makes some more steps of it."""

    def __init__(self, problem: Problem) -> None:
        torch.manual_seed(0)
        self.model = problem.model()
        self.optimizer = problem.optimizer(self.model)
        self.loss_fn = problem.loss_fn
        self.batches = cycle(problem.batches)
        self.written = 0

    def run(self, steps: int) -> None:
        """The bare loop."""
        model, optimizer, loss_fn = self.model, self.optimizer, self.loss_fn
        for x, y in islice(self.batches, steps):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()

    def run_watched(self, watch: fl.Watch, steps: int) -> None:
        """The same with the line that records it."""
        model, optimizer, loss_fn = self.model, self.optimizer, self.loss_fn
        for x, y in islice(self.batches, steps):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            watch.step(loss)
        if not watch.flush():
            raise RuntimeError("the run file could not be written")

    def run_written(self, writer: Any, steps: int) -> None:
        """The same with three numbers a step for TensorBoard: loss, learning rate, norm of the gradient."""
        model, optimizer, loss_fn = self.model, self.optimizer, self.loss_fn
        for x, y in islice(self.batches, steps):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            norm = nn.utils.get_total_norm([tensor.grad for tensor in model.parameters() if tensor.grad is not None])
            optimizer.step()
            writer.add_scalar("loss", loss, self.written)
            writer.add_scalar("learning rate", optimizer.param_groups[0]["lr"], self.written)
            writer.add_scalar("gradient norm", norm, self.written)
            self.written += 1
        writer.flush()

    def run_with_closure(self, watch: fl.Watch, steps: int) -> None:
        """The same with a closure, so that steps are measured on their own batch."""
        model, optimizer, loss_fn = self.model, self.optimizer, self.loss_fn
        for x, y in islice(self.batches, steps):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            watch.step(loss, closure=lambda x=x, y=y: loss_fn(model(x), y))
        if not watch.flush():
            raise RuntimeError("the run file could not be written")


def neuron() -> Problem:
    """The textbook line on one neuron, full batch of 100."""
    torch.manual_seed(0)
    x = torch.linspace(0, 10, 100).unsqueeze(1)
    y = 2 * x + 1 + 0.5 * torch.randn(100, 1)
    return Problem(
        lambda: nn.Linear(1, 1), lambda model: torch.optim.SGD(model.parameters(), lr=0.01), mse_loss, [(x, y)]
    )


def mlp() -> Problem:
    """64-128-128-10 on scikit-learn's digits."""
    return Problem(
        lambda: nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)),
        lambda model: torch.optim.Adam(model.parameters(), lr=1e-3),
        cross_entropy,
        _digits(),
    )


def cnn() -> Problem:
    """Two convolutions and two layers, 60,000 parameters, on the same digits."""
    return Problem(
        lambda: nn.Sequential(
            nn.Unflatten(1, (1, 8, 8)),
            nn.Conv2d(1, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(4),
            nn.Flatten(),
            nn.Linear(256, 154),
            nn.ReLU(),
            nn.Linear(154, 10),
        ),
        lambda model: torch.optim.Adam(model.parameters(), lr=1e-3),
        cross_entropy,
        _digits(),
    )


def cost(problem: Problem, steps: int, pairs: int, *, closure: bool = False, budget: float | None = None) -> Ratio:
    """Time of ``steps`` watched steps over that of as many bare ones. Raises where the two trained differently."""
    bare, watched = Training(problem), Training(problem)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.db"
        with fl.watch(watched.model, watched.optimizer, run=path, budget=budget, quiet=True) as watch:
            run = watched.run_with_closure if closure else watched.run_watched
            ratio = alternate(partial(run, watch, steps), partial(bare.run, steps), pairs)
    _check_same(bare.model, watched.model)
    return ratio


def _check_same(bare: nn.Module, watched: nn.Module) -> None:
    """The two loops must have trained alike, else their times say nothing."""
    if not all(map(torch.equal, bare.parameters(), watched.parameters())):
        raise RuntimeError("the watched loop trained differently from the bare one")


def _digits() -> list[Batch]:
    """The 1,797 digits in whole batches, in one fixed random order."""
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(digits.data, dtype=torch.float32)[order] / 16
    y = torch.tensor(digits.target)[order]
    return [(x[k : k + BATCH], y[k : k + BATCH]) for k in range(0, len(y) - BATCH + 1, BATCH)]
