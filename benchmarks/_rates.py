"""A thousand rates in one batch, with the loss after every step, against plain loops that print nothing; one thread."""

import numpy as np
import torch
from benchmarks._harness import Bar, alternate

from fallline._problem import given_problem
from fallline._sweep import run_rates

RATES = np.geomspace(3e-5, 9e-2, 1000)
EPOCHS = 200
LOOPS = 50
"""Plain loops that are timed; a thousand take 20 times as long."""
PAIRS = 5


def against_plain_loops(optimizer: str, limit: float) -> Bar:
    """Time of 1,000 plain loops over that of one batch of 1,000 rates."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ratio = alternate(lambda: plain_loops(optimizer), lambda: one_batch(optimizer), PAIRS, warm_up=1)
    finally:
        torch.set_num_threads(threads)
    times = len(RATES) / LOOPS
    return Bar(
        f"1,000 rates × {EPOCHS} epochs, {optimizer}: plain loops / one batch",
        times * ratio.median,
        limit,
        "×",
        better="higher",
        low=times * ratio.low,
        high=times * ratio.high,
    )


def plain_loops(optimizer: str) -> list[float]:
    """The learned losses of 50 of the loops that a person would write."""
    torch.manual_seed(0)
    x = torch.linspace(0, 10, 100).unsqueeze(1)
    y = 2 * x + 1 + 0.5 * torch.randn(100, 1)
    loss_fn = torch.nn.MSELoss()
    ends = []
    for rate in RATES[:: len(RATES) // LOOPS]:
        model = torch.nn.Linear(1, 1)
        made = getattr(torch.optim, optimizer)(model.parameters(), lr=float(rate))
        for _ in range(EPOCHS):
            made.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            made.step()
        ends.append(loss.item())
    return ends


def one_batch(optimizer: str) -> np.ndarray:
    """[201, 1000] the loss before the first step and after each, at every rate, from the table on."""
    problem = given_problem()
    objective = problem.objective
    runs = run_rates(
        lambda stack, step: objective.gradient(stack),  # noqa: ARG005  (full batch: every step sees all rows)
        problem.starting_point(None, seed=0),
        RATES,
        optimizer=optimizer,
        options={},
        steps=EPOCHS,
    )
    return objective.loss(runs.parameters.reshape(-1, 2)).reshape(EPOCHS + 1, -1)
