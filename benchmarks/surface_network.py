"""A 101 × 101 surface of an MLP 64-128-128-10 on all 1,797 digits against loss-landscapes, or a plain loop over cells.

Interpolated and with every cell, in one process on one thread, with the printed error held against the loss itself at
500 random cells. What is measured against evaluates 25 × 25 of the cells in the same turn and is scaled to all of
them, as is the surface with every cell: a cell costs what its neighbour costs. Where loss-landscapes is not installed
a plain loop in PyTorch stands in for it: the parameters written into the model, one forward pass, for each cell.
"""

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Bar, Ratio, alternate, main
from benchmarks._one_thread import on_one_thread
from sklearn.datasets import load_digits
from torch import Tensor, nn

import fallline as fl

SIDE, MEASURED_SIDE, PAIRS, STEPS, BATCH, CHECKED = 101, 25, 9, 300, 64, 500
PEER = "loss_landscapes"


def measure() -> list[Bar]:
    """Time and error of the same plane's width: half the length of the parameters to either side."""
    torch.set_num_threads(1)
    inputs, target = digits()
    model = trained(inputs, target)
    objective = fl.Objective(model, nn.CrossEntropyLoss(), (inputs, target))
    plane = fl.plane(objective, "random")
    extent = 0.5 * float(np.linalg.norm(objective.parameters))
    name, peer = cell_by_cell(model, inputs, target, plane, extent)

    def surface(side: int, *, exact: bool) -> Any:
        return fl.surface(objective, plane, (side, side), exact=exact, extent=extent)

    seen = surface(SIDE, exact=False)
    share = checked(objective, seen) / seen.local_error
    quick = alternate(peer, lambda: surface(SIDE, exact=False), PAIRS)
    every = alternate(lambda: surface(MEASURED_SIDE, exact=True), peer, PAIRS)
    scale = (SIDE / MEASURED_SIDE) ** 2
    return [
        scaled(f"{name} / {seen.method}, 101 × 101 surface of an MLP", quick, scale),
        Bar(f"every cell / {name}", every.median, 1.0, "×", low=every.low, high=every.high),
        Bar(f"worst of {CHECKED} random cells / printed error ({100 * seen.local_error:.2g} %)", share, 1.0, "×"),
    ]


def scaled(name: str, ratio: Ratio, scale: float) -> Bar:
    return Bar(name, scale * ratio.median, 30, "×", "higher", low=scale * ratio.low, high=scale * ratio.high)


def digits() -> tuple[Tensor, Tensor]:
    features, target = load_digits(return_X_y=True)
    return torch.tensor(features / 16, dtype=torch.float32), torch.tensor(target)


def trained(inputs: Tensor, target: Tensor) -> nn.Module:
    """Ten epochs of SGD with momentum: a training loss of 0.02."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(STEPS):
        rows = torch.randint(0, len(inputs), (BATCH,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs[rows]), target[rows]).backward()
        optimizer.step()
    return model


def checked(objective: Any, seen: Any) -> float:
    """The largest local relative error at random cells, as docs/semantics.md#surface defines it."""
    draw = np.random.default_rng(1)
    row, column = np.unravel_index(draw.choice(seen.loss.size, CHECKED, replace=False), seen.loss.shape)
    true = np.concatenate(
        [
            objective.loss((seen.plane.origin + u * seen.plane.directions[0] + v * seen.plane.directions[1])[None])
            for u, v in zip(seen.x[column], seen.y[row], strict=True)
        ]
    )
    span = np.ptp(seen.loss)
    local = np.maximum(np.minimum(true, true - seen.loss.min() + 0.01 * span), 1e-6 * span)
    return float((np.abs(seen.loss[row, column] - true) / local).max())


def cell_by_cell(
    model: nn.Module, inputs: Tensor, target: Tensor, plane: Any, extent: float
) -> tuple[str, Callable[[], object]]:
    """What stands beside: loss-landscapes where it is installed, else a loop."""
    if importlib.util.find_spec(PEER) is None:
        print("peer not installed (loss-landscapes): a plain loop over the cells stands in for it", file=sys.stderr)
        return "plain loop", lambda: plain_loop(model, inputs, target, plane, extent)
    import loss_landscapes  # noqa: PLC0415  (only where it is installed)
    from loss_landscapes.metrics import Loss  # noqa: PLC0415  (as above)

    metric = Loss(nn.functional.cross_entropy, inputs, target)
    return "loss-landscapes", lambda: loss_landscapes.random_plane(
        model, metric, distance=1, steps=MEASURED_SIDE, normalization="filter", deepcopy_model=True
    )


@torch.no_grad()
def plain_loop(model: nn.Module, inputs: Tensor, target: Tensor, plane: Any, extent: float) -> list[float]:
    """One forward pass for each cell; the model's own parameters are put back."""
    parameters = list(model.parameters())
    kept = nn.utils.parameters_to_vector(parameters).clone()
    origin, first, second = (torch.tensor(each, dtype=torch.float32) for each in (plane.origin, *plane.directions))
    axis = np.linspace(-extent, extent, MEASURED_SIDE).tolist()
    losses = []
    for v in axis:
        for u in axis:
            nn.utils.vector_to_parameters(origin + u * first + v * second, parameters)
            losses.append(nn.functional.cross_entropy(model(inputs), target).item())
    nn.utils.vector_to_parameters(kept, parameters)
    return losses


if __name__ == "__main__":
    on_one_thread()
    main(measure)
