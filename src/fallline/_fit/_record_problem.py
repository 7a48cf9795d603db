"""The problem that a recorded run descended on, as far as its record tells."""

import torch

from fallline._formulas import formula
from fallline._objective import loss_kind
from fallline._problem import DTYPES, AllRows, FormulaProblem, NeuronProblem, Origin, Problem
from fallline._quadratic import Quadratic
from fallline._records import Run


def problem_of(run: Run) -> Problem:
    """A formula, or the rows that the record kept with what it knows of all of them."""
    header = run.header
    if header.formula is not None:
        return FormulaProblem(formula(header.formula), header.dtype)
    if run.sample is None or header.rows is None:
        raise ValueError("a run without a formula keeps some of its rows")
    quadratic = None if run.moments is None else Quadratic(run.moments)
    dtype = DTYPES[header.dtype]
    return NeuronProblem(
        name=header.name,
        kind=loss_kind(header.loss),
        scaling=header.scaling,
        parameter_names=header.parameter_names,
        features=torch.tensor(run.sample.features, dtype=dtype),
        target=torch.tensor(run.sample.target, dtype=dtype).unsqueeze(1),
        recorded_origin=Origin(header.source, header.source_hash, header.target, header.features, header.notes),
        all_rows=AllRows(header.rows, quadratic),
    )
