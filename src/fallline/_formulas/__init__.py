"""Textbook surfaces: a formula in one or a few parameters as a loss function, exact derivatives included."""

from fallline._formulas._formula import Formula, FormulaModel, formula
from fallline._formulas._named import NAMED

__all__ = ["NAMED", "Formula", "FormulaModel", "formula"]
