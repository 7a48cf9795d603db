"""A problem, a rate and an optimizer: the descent with its record, in memory or in a file."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from fallline._descent import Batches, make_optimizer, make_schedule
from fallline._descent import optimizer_options as checked_options
from fallline._fit._auto import auto_rate
from fallline._fit._engines import Descent, descent_by
from fallline._fit._interruption import FitInterrupted
from fallline._fit._proposal import Notice, moments_proposal
from fallline._fit._rate import Rate
from fallline._fit._recording import Progress, record
from fallline._fit._settings import given_rate, is_run_file, task_of
from fallline._fit._summary import summarise
from fallline._problem import Problem
from fallline._records import Header, Run
from fallline._vectors import numbers
from fallline._version import VERSION

if TYPE_CHECKING:
    from fallline._store import RunWriter


def fit_problem(
    problem: Problem,
    *,
    rate: Rate | float | str | None,
    start: Mapping[str, float] | None,
    optimizer: str,
    optimizer_options: Mapping[str, object],
    schedule: str,
    epochs: int,
    batch_size: int | None,
    seed: int,
    engine: str = "loop",
    run: str | Path | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
    passing: bool = False,
) -> Run:
    """What ``fl.fit`` does once the problem is made; whoever fits one problem many times makes it once.

    Args:
        problem: what is descended on; for the engine ``moments`` a neuron with a quadratic, in full batch.
        rate: a number; None or ``auto`` for what a sweep recommends.
        start: parameters before step 0 by name, in the training scale.
        passing: the next run soon takes its place: under ``moments`` plain descent is made by its formula, without
            an optimizer's own overhead.

    The other arguments and the errors are those of :func:`fallline.fit`.

    >>> from fallline._problem import given_problem
    >>> run = fit_problem(given_problem(formula="(w - 3)^2"), rate=0.25, start={"w": 5.0}, optimizer="SGD",
    ...     optimizer_options={}, schedule="", epochs=2, batch_size=None, seed=0)
    >>> run.columns.loss
    array([4., 1.])
    """
    model = problem.starting_model(start, seed=seed)
    batches = problem.batches(batch_size, seed)
    proposal = moments_proposal(problem, batches, engine, epochs)
    if notice is not None and proposal is not None:
        notice(proposal)
    options = checked_options(optimizer, optimizer_options)
    if isinstance(rate, Rate):
        chosen = rate
    elif rate is None or rate == "auto":
        chosen = auto_rate(problem, batches, optimizer, options, model, epochs, schedule=schedule)
    else:
        chosen = Rate(given_rate(rate), "")
    made = make_optimizer(optimizer, list(model.parameters()), chosen.value, options, what=task_of(problem))
    scheduler = make_schedule(schedule, made, epochs)
    header = _header(
        problem, batches, model, made, options=options, rate=chosen, schedule=schedule, epochs=epochs, seed=seed,
        engine=engine,
    )  # fmt: skip
    descent = descent_by(engine, problem, model, batches, made, epochs=epochs, scheduler=scheduler, passing=passing)
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
