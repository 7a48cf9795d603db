"""Before a long loop begins: is the same to be had in one pass over the rows?"""

from collections.abc import Callable

from fallline._descent import Batches
from fallline._problem import Problem
from fallline._wording import count

Notice = Callable[[str], None]
"""Called with one sentence, before the first step."""

MANY_NUMBERS = 1_000_000
"""Of features and target: from here on the loop's time is that of reading them again and again."""
FEW_STEPS = 10
"""Fewer passes than this are not worth gathering moments for."""


def moments_proposal(problem: Problem, batches: Batches | None, engine: str, epochs: int) -> str | None:
    """The sentence that proposes ``engine="moments"``; None where it would not serve, or not matter."""
    rows = problem.rows
    full_batch = rows is not None and (batches is None or batches.size >= rows)
    if rows is None or not full_batch or engine != "loop" or problem.loss_name != "mse":
        return None
    columns = problem.objective.parameter_count  # the features, and the target instead of the bias
    if rows * columns < MANY_NUMBERS or epochs < FEW_STEPS:
        return None
    return (
        f"Each of the {count(epochs, 'step')} will go over {count(rows, 'row')} of {count(columns, 'column')}: "
        f"{count(epochs, 'pass')}. In full batch under mse, --engine moments makes one pass and then the same steps, "
        "but for rounding."
    )
