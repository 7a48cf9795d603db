"""Optimizers on equal terms: one problem, the same starts, as many rates tried for each."""

from fallline._compare._arena import Arena
from fallline._compare._compare import OPTIMIZERS, SEEDS, TRIALS, compare, compare_prepared
from fallline._compare._contenders import Entry, make_entry
from fallline._compare._given_rates import at_given_rates
from fallline._compare._objective_of import objective_of
from fallline._compare._prepared import Prepared, parameters_of, prepare
from fallline._compare._settings import seeds_of

__all__ = [
    "OPTIMIZERS",
    "SEEDS",
    "TRIALS",
    "Arena",
    "Entry",
    "Prepared",
    "at_given_rates",
    "compare",
    "compare_prepared",
    "make_entry",
    "objective_of",
    "parameters_of",
    "prepare",
    "seeds_of",
]
