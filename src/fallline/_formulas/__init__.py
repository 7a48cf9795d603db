"""Textbook surfaces: a formula in one or a few parameters as a loss function, exact derivatives included."""

from fallline._formulas._expression import FUNCTIONS
from fallline._formulas._formula import Formula, FormulaModel, formula
from fallline._formulas._named import NAMED
from fallline._formulas._program import python_text

__all__ = ["FUNCTIONS", "NAMED", "Formula", "FormulaModel", "formula", "python_text"]
