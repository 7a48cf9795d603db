"""The main job: train one neuron on a table, record every step, say what came of it."""

from fallline._fit._fit import fit
from fallline._fit._load import load, objective_of, summarised

__all__ = ["fit", "load", "objective_of", "summarised"]
