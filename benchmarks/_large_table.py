"""The table of ten million rows that the moments are measured on, and a neuron at a known start."""

import numpy as np
import torch
from numpy.typing import NDArray

ROWS, FEATURES, EPOCHS, LEARNING_RATE = 10_000_000, 8, 200, 0.1
NAMES = [f"x{index}" for index in range(1, FEATURES + 1)]
START = {**{f"w_{name}": 0.1 for name in NAMES}, "b": 0.0}
Numbers = NDArray[np.float32]


def large_table() -> tuple[Numbers, Numbers]:
    """X [ROWS, FEATURES] and y [ROWS], 360 MB in float32."""
    random = np.random.default_rng(0)
    features = random.standard_normal((ROWS, FEATURES), dtype=np.float32)
    target = features @ np.arange(1, FEATURES + 1, dtype=np.float32) + 1
    target += random.standard_normal(ROWS, dtype=np.float32)
    return features, target


def plain_loop(features: torch.Tensor, target: torch.Tensor, epochs: int) -> list[float]:
    """The loop as a script has it, from the same start as ours: the parameters that it learned."""
    model = torch.nn.Linear(FEATURES, 1)
    with torch.no_grad():
        model.weight.fill_(0.1)
        model.bias.fill_(0.0)
    loss_fn = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(features), target)
        loss.backward()
        optimizer.step()
    return [*model.weight.detach()[0].tolist(), model.bias.item()]
