"""The loss function of a comparison, made again from its record."""

from fallline._errors import OptionError
from fallline._formulas import formula
from fallline._loss_function import LossFunction
from fallline._objective import loss_kind
from fallline._problem import NeuronObjective
from fallline._quadratic import Quadratic
from fallline._records import Comparison


def objective_of(comparison: Comparison) -> LossFunction:
    """What was descended on, for a picture's surface; from an even sample of the rows where there are very many.

    Raises:
        OptionError: it was somebody's own objective, which the record does not hold.

    >>> from fallline._compare import compare
    >>> comparison = compare(formula="(w - 3)^2", optimizers=("sgd", "adam"), epochs=5, seeds=1, trials=5)
    >>> objective_of(comparison).loss([[5.0]])
    array([4.])
    """
    if comparison.formula is not None:
        return formula(comparison.formula)
    if comparison.moments is not None:
        return Quadratic(comparison.moments)
    if comparison.sample is None:
        raise OptionError(
            "The page of a comparison draws the loss itself, and the result of a comparison on your own objective does "
            "not hold it: give it along, fl.report(comparison, path, objective=objective)."
        )
    return NeuronObjective(loss_kind(comparison.loss), comparison.sample.features, comparison.sample.target)
