"""The edge of stability: the sharpness of a small network rises to what the learning rate allows, and stays there.

    python examples/edge_of_stability.py     # six runs, about ten seconds; writes edge_of_stability.html
    fallline explain                         # the last one in words

Full-batch gradient descent at a learning rate η is stable up to a sharpness of 2/η; Adam (β₁ = 0.9) up to a sharpness
of P⁻¹H of 38/η. Here training sharpens the loss that far at every rate, and no farther (Cohen et al. 2021, 2022).
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import fallline as fl

RATES = {torch.optim.SGD: (0.02, 0.05, 0.1), torch.optim.Adam: (0.0005, 0.001, 0.002)}
NUMERATOR = {torch.optim.SGD: 2, torch.optim.Adam: 38}
"""Of the sharpness that a rate allows: 2, and 2(1 + β₁)/(1 − β₁)."""
PICTURE = Path("edge_of_stability.html")


def network() -> nn.Sequential:
    """1-32-32-32-1 with tanh: 2,209 parameters."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )


def rows() -> tuple[Tensor, Tensor]:
    """Twenty points of 4x³ − 3x."""
    x = torch.linspace(-1, 1, 20)[:, None]
    return x, 4 * x**3 - 3 * x


def train(kind: type[torch.optim.Optimizer], learning_rate: float, steps: int, every: int) -> fl.Recording:
    """Full-batch training, with the sharpness tracked along it."""
    model, (x, y), loss_fn = network(), rows(), nn.MSELoss()
    optimizer = kind(model.parameters(), lr=learning_rate)
    objective = fl.Objective(model, loss_fn, (x, y))
    with fl.watch(model, optimizer, objective=objective, sharpness_every=every) as watch:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            watch.step(loss)
    return fl.load(watch.path)


def line(kind: type[torch.optim.Optimizer], learning_rate: float, recording: fl.Recording) -> str:
    """One run; *at last* is its last quarter, in the median."""
    tracked = recording.sharpness
    late = slice(3 * len(tracked) // 4, None)
    sharpness, share = np.median(tracked.sharpness[late]), np.median(tracked.share[late])
    limit = f"{NUMERATOR[kind]}/rate = {NUMERATOR[kind] / learning_rate:,.0f}"
    return (
        f"{kind.__name__:5} rate {learning_rate:<7g} {limit:17} sharpness {tracked.sharpness[0]:6,.0f} at first, "
        f"{sharpness:6,.0f} at last: {share:4.0%} of the limit"
    )


def main() -> int:
    """All six runs, and their picture."""
    parser = argparse.ArgumentParser(description="Full-batch training at the edge of stability.")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--measurements", type=int, default=80, help="of the sharpness, in each run")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # networks as small as these train fastest so
    every = math.ceil(arguments.steps / arguments.measurements)
    pictures = []
    for kind, rates in RATES.items():
        runs = {}
        for rate in rates:
            runs[f"rate {rate:g}"] = train(kind, rate, arguments.steps, every)
            print(line(kind, rate, runs[f"rate {rate:g}"]), flush=True)
        figure = fl.figures.stability(runs)
        figure.update_layout(title_text=f"{kind.__name__} at the edge of stability", width=760, height=640)
        pictures.append(figure.to_html(full_html=False, include_plotlyjs=not pictures))
    body = "".join(f'<div style="display:inline-block">{picture}</div>' for picture in pictures)
    PICTURE.write_text(f'<!doctype html><meta charset="utf-8"><title>Edge of stability</title>{body}', "utf-8")
    print(f"\nThe picture is in {PICTURE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
