"""``fl.fit``: the main job, end to end."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from fallline._descent import Batches, make_optimizer, make_schedule
from fallline._descent import optimizer_options as checked_options
from fallline._fit._auto import auto_rate
from fallline._fit._engines import Descent, descent_by, given_to
from fallline._fit._interruption import FitInterrupted
from fallline._fit._proposal import Notice, moments_proposal
from fallline._fit._rate import Rate
from fallline._fit._recording import Progress, record
from fallline._fit._settings import check_batches, check_counts, check_names, given_rate, is_run_file, task_of
from fallline._fit._summary import summarise
from fallline._problem import Problem
from fallline._records import Header, Run
from fallline._surroundings import plain_surroundings
from fallline._vectors import numbers
from fallline._version import VERSION

if TYPE_CHECKING:
    from fallline._data._read import TableSource
    from fallline._store import RunWriter

TEXTBOOK_RATE = 0.01


@plain_surroundings()
def fit(
    data: "TableSource | None" = None,
    *,
    target: str | None = None,
    features: list[str] | None = None,
    drop_missing: bool = False,
    standardise: bool | None = None,
    formula: str | None = None,
    learning_rate: float | str | None = None,
    epochs: int = 200,
    batch_size: int | None = None,
    optimizer: str = "SGD",
    optimizer_options: Mapping[str, object] | None = None,
    schedule: str = "",
    loss: str = "mse",
    start: Mapping[str, float] | None = None,
    seed: int = 0,
    dtype: str = "float32",
    engine: str = "loop",
    run: str | Path | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
) -> Run:
    """Train one neuron, ŷ = w·x + b, by gradient descent and record every step; or descend on a formula.

    Without ``data`` it is the textbook line: 100 points of y = 2x + 1 with noise, learning rate 0.01, x as it is.

    Args:
        data: a path (CSV, TSV, Parquet, JSON lines), any data frame, arrays (X, y), or a :class:`Table`.
        target: the column to predict; the last one unless told.
        features: the columns to predict it from; every other numeric column unless told.
        drop_missing: leave out rows with missing values instead of refusing them.
        standardise: shift and scale the features; True for data, False for the textbook line.
        formula: instead of data: ``parabola``, ``ravine``, ``rosenbrock``, ``saddle``, ``himmelblau``, ``rastrigin``,
            or arithmetic in one to ten parameters, as in ``"(w - 3)^2"``.
        learning_rate: a number, or ``"auto"`` (the default for data and formulas): what many rates, run for real, say.
        epochs: passes over the rows.
        batch_size: rows per step; all of them unless told.
        optimizer: a class of ``torch.optim``, or ``momentum``, ``nesterov``.
        optimizer_options: what that class takes beside the rate.
        schedule: ``cosine``, ``step:step_size=50,gamma=0.5`` …; constant unless told.
        loss: ``mse``, ``mae``, ``huber`` or ``bce`` (a logistic neuron, target 0 or 1).
        start: parameters before step 0 by name, in the training scale; the others start at random (a formula's at its
            own usual start).
        seed: of the textbook noise, the random start and the batches.
        dtype: ``float32`` or ``float64``.
        engine: ``loop`` (forward and backward over the rows), or ``moments``: one pass over the rows, then the same
            steps from the exact parabola that they make; full batch and ``mse`` only.
        run: the run file to write (``NAME.db``), or a folder (any other name) in which it gets the next number;
            None keeps the run in memory.
        progress: called with (steps done, steps in all, last loss) about twice a second.
        notice: called before the work begins with one sentence where another engine would do the same for much less.

    Returns:
        The recorded :class:`Run`. The program's random state and everything passed in are left as they were.

    Raises:
        DataError: the table cannot be used.
        OptionError: a setting cannot be used.
        RunFileError: the run file cannot be written.
        KeyboardInterrupt: Ctrl-C, once the run file is finished; its attribute ``run`` is what was recorded.

    >>> run = fit(epochs=5)
    >>> run.columns.loss.round(1)
    array([192.5,  19.4,   2.2,   0.5,   0.4])
    """
    check_counts(epochs, batch_size, seed)
    check_names(optimizer=optimizer, schedule=schedule, loss=loss, dtype=dtype, engine=engine)
    check_batches(batch_size, formula)
    epochs, seed = int(epochs), int(seed)  # NumPy's whole numbers are none to PyTorch
    batch_size = None if batch_size is None else int(batch_size)
    problem = given_to(
        engine,
        data,
        batch_size=batch_size,
        target=target,
        features=features,
        drop_missing=drop_missing,
        standardise=standardise,
        formula=formula,
        loss=loss,
        dtype=dtype,
        seed=seed,
    )
    model = problem.starting_model(start, seed=seed)
    batches = problem.batches(batch_size, seed)
    proposal = moments_proposal(problem, batches, engine, epochs)
    if notice is not None and proposal is not None:
        notice(proposal)
    options = checked_options(optimizer, {} if optimizer_options is None else optimizer_options)
    rate = _rate(
        learning_rate,
        data is None and formula is None,
        lambda: auto_rate(problem, batches, optimizer, options, model, epochs, schedule=schedule),
    )
    made = make_optimizer(optimizer, list(model.parameters()), rate.value, options, what=task_of(problem))
    scheduler = make_schedule(schedule, made, epochs)
    header = _header(
        problem, batches, model, made, options=options, rate=rate, schedule=schedule, epochs=epochs, seed=seed,
        engine=engine,
    )  # fmt: skip
    descent = descent_by(engine, problem, model, batches, made, epochs=epochs, scheduler=scheduler)
    return _run(problem, batches, descent, made, header, run, progress)


def _run(
    problem: Problem,
    batches: Batches | None,
    descent: Descent,
    optimizer: torch.optim.Optimizer,
    header: Header,
    path: str | Path | None,
    progress: Progress | None,
) -> Run:
    """The loop with its record, in memory or in a file."""
    sample = problem.sample()
    moments = None if problem.quadratic is None else problem.quadratic.moments
    writer: RunWriter | None = None
    if path is not None:
        from fallline._store import RunWriter as Writer  # noqa: PLC0415  (sqlite is only loaded for a file)
        from fallline._store import next_run_path  # noqa: PLC0415  (the same)

        place = Path(path)
        writer = Writer.create(
            place if is_run_file(place) else next_run_path(place, header.name), header, sample, moments
        )
        header = writer.header
    began = time.perf_counter()
    try:
        columns, interrupted = record(
            descent,
            problem,
            batches,
            np.array(header.start),
            writer=writer,
            total=header.epochs * header.steps_per_epoch,
            progress=progress,
        )
        summary = summarise(
            problem,
            header,
            columns,
            optimizer,
            interrupted=interrupted,
            seconds=time.perf_counter() - began,
        )
        if writer is not None:
            writer.finish(summary)
    finally:
        if writer is not None:
            writer.close()
    made = Run(header, columns, sample, moments, summary, path=None if writer is None else str(writer.path))
    if interrupted:
        raise FitInterrupted(made)
    return made


def _rate(given: float | str | None, textbook: bool, automatic: Callable[[], Rate]) -> Rate:
    """The learning rate asked for, checked; or the textbook's, or the one that ``auto`` finds."""
    if given is None and textbook:
        return Rate(TEXTBOOK_RATE, "")
    if given is None or given == "auto":
        return automatic()
    return Rate(given_rate(given), "")


def _header(
    problem: Problem,
    batches: Batches | None,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    options: Mapping[str, object],
    rate: Rate,
    schedule: str,
    epochs: int,
    seed: int,
    engine: str,
) -> Header:
    """Everything known before step 0."""
    start = numbers(model.parameters())
    origin = problem.origin
    return Header(
        name=problem.name,
        source=origin.source,
        source_hash=origin.source_hash,
        rows=problem.rows,
        target=origin.target,
        features=origin.features,
        parameter_names=problem.parameter_names,
        loss=problem.loss_name,
        optimizer=type(optimizer).__name__,
        optimizer_options=dict(options),
        learning_rate=rate.value,  # the optimizer's own is the schedule's by now
        learning_rate_reason=rate.reason,
        schedule=schedule,
        epochs=epochs,
        batch_size=None if problem.rows is None else problem.rows if batches is None else batches.size,
        seed=seed,
        dtype=problem.dtype,
        scaling=problem.scaling,
        start=start,
        start_loss=float(problem.objective.loss(np.array(start))[0]),
        versions={"fallline": VERSION, "torch": torch.__version__, "numpy": np.__version__},
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=origin.notes,
        formula=problem.formula,
        engine=engine,
    )
