"""The main job: train one neuron on a table, record every step, say what came of it."""

from fallline._fit._auto import auto_rate, recommended_rate
from fallline._fit._fit import fit
from fallline._fit._fitted import fit_problem
from fallline._fit._interruption import FitInterrupted
from fallline._fit._load import objective_of, summarised
from fallline._fit._rates import rates_of
from fallline._fit._record_problem import float64_rounding
from fallline._fit._run_of_trial import run_of_trial
from fallline._fit._settings import is_run_file
from fallline._fit._sweep_budget import swept_steps

__all__ = [
    "FitInterrupted",
    "auto_rate",
    "fit",
    "fit_problem",
    "float64_rounding",
    "is_run_file",
    "objective_of",
    "rates_of",
    "recommended_rate",
    "run_of_trial",
    "summarised",
    "swept_steps",
]
