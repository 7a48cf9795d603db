"""Runs that were recorded earlier: the objective they ran on, and a summary for those that have none."""

from dataclasses import replace
from typing import TYPE_CHECKING

from fallline._quadratic import Quadratic
from fallline._records import Run

if TYPE_CHECKING:
    from fallline._loss_function import LossFunction


def objective_of(run: Run) -> "LossFunction":
    """What a run descended on, as a function of its parameters.

    Exact where the run's moments are known, and for a formula; else over the rows that the record kept
    (``run.sample``).
    """
    if run.moments is not None:
        return Quadratic(run.moments)  # no torch is needed for this
    if run.header.formula is not None:
        from fallline._formulas import formula  # noqa: PLC0415  (torch is only loaded where there are no moments)

        return formula(run.header.formula)
    from fallline._objective import loss_kind  # noqa: PLC0415  (its room loads torch)
    from fallline._problem import NeuronObjective  # noqa: PLC0415  (its room loads torch)

    if run.sample is None:
        raise ValueError("a run without a formula keeps some of its rows")
    return NeuronObjective(loss_kind(run.header.loss), run.sample.features, run.sample.target)


def summarised(run: Run) -> Run:
    """The run with a summary; one that has none was interrupted."""
    if run.summary is not None:
        return run
    from fallline._fit._unfinished import unfinished_summary  # noqa: PLC0415  (torch, for killed runs only)

    return replace(run, summary=unfinished_summary(run))
