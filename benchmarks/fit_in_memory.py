"""``fl.fit`` in memory, every step recorded with its parameters, against the plain loop on the same table."""

import math
from functools import partial

import torch
from benchmarks._harness import Bar, alternate, main

import fallline as fl

PAIRS = 61
EPOCHS = 200
LEARNING_RATE = 0.01


def problem() -> tuple[torch.Tensor, torch.Tensor, torch.nn.Linear]:
    """Table and neuron of plain_line.py."""
    torch.manual_seed(0)
    x = torch.linspace(0, 10, 100).unsqueeze(1)
    y = 2 * x + 1 + 0.5 * torch.randn(100, 1)
    return x, y, torch.nn.Linear(1, 1)


def plain() -> list[float]:
    """plain_line.py without its printing: the learned weight and bias."""
    x, y, model = problem()
    loss_fn = torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
    return [model.weight.item(), model.bias.item()]


def recorded(start: dict[str, float] | None = None) -> fl.Run:
    """The same through fallline, from its own start unless told."""
    return fl.fit(learning_rate=LEARNING_RATE, epochs=EPOCHS, seed=0, start=start)


def check_same_work() -> None:
    """From one start the two must learn the same line in as many steps, else their times say nothing."""
    _, _, model = problem()
    run = recorded({"w": model.weight.item(), "b": model.bias.item()})
    learned = list(run.columns.parameters[-1])
    if len(run) != EPOCHS or not all(map(partial(math.isclose, rel_tol=1e-4), learned, plain())):
        raise RuntimeError(f"the two loops differ: {learned} in {len(run)} steps against {plain()}")


def measure() -> list[Bar]:
    """On one thread: small work is fastest so, and the figure steadiest."""
    torch.set_num_threads(1)
    check_same_work()
    return [alternate(recorded, plain, PAIRS).bar("fl.fit in memory, 200 epochs / plain loop", 1.3)]


if __name__ == "__main__":
    main(measure)
