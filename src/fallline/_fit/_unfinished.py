"""The summary of a run whose process was killed before it could write one."""

from dataclasses import replace

from fallline._descent import make_optimizer
from fallline._fit._record_problem import problem_of
from fallline._fit._summary import summarise
from fallline._records import Run, Summary


def unfinished_summary(run: Run) -> Summary:
    """What can be said of an unfinished run from its record alone; its outcome is *interrupted*.

    The optimizer's inner state went with its process, so a frozen-preconditioner limit is not stated.
    """
    header = run.header
    problem = problem_of(run)
    model = problem.starting_model(None, seed=header.seed)
    optimizer = make_optimizer(
        header.optimizer, list(model.parameters()), header.learning_rate, header.optimizer_options
    )
    summary = summarise(problem, header, run.columns, optimizer, interrupted=True, seconds=float("nan"))
    summary = replace(summary, finished=False)
    if run.sample is None or run.sample.complete or run.moments is not None:
        return summary
    # From a part of the rows nothing is claimed that holds for all of them only.
    return replace(
        summary, separable=False, stability_limit=None, limit_kind=None, share_of_limit=None, condition_number=None
    )
