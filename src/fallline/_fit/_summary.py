"""What came of a run: every number a verdict needs, worked out once."""

import numpy as np
import torch

from fallline._curvature import Limit
from fallline._data import to_table_units
from fallline._problem import CONVERGED_PART, Curvature, Problem, curvature_of, limit_of, outcome_of, spread
from fallline._records import Columns, Floats, Header, LimitKind, Outcome, Scaling, Summary


def summarise(
    problem: Problem,
    header: Header,
    columns: Columns,
    optimizer: torch.optim.Optimizer,
    *,
    interrupted: bool,
    seconds: float,
) -> Summary:
    """The summary of a run that has just been made."""
    start = np.array(header.start)
    last = columns.parameters[-1] if len(columns) else start
    losses = np.append(header.start_loss, columns.full_loss[columns.full_loss_measured])
    curvature = curvature_of(problem, last)
    limit = limit_of(problem, optimizer, header.optimizer_options, last, curvature.sharpness)
    outcome = outcome_of(problem, header.start_loss, columns, interrupted=interrupted)
    last_loss = float(losses[-1]) if outcome is not Outcome.INTERRUPTED else float(problem.objective.loss(last)[0])
    raw, raw_limit, raw_steps = _without_standardising(problem, start)
    rate = _judged_rate(header, columns, limit)
    return Summary(
        outcome=outcome,
        learned=_named(problem, last),
        exact=_exact(problem),
        first_loss=header.start_loss,
        last_loss=last_loss,
        best_loss=float(np.nanmin([*losses, last_loss])) if np.isfinite(losses).any() else float("nan"),
        stability_limit=limit.value if limit else None,
        limit_kind=limit.kind if limit else None,
        share_of_limit=rate / limit.value if limit else None,
        condition_number=curvature.condition_number,
        sharpness=curvature.sharpness,
        flattest=curvature.flattest,
        raw_condition_number=raw.condition_number,
        raw_stability_limit=raw_limit,
        raw_steps=raw_steps,
        steps_to_finish=_steps_to_finish(problem, header, last, outcome),
        separable=problem.separates(last),
        seconds=seconds,
    )


def _judged_rate(header: Header, columns: Columns, limit: Limit | None) -> float:
    """The rate that is set beside the limit: the largest, or the last where the limit is of the last moment."""
    if not len(columns):
        return header.learning_rate
    of_the_end = limit is not None and limit.kind is LimitKind.FROZEN
    return float(columns.learning_rate[-1] if of_the_end else np.max(columns.learning_rate))


def _exact(problem: Problem) -> dict[str, float] | None:
    """The one lowest point by name, None where it is not known or there are several."""
    if problem.formula is not None:
        return None if problem.objective.optimum is None else _named(problem, problem.objective.optimum)
    if problem.quadratic is None or not problem.quadratic.eigenvalues[-1] > 0:
        return None
    return _named(problem, problem.quadratic.optimum)


def _named(problem: Problem, parameters: Floats) -> dict[str, float]:
    """A parameter vector of the training scale by name, in the table's units."""
    if problem.formula is not None:
        return dict(zip(problem.parameter_names, map(float, parameters), strict=True))
    with np.errstate(all="ignore"):  # a diverged neuron's parameters are not finite in any unit
        values = to_table_units(parameters, problem.scaling)
    return dict(zip(problem.parameter_names, map(float, values), strict=True))


def _without_standardising(problem: Problem, start: Floats) -> tuple[Curvature, float | None, float | None]:
    """Curvature, SGD's limit and the steps that the raw columns would have meant; (…, limit, steps)."""
    if problem.scaling.is_identity or problem.quadratic is None:
        return Curvature(None, None, None), None, None
    to_training = _to_training_scale(problem.scaling)
    raw = problem.quadratic.reparametrised(to_training)
    start = np.asarray(np.linalg.solve(to_training, start), dtype=np.float64)  # the same line, in the table's units
    curvature = spread(raw.eigenvalues, rounding=0.0)
    if curvature.sharpness is None:
        return curvature, None, None
    goal = CONVERGED_PART * float(raw.excess(start)[0])
    steps = raw.steps_to(start, 1 / curvature.sharpness, goal)
    return curvature, 2 / curvature.sharpness, None if steps is None else float(steps)


def _to_training_scale(scaling: Scaling) -> Floats:
    """The matrix A [P, P] of θ_training = A θ_table: w_training = s·w_table, b_training = b_table + m·w_table."""
    matrix = np.diag(np.append(scaling.scale, 1.0))
    matrix[-1, :-1] = scaling.shift
    return matrix


def _steps_to_finish(problem: Problem, header: Header, last: Floats, outcome: Outcome) -> int | None:
    """Further steps of plain full-batch descent to convergence by the closed form; None where it does not hold."""
    unfinished = outcome in (Outcome.DESCENDING, Outcome.INTERRUPTED)
    if problem.quadratic is None or not (header.plain_descent and unfinished and header.full_batch) or header.schedule:
        return None
    goal = CONVERGED_PART * float(problem.quadratic.excess(np.array(header.start))[0])
    return problem.quadratic.steps_to(last, header.learning_rate, goal)
