"""The problem that a recorded run descended on, as far as its record tells."""

from dataclasses import replace

import torch

from fallline._formulas import formula
from fallline._objective import loss_kind
from fallline._problem import DTYPES, AllRows, FormulaProblem, NeuronProblem, Origin, Problem
from fallline._quadratic import Quadratic
from fallline._records import Floats, Header, Moments, Run, Sample


def problem_of(run: Run) -> Problem:
    """A formula, or the rows that the record kept with what it knows of all of them."""
    return recorded_problem(run.header, run.sample, run.moments)


def float64_rounding(run: Run, before: Floats, update: Floats, loss: Floats) -> Floats:
    """[T] how large a first-order change over all rows rounding can explain where it is worked out in float64.

    What the problem says (docs/semantics.md#rounding) of updates [T, P] from ``before`` [T, P] at losses [T].
    """
    problem = recorded_problem(replace(run.header, dtype="float64"), run.sample, run.moments)
    return problem.change_rounding(before, update, loss)


def recorded_problem(header: Header, sample: Sample | None, moments: Moments | None) -> Problem:
    """The problem of a record that has no steps yet."""
    if header.formula is not None:
        return FormulaProblem(formula(header.formula), header.dtype)
    if sample is None or header.rows is None:
        raise ValueError("a run without a formula keeps some of its rows")
    quadratic = None if moments is None else Quadratic(moments)
    dtype = DTYPES[header.dtype]
    return NeuronProblem(
        name=header.name,
        kind=loss_kind(header.loss),
        scaling=header.scaling,
        parameter_names=header.parameter_names,
        features=torch.tensor(sample.features, dtype=dtype),
        target=torch.tensor(sample.target, dtype=dtype).unsqueeze(1),
        recorded_origin=Origin(header.source, header.source_hash, header.target, header.features, header.notes),
        all_rows=AllRows(header.rows, quadratic),
    )
