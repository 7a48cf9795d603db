"""``fl.sweep``: from what a person gives to a sweep."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from fallline._descent import optimizer_class
from fallline._descent import optimizer_options as checked_options
from fallline._errors import OptionError, near
from fallline._loss_function import LossFunction
from fallline._problem import SweptProblem, given_problem
from fallline._ramp import ramp_given
from fallline._records import Ramp, SweepResult
from fallline._surroundings import plain_surroundings
from fallline._sweep._given import given_objective, is_loss_function, refuse_model, starting_vector
from fallline._sweep._rates import given_rates
from fallline._sweep._runs import Progress
from fallline._sweep._sweep import sweep_problem

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike

    from fallline._data._read import TableSource

GOAL, EPOCHS = 0.99, 200
CLOSEST_GOAL = 1e-9
"""A goal nearer to 1 than this asks for digits that a loss does not have."""


@overload
def sweep(
    data: "TableSource | LossFunction | None" = None,
    *,
    method: Literal["runs"] = "runs",
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    formula: str | None = None,
    loss: str = "mse",
    optimizer: str = "SGD",
    optimizer_options: Mapping[str, object] | None = None,
    learning_rates: "str | float | Sequence[float] | ArrayLike | None" = None,
    goal: float = GOAL,
    epochs: int = EPOCHS,
    batch_size: int | None = None,
    seeds: int | None = None,
    start: Mapping[str, float] | Sequence[float] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> SweepResult: ...


@overload
def sweep(
    data: "torch.nn.Module | TableSource | None" = None,
    loss_fn: Any = None,
    loader: Any = None,
    *,
    method: Literal["ramp"],
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    loss: str = "mse",
    optimizer: "str | torch.optim.Optimizer" = "SGD",
    optimizer_options: Mapping[str, object] | None = None,
    learning_rates: "str | Sequence[float] | ArrayLike | None" = None,
    batch_size: int | None = None,
    seeds: int | None = None,
    start: Mapping[str, float] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Ramp: ...


@plain_surroundings()
def sweep(
    data: Any = None,
    loss_fn: Any = None,
    loader: Any = None,
    *,
    method: str = "runs",
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    formula: str | None = None,
    loss: str = "mse",
    optimizer: Any = "SGD",
    optimizer_options: Mapping[str, object] | None = None,
    learning_rates: "str | float | Sequence[float] | ArrayLike | None" = None,
    goal: float = GOAL,
    epochs: int = EPOCHS,
    batch_size: int | None = None,
    seeds: int | None = None,
    start: Any = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> SweepResult | Ramp:
    """Run many learning rates for real, name their zones, recommend one or say why none is safe.

    Args:
        data: as for :func:`fallline.fit`, or any loss function (``parameter_count``, ``optimum``, ``floor``,
            ``loss``, ``gradient``, ``hessian``, ``change``); nothing is the textbook line. For a ramp also a model.
        loss_fn: of a model, for a ramp.
        loader: of a model, for a ramp: a pair of tensors, a list of batches, or anything iterable again and again.
        method: ``runs``, each rate from the start to the end; or ``ramp``, the range test: the rate raised from batch
            to batch (docs/semantics.md#ramp). It takes no formula, goal or epochs.
        target: the column to predict; the last one unless told.
        features: the columns to predict it from; every other numeric column unless told.
        drop_missing: leave out rows with missing values instead of refusing them.
        standardise: shift and scale the features; True for data, False for the textbook line.
        formula: a surface instead of a table: its name, or arithmetic such as ``"(w - 3)^2"``.
        loss: ``mse``, ``mae``, ``huber`` or ``bce``.
        optimizer: a class of ``torch.optim``, or ``momentum``, ``nesterov``; of a model its own optimizer.
        optimizer_options: what that class takes beside the rate.
        learning_rates: ``"LOW:HIGH:COUNT"`` (spaced evenly in the logarithm) or the rates themselves (a list, an array,
            a tensor, one number); unless told, a thousandth to three times the stability limit, or a range that is
            widened until both its ends are seen.
        goal: the part of the excess loss that is to be removed, between 0 and 1.
        epochs: of each run.
        batch_size: rows per step; all of them unless told.
        seeds: how many starts and orders of the batches to run, from ``seed`` on; 1 unless told, 3 for a ramp.
        start: parameters before step 0 by name, the others at random; [P] numbers for a loss function.
        seed: of the textbook noise, the random start and the batches.
        progress: called with (updates done, updates planned, lowest loss so far) about twice a second.

    Returns:
        A frozen :class:`SweepResult`, of a ramp a :class:`Ramp`; everything passed in and the program's
        random state are left as they were.

    Raises:
        DataError: the table cannot be used.
        OptionError: a setting cannot be used.

    >>> result = sweep(learning_rates="0.001:0.1:9")
    >>> result.recommended.value, [f"{span.name} to {span.high:.3g}" for span in result.zones]
    (0.01, ['too small to 0.00316', 'just right to 0.0178', 'diverging to 0.1'])
    """
    check_settings(goal, epochs, batch_size, 1 if seeds is None else seeds, seed)
    if method != "runs":
        check_ramp(method, goal, epochs)
        return ramp_given(
            data,
            loss_fn,
            loader,
            optimizer=optimizer,
            options=optimizer_options,
            rates=None if learning_rates is None else given_rates(learning_rates),
            seeds=seeds,
            seed=seed,
            progress=progress,
            batch_size=batch_size,
            start=start,
            target=target,
            features=features,
            drop_missing=drop_missing,
            standardise=standardise,
            formula=formula,
            loss=loss,
        )
    if loss_fn is not None or loader is not None:
        raise OptionError('loss_fn and loader are for method="ramp"; for runs give fl.Objective(model, loss_fn, data).')
    refuse_model(data, "sweep")
    options = checked_options(optimizer, {} if optimizer_options is None else optimizer_options)
    rates = None if learning_rates is None else given_rates(learning_rates)
    name = optimizer_class(optimizer)[0].__name__
    chosen_seeds = tuple(range(int(seed), int(seed) + int(1 if seeds is None else seeds)))
    if data is not None and is_loss_function(data):
        problem: SweptProblem = given_objective(data, batch_size)
        starts = np.array([starting_vector(problem, start)] * len(chosen_seeds))
    else:
        if batch_size is not None and formula is not None:
            raise OptionError("A formula has no rows: leave out --batch-size (batch_size).")
        problem = given_problem(
            data,
            target=target,
            features=features,
            drop_missing=drop_missing,
            standardise=standardise,
            formula=formula,
            loss=loss,
            seed=int(seed),
        )
        point = problem.starting_point
        starts = np.array([point(start, seed=each) for each in chosen_seeds])
    return sweep_problem(
        problem,
        starts,
        optimizer=name,
        options=options,
        steps=int(epochs) * steps_per_epoch(problem.rows, batch_size),
        rates=rates,
        goal=float(goal),
        batch_size=None if batch_size is None else int(batch_size),
        seeds=chosen_seeds,
        progress=progress,
    )


def steps_per_epoch(rows: int | None, batch_size: int | None) -> int:
    """Updates in one pass over the rows.

    >>> steps_per_epoch(100, 32), steps_per_epoch(100, None), steps_per_epoch(None, None)
    (4, 1, 1)
    """
    return 1 if rows is None or batch_size is None else -(-rows // int(batch_size))


def check_settings(goal: float, epochs: int, batch_size: int | None, seeds: int, seed: int) -> None:
    """Refuse numbers that are out of range before any work."""
    if not isinstance(goal, Real) or not 0 < float(goal) <= 1 - CLOSEST_GOAL:
        raise OptionError(
            f"The goal is the part of the excess loss to remove, above 0 and below 1 (0.99 is 99 %), not {goal}."
        )
    for count, what in ((epochs, "number of epochs"), (seeds, "number of seeds"), (batch_size, "batch size")):
        if count is not None and (not isinstance(count, Integral) or isinstance(count, bool) or count < 1):
            raise OptionError(f"The {what} must be a whole number, 1 or more, not {count}.")
    if not isinstance(seed, Integral) or not -(2**62) <= seed < 2**62:
        raise OptionError(f"The seed must be a whole number of at most 62 bits, not {seed}.")


def check_ramp(method: str, goal: float, epochs: int) -> None:
    """Refuse what is no method, and for a ramp what speaks of whole runs."""
    if method != "ramp":
        raise OptionError(f'method is "runs" or "ramp", not {method!r}.{near(str(method), ["runs", "ramp"])}')
    if goal != GOAL or epochs != EPOCHS:
        raise OptionError("A ramp has neither a goal nor epochs: its length is the number of its learning rates.")
