"""What is descended on: rows in the training scale and a loss, where a descent starts, its limit, how it ended."""

from fallline._problem._limit import Curvature, curvature_of, largest_anywhere, limit_of, sharpest_batch, spread
from fallline._problem._outcome import CONVERGED_PART, outcome_of
from fallline._problem._problem import DTYPES, Problem, make_problem, neuron_objective
from fallline._problem._start import starting_neuron

__all__ = [
    "CONVERGED_PART",
    "DTYPES",
    "Curvature",
    "Problem",
    "curvature_of",
    "largest_anywhere",
    "limit_of",
    "make_problem",
    "neuron_objective",
    "outcome_of",
    "sharpest_batch",
    "spread",
    "starting_neuron",
]
