"""How much of a run a sweep may repeat at some fifty rates before it costs more than it is worth."""

from collections.abc import Mapping

from fallline._problem import Problem
from fallline._sweep import scales_with_rate

MOST_STEPS = 1_000
"""A descent that has not shown by then what a rate is worth rarely does later."""
MOST_ROW_STEPS = 400_000
"""Rows × steps that are evaluated at every rate: with fifty rates some tenths of a second."""
FEWEST_STEPS = 50
"""Fewer steps than this, of a run that has more, say little about it."""


def swept_steps(
    problem: Problem,
    optimizer: str,
    options: Mapping[str, object],
    steps: int,
    batch_size: int | None,
    *,
    most_steps: int = MOST_STEPS,
    most_row_steps: int = MOST_ROW_STEPS,
) -> int | str:
    """How many of the run's ``steps`` a sweep can afford; or the reason, a clause, why none is worth running.

    ``batch_size`` is None for full batch and formulas. What a step costs is counted in rows: none for an exact
    parabola or a formula, else those of the batch, and all of them for the loss after it.
    """
    if not scales_with_rate(optimizer, options).scales:
        return f"{optimizer} does not run in one batch with others, and some fifty runs one by one take long"
    rows = 0 if problem.rows is None else problem.rows
    counted = (0 if problem.quadratic is not None else rows) + (0 if batch_size is None else batch_size)
    if batch_size is None and problem.quadratic is not None:
        counted = 0
    affordable = min(steps, most_steps, most_row_steps // counted if counted else steps)
    if affordable < min(steps, FEWEST_STEPS):
        return f"its steps over {rows:,} rows at some fifty rates would take longer than the run itself is worth"
    per_epoch = 1 if batch_size is None else -(-rows // batch_size)
    if affordable < min(steps, per_epoch):
        return f"one epoch has {per_epoch:,} steps, and a sweep of less than an epoch would not have seen all rows"
    return affordable
