"""What is descended on: rows with a loss, or a formula; where a descent starts, its limit, how it ended."""

from fallline._problem._formula import FormulaProblem
from fallline._problem._given import given_problem
from fallline._problem._limit import Curvature, curvature_of, limit_at, limit_of, sharpest_batch, spread
from fallline._problem._neuron import AllRows, NeuronProblem, make_problem, make_problem_of_moments
from fallline._problem._neuron_objective import NeuronObjective, neuron_objective
from fallline._problem._outcome import CONVERGED_PART, outcome_of
from fallline._problem._protocol import Origin, Problem, SweptProblem
from fallline._problem._stalling import has_stalled
from fallline._problem._start import DTYPES

__all__ = [
    "CONVERGED_PART",
    "DTYPES",
    "AllRows",
    "Curvature",
    "FormulaProblem",
    "NeuronObjective",
    "NeuronProblem",
    "Origin",
    "Problem",
    "SweptProblem",
    "curvature_of",
    "given_problem",
    "has_stalled",
    "limit_at",
    "limit_of",
    "make_problem",
    "make_problem_of_moments",
    "neuron_objective",
    "outcome_of",
    "sharpest_batch",
    "spread",
]
