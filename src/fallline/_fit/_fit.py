"""``fl.fit``: the main job, end to end."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from fallline._data import Table, line, read_table
from fallline._descent import Batches, descend, make_optimizer, make_schedule
from fallline._descent import optimizer_options as checked_options
from fallline._errors import OptionError
from fallline._fit._auto import Rate, auto_rate
from fallline._fit._interruption import FitInterrupted
from fallline._fit._recording import Progress, record
from fallline._fit._settings import check_counts, check_names, given_rate, is_run_file
from fallline._fit._summary import summarise
from fallline._fit._surroundings import plain_surroundings
from fallline._problem import Problem, make_problem, starting_neuron
from fallline._records import Header, Run
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
    run: str | Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train one neuron, ŷ = w·x + b, by gradient descent and record every step.

    Without ``data`` it is the textbook line: 100 points of y = 2x + 1 with noise, learning rate 0.01, x as it is.

    Args:
        data: a path (CSV, TSV, Parquet, JSON lines), any data frame, arrays (X, y), or a :class:`Table`.
        target: the column to predict; the last one unless told.
        features: the columns to predict it from; every other numeric column unless told.
        drop_missing: leave out rows with missing values instead of refusing them.
        standardise: shift and scale the features; True for data, False for the textbook line.
        learning_rate: a number, or ``"auto"`` (the default for data): half the stability limit where it can be proved,
            else the best of a few real runs.
        epochs: passes over the rows.
        batch_size: rows per step; all of them unless told.
        optimizer: a class of ``torch.optim``, or ``momentum``, ``nesterov``.
        optimizer_options: what that class takes beside the rate.
        schedule: ``cosine``, ``step:step_size=50,gamma=0.5`` …; constant unless told.
        loss: ``mse``, ``mae``, ``huber`` or ``bce`` (a logistic neuron, target 0 or 1).
        start: parameters before step 0 by name, in the training scale; the others start at random.
        seed: of the textbook noise, the random start and the batches.
        dtype: ``float32`` or ``float64``.
        run: the run file to write (``NAME.db``), or a folder (any other name) in which it gets the next number;
            None keeps the run in memory.
        progress: called with (steps done, steps in all, last loss) about twice a second.

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
    textbook = data is None
    if textbook and (target is not None or features is not None):
        raise OptionError("A target or features were named without a table: name the table as well.")
    check_counts(epochs, batch_size, seed)
    check_names(optimizer=optimizer, schedule=schedule, loss=loss, dtype=dtype)
    epochs, seed = int(epochs), int(seed)  # NumPy's whole numbers are none to PyTorch
    batch_size = None if batch_size is None else int(batch_size)
    table = (
        line(seed=seed)
        if data is None
        else read_table(data, target=target, features=features, drop_missing=drop_missing)
    )
    problem = make_problem(
        table, loss=loss, standardised=not textbook if standardise is None else standardise, dtype=dtype
    )
    model = starting_neuron(problem, start, seed=seed, dtype=dtype, drawn=table.drawn if table.seed == seed else 0)
    batches = Batches(problem.features, problem.target, size=batch_size, seed=seed)
    options = checked_options(optimizer, {} if optimizer_options is None else optimizer_options)
    rate = _rate(
        learning_rate,
        textbook,
        lambda: auto_rate(problem, batches, optimizer, options, model, epochs, schedule=schedule),
    )
    made = make_optimizer(optimizer, list(model.parameters()), rate.value, options)
    scheduler = make_schedule(schedule, made, epochs)
    header = _header(
        table, problem, batches, model, made, options=options, rate=rate, schedule=schedule, epochs=epochs, seed=seed
    )
    return _run(problem, batches, model, made, scheduler, header, run, progress)


def _run(
    problem: Problem,
    batches: Batches,
    model: torch.nn.Linear,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None,
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
        from fallline._store import next_run_path  # noqa: PLC0415

        place = Path(path)
        writer = Writer.create(
            place if is_run_file(place) else next_run_path(place, header.name), header, sample, moments
        )
        header = writer.header
    began = time.perf_counter()
    try:
        steps = descend(model, problem.loss_fn(), batches, optimizer, epochs=header.epochs, scheduler=scheduler)
        columns, interrupted = record(
            steps,
            problem,
            batches,
            np.array(header.start),
            writer=writer,
            total=header.epochs * batches.per_epoch,
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
    table: Table,
    problem: Problem,
    batches: Batches,
    model: torch.nn.Linear,
    optimizer: torch.optim.Optimizer,
    *,
    options: Mapping[str, object],
    rate: Rate,
    schedule: str,
    epochs: int,
    seed: int,
) -> Header:
    """Everything known before step 0."""
    start = (*model.weight.detach()[0].tolist(), model.bias.item())
    return Header(
        name=table.name,
        source=table.source,
        source_hash=table.source_hash,
        rows=problem.rows,
        target=table.target_name,
        features=table.feature_names,
        parameter_names=problem.parameter_names,
        loss=problem.kind.name,
        optimizer=type(optimizer).__name__,
        optimizer_options=dict(options),
        learning_rate=rate.value,  # the optimizer's own is the schedule's by now
        learning_rate_reason=rate.reason,
        schedule=schedule,
        epochs=epochs,
        batch_size=batches.size,
        seed=seed,
        dtype=str(problem.features.dtype).removeprefix("torch."),
        scaling=problem.scaling,
        start=start,
        start_loss=float(problem.objective.loss(start)[0]),
        versions={
            "fallline": VERSION,
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=table.notes,
    )
