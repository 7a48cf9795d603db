"""A thousand rates in one batch, with the loss after every step, against plain loops that print nothing; one thread."""

from collections.abc import Callable

import numpy as np
import torch
from benchmarks._harness import Bar, alternate

import fallline as fl
from fallline._problem import given_problem
from fallline._sweep import run_rates
from fallline._sweep._probe import _probed

RATES = np.geomspace(3e-5, 9e-2, 1000)
EPOCHS = 200
LOOPS = 50
"""Plain loops that are timed; a thousand take 20 times as long."""
PAIRS, FEW = 5, 3


def against_plain_loops(optimizer: str, limit: float) -> list[Bar]:
    """Time of 1,000 plain loops over that of their descents in one batch; beside it what comes on top of these.

    The barred figure is of the descents alone, each with its 201 losses, the probe done before.
    """
    check_same_ends(optimizer)
    sides = (
        (f"the descents of 1,000 rates × {EPOCHS} epochs in one batch", limit, lambda: one_batch(optimizer)),
        ("the same with a cold probe", None, lambda: one_batch_probed_anew(optimizer)),
        ("the whole fl.sweep(), with zones, limits and trials", None, lambda: whole_sweep(optimizer)),
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_bar(f"{optimizer}: plain loops / {name}", optimizer, bar, side) for name, bar, side in sides]
    finally:
        torch.set_num_threads(threads)


def _bar(name: str, optimizer: str, limit: float | None, side: Callable[[], object]) -> Bar:
    ratio = alternate(lambda: plain_loops(optimizer), side, PAIRS if limit is not None else FEW, warm_up=1)
    times = len(RATES) / LOOPS
    return Bar(name, times * ratio.median, limit, "×", better="higher", low=times * ratio.low, high=times * ratio.high)


def check_same_ends(optimizer: str) -> None:
    """Both sides have to end at the same losses, as far as the loops' float32 tells; raise where they do not."""
    loops = np.array(plain_loops(optimizer))
    batch = one_batch(optimizer)[EPOCHS - 1, :: len(RATES) // LOOPS]  # a loop's last loss is that before its last step
    told = (batch < 1e6) & np.isfinite(loops)
    if told.sum() < LOOPS / 4 or not np.allclose(loops[told], batch[told], rtol=1e-2):
        raise RuntimeError(f"{optimizer}: the loops and the batch end at different losses")


def plain_loops(optimizer: str) -> list[float]:
    """The last losses of 50 of the loops that a person would write, all from one start."""
    torch.manual_seed(0)
    x = torch.linspace(0, 10, 100).unsqueeze(1)
    y = 2 * x + 1 + 0.5 * torch.randn(100, 1)
    loss_fn = torch.nn.MSELoss()
    state = torch.get_rng_state()
    ends = []
    for rate in RATES[:: len(RATES) // LOOPS]:
        torch.set_rng_state(state)
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


def one_batch_probed_anew(optimizer: str) -> np.ndarray:
    """The same, with the probe whether one batch is right."""
    _probed.cache_clear()
    return one_batch(optimizer)


def whole_sweep(optimizer: str) -> object:
    """All that a person gets."""
    return fl.sweep(optimizer=optimizer, learning_rates=RATES.tolist(), epochs=EPOCHS)
