"""A learning rate for who gave none: measured, and never more than half the stability limit."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from fallline._curvature import provable_limit
from fallline._descent import Batches, make_optimizer, optimizer_class
from fallline._errors import OptionError
from fallline._fit._rate import Rate, rounded_down
from fallline._fit._settings import task_of
from fallline._fit._sweep_budget import swept_steps
from fallline._fit._trials import Trials
from fallline._problem import NeuronProblem, Problem, limit_at, sharpest_batch
from fallline._records import Floats, LimitKind, Recommendation
from fallline._sweep import Progress, sweep_problem
from fallline._vectors import numbers
from fallline._wording import not_finite, number


class _Judged(NamedTuple):
    """What a sweep said: a rate, or why there is none."""

    rate: Rate | None
    why_not: str


def auto_rate(
    problem: Problem,
    batches: Batches | None,
    optimizer: str,
    options: Mapping[str, object],
    start: torch.nn.Module,
    epochs: int,
    *,
    schedule: str = "",
    progress: Progress | None = None,
) -> Rate:
    """The rate that a sweep recommends; where none can be run or none is safe, a part of the limit, or real trials.

    docs/semantics.md#auto-rate. ``progress`` is told of both.
    """
    # options are refused before they enter a formula
    make_optimizer(optimizer, list(start.parameters()), 1.0, options, what=task_of(problem))
    if optimizer_class(optimizer)[0] is torch.optim.LBFGS:
        return Rate(1.0, "1 is LBFGS's own: it scales its steps by the curvature that it has seen.")
    point = np.array(numbers(start.parameters()))
    _demand_slope(problem, point)
    judged = _swept(problem, batches, optimizer, options, point, epochs, schedule, progress)
    if judged.rate is not None:
        return judged.rate
    part = _part_of_limit(problem, batches, optimizer, options, point)
    trials = Trials(problem, batches, optimizer, options, start, epochs, schedule)
    rate = trials.best(progress) if part is None else part
    return Rate(rate.value, f"{rate.reason} {judged.why_not}")


def _demand_slope(problem: Problem, start: Floats) -> None:
    """Refuse a start from which no rate leads anywhere."""
    loss = float(problem.objective.loss(start[None])[0])
    if not math.isfinite(loss):
        at = ", ".join(f"{name} = {number(value)}" for name, value in zip(problem.parameter_names, start, strict=True))
        raise OptionError(f"The loss at the start ({at}) is {not_finite(loss)}, so no rate can help. Start elsewhere.")


def _swept(
    problem: Problem,
    batches: Batches | None,
    optimizer: str,
    options: Mapping[str, object],
    start: Floats,
    epochs: int,
    schedule: str,
    progress: Progress | None,
) -> _Judged:
    """What a sweep over the run's own steps, or as many of them as it can afford, recommends."""
    if schedule.partition(":")[0].strip().lower() not in ("", "constant"):
        return _Judged(None, "No sweep was run: it would try constant rates, and this one follows a schedule.")
    full = batches is None or batches.full
    steps = epochs * (1 if batches is None else batches.per_epoch)
    affordable = swept_steps(problem, optimizer, options, steps, None if full or batches is None else batches.size)
    if isinstance(affordable, str):
        return _Judged(None, f"No sweep was run: {affordable}.")
    result = sweep_problem(
        problem,
        start,
        optimizer=optimizer,
        options=options,
        steps=affordable,
        batch_size=None if full or batches is None else batches.size,
        seeds=(0 if batches is None else batches.seed,),
        refine=False,
        progress=progress,
    )
    if result.recommended is None:
        return _Judged(None, f"A sweep was run first. {result.advice}")
    part = "" if affordable == steps else f" It was judged by the first {affordable:,} of {steps:,} steps."
    rate = recommended_rate(result.recommended, problem, optimizer, options)
    return _Judged(Rate(rate.value, rate.reason + part), "")


def recommended_rate(found: Recommendation, problem: Problem, optimizer: str, options: Mapping[str, object]) -> Rate:
    """A sweep's recommendation as ``auto`` takes it: rounded, and never more than half a limit that is known."""
    value, reason = rounded_down(found.value, 4), found.reason
    safe = _half_of_known_limit(problem, optimizer, options)
    if safe is not None and value > safe:
        value = rounded_down(safe)
        reason = f"{value:g} is half the stability limit {2 * safe:.4g}; a sweep found higher rates too. {reason}"
    return Rate(value, reason)


def _half_of_known_limit(problem: Problem, optimizer: str, options: Mapping[str, object]) -> float | None:
    """Half the limit where it holds anywhere, whatever was measured; None where there is no such limit."""
    limit = limit_at(problem, optimizer, options)
    return limit.value / 2 if limit is not None and limit.kind in (LimitKind.PROVABLE, LimitKind.ANYWHERE) else None


def _part_of_limit(
    problem: Problem, batches: Batches | None, optimizer: str, options: Mapping[str, object], start: Floats
) -> Rate | None:
    """Half the limit in full batch, a tenth of it with mini-batches; None where no limit is known beforehand."""
    if options.get("maximize"):
        return None
    name = optimizer_class(optimizer)[0].__name__
    if problem.formula is not None and problem.quadratic is None:
        return _part_of_local_limit(problem, name, options, start)
    bound = problem.curvature_bound
    if bound is None:
        return None
    full = batches is None or batches.full
    if not full and batches is not None and isinstance(problem, NeuronProblem):
        bound = sharpest_batch(problem, batches)
    limit = provable_limit(name, options, bound)
    if limit is None:
        return None
    if full:
        value = rounded_down(limit.value / 2)
        return Rate(
            value, f"{value:g} is half the stability limit {limit.value:.4g}, which is known from the curvature."
        )
    value = rounded_down(limit.value / 10)
    return Rate(
        value,
        f"{value:g} is a tenth of {limit.value:.4g}, the stability limit of the sharpest batch of the first epoch: "
        "with mini-batches the loss hovers above its bottom by an amount proportional to the rate.",
    )


def _part_of_local_limit(problem: Problem, name: str, options: Mapping[str, object], start: Floats) -> Rate | None:
    """Half of the tightest limit that is known of a formula, at its start or its lowest minimum.

    A tenth of it where no bottom is known: on ground that only falls, a large rate soon passes every number.
    """
    found = [limit_at(problem, name, options, at=at) for at in (start, problem.usual_place())]
    limits = [limit.value for limit in found if limit is not None]
    if not limits:
        return None
    part, words = (2, "half") if problem.objective.floor is not None else (10, "a tenth of")
    value = rounded_down(min(limits) / part)
    return Rate(
        value,
        f"{value:g} is {words} the stability limit {min(limits):.4g} by the curvature at the start or at the minimum "
        "that is known, whichever is tighter.",
    )
