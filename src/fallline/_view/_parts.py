"""What each step of a run is made of: the arithmetic of :mod:`fallline._parts` on what the run recorded."""

from fallline._parts import parts_of
from fallline._records import Run, StepPart

__all__ = ["StepPart", "parts_of", "step_parts"]


def step_parts(run: Run) -> tuple[StepPart, ...] | None:
    """The terms of every update, their sum the recorded Δθ; the last is ``unattributed``.

    None where a step is its gradient alone (plain SGD) and for optimizers and options that are not known.
    """
    if run.header.plain_descent:
        return None
    header, columns = run.header, run.columns
    return parts_of(header.optimizer, header.optimizer_options, run.trajectory, columns.gradient, columns.learning_rate)
