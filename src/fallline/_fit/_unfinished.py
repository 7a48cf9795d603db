"""The summary of a run whose process was killed before it could write one."""

from dataclasses import replace

import torch

from fallline._descent import make_optimizer
from fallline._fit._summary import summarise
from fallline._objective import loss_kind
from fallline._problem import DTYPES, Problem, starting_neuron
from fallline._records import Run, Summary


def unfinished_summary(run: Run) -> Summary:
    """What can be said of an unfinished run from its record alone; its outcome is *interrupted*.

    The optimizer's inner state went with its process, so a frozen-preconditioner limit is not stated.
    """
    header = run.header
    dtype = DTYPES[header.dtype]
    problem = Problem(
        kind=loss_kind(header.loss),
        scaling=header.scaling,
        parameter_names=header.parameter_names,
        features=torch.tensor(run.sample.features, dtype=dtype),
        target=torch.tensor(run.sample.target, dtype=dtype).unsqueeze(1),
        moments=run.moments,
    )
    model = starting_neuron(problem, None, seed=header.seed, dtype=header.dtype)
    optimizer = make_optimizer(
        header.optimizer, list(model.parameters()), header.learning_rate, header.optimizer_options
    )
    summary = summarise(problem, header, run.columns, optimizer, interrupted=True, seconds=float("nan"))
    summary = replace(summary, finished=False)
    if run.sample.complete or run.moments is not None:
        return summary
    # From a part of the rows nothing is claimed that holds for all of them only.
    return replace(
        summary, separable=False, stability_limit=None, limit_kind=None, share_of_limit=None, condition_number=None
    )
