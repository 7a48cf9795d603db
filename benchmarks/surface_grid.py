"""The loss of the neuron on a 101 × 101 grid over a million rows against one forward pass for each cell.

From the rows in memory to the grid, the pass that gathers the moments included. The forward passes are measured for
some of the cells and scaled to all of them.
"""

import numpy as np
import torch
from benchmarks._harness import Bar, alternate, main
from benchmarks._one_thread import on_one_thread

from fallline._data import gather_table
from fallline._planes import parameter_plane
from fallline._problem import make_problem_of_moments
from fallline._surface import Grid, grid_loss

ROWS, SIDE, MEASURED_CELLS, PAIRS = 1_000_000, 101, 20, 21
WINDOW = (-3.0, 5.0)


def measure() -> list[Bar]:
    """Both in the table's own units, so that they are the same surface."""
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    x = random.standard_normal(ROWS, dtype=np.float32)
    y = 2 * x + 1 + random.standard_normal(ROWS, dtype=np.float32)
    features, target = torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y).unsqueeze(1)
    model, loss_fn = torch.nn.Linear(1, 1), torch.nn.MSELoss()
    axis = np.linspace(*WINDOW, SIDE)
    cells = [(row, column) for row in range(0, SIDE, 25) for column in range(0, SIDE, 33)][:MEASURED_CELLS]

    def by_moments() -> Grid:
        problem = make_problem_of_moments(gather_table((x, y)), standardised=False, dtype="float32")
        plane = parameter_plane(0, 1, problem.parameter_names)
        return grid_loss(problem.objective, plane, x=WINDOW, y=WINDOW, shape=(SIDE, SIDE))

    @torch.no_grad()
    def by_forward_passes() -> list[float]:
        losses = []
        for row, column in cells:
            model.weight.fill_(float(axis[column]))
            model.bias.fill_(float(axis[row]))
            losses.append(loss_fn(model(features), target).item())
        return losses

    grid = by_moments()
    if not np.allclose([grid.loss[cell] for cell in cells], by_forward_passes(), rtol=1e-3):
        raise RuntimeError("the two surfaces differ, so their times say nothing")
    ratio = alternate(by_forward_passes, by_moments, PAIRS)
    scale = SIDE * SIDE / len(cells)
    name = "forward passes / moments, 101 × 101 grid, 1,000,000 rows"
    return [Bar(name, scale * ratio.median, 1000, "×", "higher", low=scale * ratio.low, high=scale * ratio.high)]


if __name__ == "__main__":
    on_one_thread()
    main(measure)
