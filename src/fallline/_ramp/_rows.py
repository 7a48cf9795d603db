"""Rows of a table as something to ramp: a neuron, its loss, batches and an optimizer."""

from collections.abc import Mapping, Sequence

import torch

from fallline._descent import make_optimizer
from fallline._errors import OptionError
from fallline._problem import NeuronProblem
from fallline._ramp._ramp import ramp
from fallline._ramp._teller import Progress
from fallline._records import Floats, Ramp


def ramp_rows(
    problem: NeuronProblem,
    *,
    optimizer: str,
    options: Mapping[str, object],
    batch_size: int | None,
    rates: Floats | None,
    start: Mapping[str, float] | None,
    seeds: Sequence[int],
    progress: Progress | None = None,
) -> Ramp:
    """The range test of one neuron on a table's rows; batches in an order drawn for each seed.

    Raises:
        OptionError: the optimizer cannot train a neuron, or only a sample of the rows is here.
    """
    if problem.rows != len(problem.features):
        raise OptionError("A ramp needs the rows themselves, and this table was only read through.")
    model = problem.starting_model(start, seed=seeds[0])
    size = problem.rows if batch_size is None else min(batch_size, problem.rows)
    rows = torch.utils.data.TensorDataset(problem.features, problem.target)
    loader = torch.utils.data.DataLoader(
        rows, batch_size=size, shuffle=size < problem.rows, generator=torch.Generator().manual_seed(seeds[0])
    )
    given = (problem.features, problem.target) if size == problem.rows else loader
    made = make_optimizer(optimizer, list(model.parameters()), 1.0, options)
    return ramp(
        model,
        problem.loss_fn(),
        given,
        made,
        rates=rates,
        seeds=seeds,
        name=problem.name,
        progress=progress,
    )
