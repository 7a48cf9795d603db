"""From what a person gave (nothing, a table, a formula) to a problem."""

from typing import TYPE_CHECKING

from fallline._data import line, read_table
from fallline._errors import OptionError
from fallline._formulas import formula as read_formula
from fallline._problem._formula import FormulaProblem
from fallline._problem._neuron import check_dtype, make_problem
from fallline._problem._protocol import Problem

if TYPE_CHECKING:
    from fallline._data._read import TableSource


def given_problem(
    data: "TableSource | None" = None,
    *,
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    formula: str | None = None,
    loss: str = "mse",
    dtype: str = "float32",
    seed: int = 0,
) -> Problem:
    """The problem that these settings name.

    Nothing at all is the textbook line, its x as it is; a table is standardised unless told; a formula has neither
    rows nor scale.

    Raises:
        DataError: the table cannot be used.
        OptionError: settings that do not go together.

    >>> given_problem().name, given_problem(formula="rosenbrock").parameter_names
    ('line', ('w', 'b'))
    """
    check_dtype(dtype)
    if formula is not None:
        _check_formula_alone(data, target, features, drop_missing, standardise, loss)
        return FormulaProblem(read_formula(formula), dtype)
    if data is None:
        if target is not None or features is not None:
            raise OptionError("A target or features were named without a table: name the table as well.")
        return make_problem(line(seed=seed), loss=loss, standardised=bool(standardise), dtype=dtype)
    table = read_table(data, target=target, features=features, drop_missing=drop_missing)
    return make_problem(table, loss=loss, standardised=standardise is None or standardise, dtype=dtype)


def _check_formula_alone(
    data: "TableSource | None",
    target: str | None,
    features: list[str] | None,
    drop_missing: bool,
    standardise: bool | None,
    loss: str,
) -> None:
    """A formula is the loss itself: nothing that speaks of rows goes with it."""
    if data is not None:
        raise OptionError("A formula was given together with a table: a formula has no rows; give one of the two.")
    if loss != "mse":
        raise OptionError(f"A formula is the loss itself: leave out --loss {loss} (in Python loss).")
    named = {
        "--target (target)": target is not None,
        "--features (features)": features is not None,
        "--drop-missing (drop_missing)": drop_missing,
        "--standardise (standardise)": standardise is not None,
    }
    for setting, given in named.items():
        if given:
            raise OptionError(f"A formula has no rows and no columns: leave out {setting}.")
