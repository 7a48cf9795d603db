"""Optimizers on equal terms: one problem, the same starts, as many rates tried for each."""

from fallline._compare._compare import OPTIMIZERS, SEEDS, TRIALS, compare
from fallline._compare._objective_of import objective_of

__all__ = ["OPTIMIZERS", "SEEDS", "TRIALS", "compare", "objective_of"]
