"""The main job: train one neuron on a table, record every step, say what came of it."""

from fallline._fit._fit import fit
from fallline._fit._interruption import FitInterrupted
from fallline._fit._load import objective_of, summarised
from fallline._fit._rates import rates_of
from fallline._fit._record_problem import float64_rounding
from fallline._fit._run_of_trial import run_of_trial
from fallline._fit._settings import is_run_file

__all__ = [
    "FitInterrupted",
    "fit",
    "float64_rounding",
    "is_run_file",
    "objective_of",
    "rates_of",
    "run_of_trial",
    "summarised",
]
