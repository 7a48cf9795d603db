"""What an experiment was about, as its answer names it."""

from fallline._formulas import NAMED
from fallline._problem import SweptProblem


def name_of(problem: SweptProblem) -> str:
    """A table or a surface by its name, any other formula by its arithmetic.

    >>> from fallline._problem import given_problem
    >>> name_of(given_problem()), name_of(given_problem(formula="w^4")), name_of(given_problem(formula="saddle"))
    ('line', 'w^4', 'saddle')
    """
    return problem.name if problem.formula is None or problem.name in NAMED else problem.formula
