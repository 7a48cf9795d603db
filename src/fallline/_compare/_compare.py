"""``fl.compare``: optimizers from the same starts on the same problem, at one rate and each at its own best."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fallline._compare._arena import Arena
from fallline._compare._basins import ACROSS, has_basins
from fallline._compare._bottom import demand_a_lowest_loss
from fallline._compare._common_rate import common_rate, sweep_updates
from fallline._compare._contenders import entries
from fallline._compare._meter import Meter, Progress
from fallline._compare._own_arena import OwnArena
from fallline._compare._prepared import Prepared, parameters_of, prepare
from fallline._compare._record import Field, comparison_of
from fallline._compare._settings import check_numbers, check_own, seeds_of
from fallline._compare._tuning import best_rates, tune
from fallline._loss_function import LossFunction
from fallline._problem import given_problem
from fallline._records import Comparison
from fallline._surroundings import plain_surroundings
from fallline._sweep import given_objective, is_loss_function, refuse_model
from fallline._wording import STOPPED, count

if TYPE_CHECKING:
    from fallline._data._read import TableSource

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")
TRIALS = 30
SEEDS = 5


@plain_surroundings()
def compare(
    data: "TableSource | LossFunction | None" = None,
    *,
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    formula: str | None = None,
    loss: str = "mse",
    optimizers: Sequence[str] = OPTIMIZERS,
    options: Mapping[str, Mapping[str, object]] | None = None,
    epochs: int = 200,
    batch_size: int | None = None,
    rate: float | None = None,
    goal: float = 0.99,
    trials: int = TRIALS,
    seeds: int | Sequence[int] = SEEDS,
    seed: int = 0,
    start: Mapping[str, float] | Sequence[float] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare optimizers on one problem: at one common rate, and each at its own best of equally many rates.

    Without ``data`` or ``formula`` it is the textbook line of ``fl.fit``. Every optimizer runs from the same starts,
    sees the same batches and is granted the same number of trials; its best rate is chosen on other seeds than those
    that are shown. docs/semantics.md#comparing-optimizers.

    Args:
        data: as in ``fl.fit``, with ``target``, ``features``, ``drop_missing``, ``standardise`` and ``loss``; or an
            ``fl.Objective`` of any model, every step over all of its rows, from where its parameters stand.
        formula: a textbook surface instead of data: ``rosenbrock``, ``himmelblau``, ``"(w - 3)^2"`` …
        optimizers: classes of ``torch.optim``, or ``momentum``, ``nesterov``; two to twelve.
        options: of each by its name, as in ``{"adam": {"betas": (0.8, 0.99)}}``.
        epochs: passes over the rows; steps on a formula.
        batch_size: rows per step; all of them unless told.
        rate: the common rate; the one that a sweep recommends for plain SGD unless told.
        goal: the part of the excess loss that is to be removed.
        trials: rates tried for each optimizer.
        seeds: how many, or which; a seed changes the start and, with mini-batches, their order.
        seed: the first of them, and that of the textbook line's noise.
        start: parameters by name, in the training scale; the same for every seed. Of an objective also [P] numbers.
        progress: called with (updates done, updates in all, lowest loss so far) while it runs.

    Raises:
        DataError: the table cannot be used.
        OptionError: a setting cannot be used.
        KeyboardInterrupt: Ctrl-C. Once every optimizer has had its first rates, one Ctrl-C ends the tuning and what was
            found is compared, with a note that says so.

    >>> comparison = compare(formula="ravine", optimizers=("sgd", "momentum"), epochs=100)
    >>> comparison.leader.label, comparison.at_best[0].standing.value
    ('momentum', 'better')
    """
    began = time.perf_counter()
    check_numbers(epochs=epochs, batch_size=batch_size, trials=trials, goal=goal, rate=rate)
    shown, tuning = seeds_of(seeds, seed)
    refuse_model(data, "compare")
    if data is not None and is_loss_function(data):
        check_own(batch_size, target, features, standardise, formula, loss, drop_missing=drop_missing)
        arena: Arena = OwnArena(given_objective(data, None), int(epochs), None)
    else:
        table: Any = data  # what is no loss function is a table, or refused as one
        problem = given_problem(
            table, target=target, features=features, drop_missing=drop_missing, standardise=standardise,
            formula=formula, loss=loss, seed=seed,
        )  # fmt: skip
        arena = Arena(problem, int(epochs), None)
    asked = entries(optimizers, {} if options is None else options, parameters_of(arena))
    ready = prepare(arena, asked, batch_size=batch_size, start=start, seeds=shown, tuning=tuning)
    return compare_prepared(ready, rate=rate, goal=goal, trials=trials, progress=progress, began=began)


def compare_prepared(
    ready: Prepared, *, rate: float | None, goal: float, trials: int, progress: Progress | None, began: float
) -> Comparison:
    """Tune the contenders and run them, at their best rates and at the common one: the rest of ``compare``."""
    arena, asked, starts, shown, tuning = ready.arena, ready.entries, ready.starts, ready.seeds, ready.tuning_seeds
    updates = _updates(arena, len(asked), trials, len(shown), len(tuning))
    arena = replace(arena, meter=Meter(progress, updates + (sweep_updates(arena) if rate is None else 0)))
    tried = tune(arena, asked, starts.tuning, tuning, trials=trials, goal=goal)
    demand_a_lowest_loss(arena.problem, tried)
    best = best_rates(arena, tried, goal)
    made = len(tried[0].rates)
    chosen = common_rate(arena, rate, starts.shown[0], shown[0], goal, best, stopped=made < trials)
    stopped = _stopped(made, trials) if made < trials or chosen.stopped else None
    if stopped is not None:
        arena.meter.expect(2 * arena.steps * len(asked) * len(shown))
    field = Field(arena, starts, shown, tuning, made, goal, chosen.rate, chosen.reason, ready.deterministic, stopped)
    return comparison_of(field, tried, best, began)


def _stopped(made: int, trials: int) -> str:
    """What Ctrl-C has left."""
    return (
        f"{STOPPED.removesuffix('.')}: {made} of {count(trials, 'rate')} were tried for each optimizer; the runs that "
        "are shown were made with the best of them."
    )


def _updates(arena: Arena, entries: int, trials: int, shown: int, tuning: int) -> int:
    """How many updates a comparison makes, but for the sweep that finds the common rate."""
    runs = entries * (trials * tuning + 2 * shown)
    return arena.steps * (runs + (entries * ACROSS**2 if has_basins(arena.problem.objective) else 0))
