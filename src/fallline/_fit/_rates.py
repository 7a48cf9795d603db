"""A recorded run among its neighbours: the same descent at many other learning rates."""

import numpy as np

from fallline._fit._record_problem import problem_of
from fallline._fit._sweep_budget import swept_steps
from fallline._problem import limit_at
from fallline._records import Floats, Run, SweepResult
from fallline._sweep import default_rates, sweep_problem

MOST_STEPS = 2_000
MOST_ROW_STEPS = 100_000
"""Rows × steps: a report should not take noticeably longer for it."""
SAME = 1e-6
"""Two rates this near, relatively, are the same one."""


def rates_of(run: Run) -> SweepResult | str:
    """The run's own descent (optimizer, options, start, steps, batches) at about fifty rates, its own among them.

    Returns:
        The sweep; or, where it would cost too much or would not be the same descent, the reason in one sentence.

    >>> import fallline as fl
    >>> result = rates_of(fl.fit())
    >>> 0.01 in result.rates
    True
    """
    header = run.header
    reason = _why_not(run)
    if reason:
        return reason
    problem = problem_of(run)
    steps = len(run)
    batch_size = None if header.full_batch else header.batch_size
    affordable = swept_steps(
        problem,
        header.optimizer,
        header.optimizer_options,
        steps,
        batch_size,
        most_steps=MOST_STEPS,
        most_row_steps=MOST_ROW_STEPS,
    )
    if isinstance(affordable, str):
        return f"Other rates were not run: {affordable}."
    if affordable < steps:
        return f"Other rates were not run: {steps:,} steps at some fifty rates would take long; fallline sweep does it."
    start = np.array(header.start)
    limit = limit_at(problem, header.optimizer, header.optimizer_options)
    around = default_rates(None if limit is None else limit.value, problem, start, header.optimizer)
    return sweep_problem(
        problem,
        start,
        optimizer=header.optimizer,
        options=header.optimizer_options,
        steps=steps,
        rates=_with_own(around, header.learning_rate),
        batch_size=batch_size,
        seeds=(header.seed,),
        refine=False,
    )


def _why_not(run: Run) -> str:
    """Why the same descent cannot be repeated at other rates; empty where it can."""
    header = run.header
    if not len(run):
        return "Other rates were not run: this run has no steps."
    if np.ptp(run.columns.learning_rate) > 0:
        return "Other rates were not run: the rate of this run follows a schedule."
    known = run.sample is None or run.sample.complete or (run.moments is not None and header.full_batch)
    return "" if known else "Other rates were not run: the record holds only a part of the rows."


def _with_own(rates: Floats, own: float) -> Floats:
    """The rates, rising, with the run's own among them exactly."""
    others = rates[np.abs(rates - own) > SAME * own]
    return np.sort(np.append(others, own))
