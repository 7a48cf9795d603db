"""The two ways to make the steps: the loop over the rows, and the exact parabola that the rows make."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from fallline._data import gather_table
from fallline._descent import Batches
from fallline._errors import OptionError, near
from fallline._fit._moments_engine import check_moments_engine, descend_moments
from fallline._fit._plain_moments import descend_plainly, plain_rates
from fallline._problem import Problem, given_problem, make_problem_of_moments
from fallline._records import Step
from fallline._vectors import numbers

if TYPE_CHECKING:
    from fallline._data._read import TableSource

Descent = Iterator[Step]
ENGINES = ("loop", "moments")


def given_to(
    engine: str,
    data: "TableSource | None",
    *,
    batch_size: int | None,
    target: str | None,
    features: list[str] | None,
    drop_missing: bool,
    standardise: bool | None,
    formula: str | None,
    loss: str,
    dtype: str,
    seed: int,
) -> Problem:
    """The problem as an engine needs it: with its rows, or gathered in one pass over them."""
    if engine not in ENGINES:
        raise OptionError(f'There is no engine "{engine}": use loop or moments.{near(engine, list(ENGINES))}')
    if engine == "moments":
        if formula is not None:
            raise OptionError("The engine moments gathers rows, and a formula has none: leave out --engine (engine).")
        check_moments_engine(loss=loss, batch_size=batch_size)
        if data is not None:
            gathered = gather_table(data, target=target, features=features, drop_missing=drop_missing)
            check_moments_engine(loss=loss, batch_size=batch_size, rows=gathered.rows)
            return make_problem_of_moments(gathered, standardised=standardise is None or standardise, dtype=dtype)
    problem = given_problem(
        data,
        target=target,
        features=features,
        drop_missing=drop_missing,
        standardise=standardise,
        formula=formula,
        loss=loss,
        dtype=dtype,
        seed=seed,
    )
    if engine == "moments":  # the textbook line
        check_moments_engine(loss=loss, batch_size=batch_size, rows=problem.rows)
    return problem


def descent_by(
    engine: str,
    problem: Problem,
    model: torch.nn.Module,
    batches: Batches | None,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None,
    passing: bool = False,
) -> Descent:
    """The steps, made one by one as they are asked for."""
    if engine == "moments" and problem.quadratic is not None and isinstance(model, torch.nn.Linear):
        rates = plain_rates(optimizer, scheduler, epochs) if passing else None
        if rates is not None:
            return descend_plainly(np.array(numbers(model.parameters())), problem.quadratic, rates, problem.dtype)
        return descend_moments(model, problem.quadratic, optimizer, epochs=epochs, scheduler=scheduler)
    return problem.descend(model, batches, optimizer, epochs=epochs, scheduler=scheduler)
