"""``fl.watch``: checks what it is given, lays everything out, opens the run file, and puts the watch together."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from fallline._errors import OptionError, RunFileError
from fallline._objective import Objective
from fallline._recorder._device_gauge import is_late
from fallline._recorder._ending import Ending, earlier_of
from fallline._recorder._fetch import Fetcher
from fallline._recorder._flight import FlightRecorder
from fallline._recorder._gauge import Gauge
from fallline._recorder._gauges import gauge_of
from fallline._recorder._guard import Guard, warner_for_thread
from fallline._recorder._hooks import OptimizerHooks, listened_to
from fallline._recorder._instruments import interval_instruments
from fallline._recorder._layout import Layout, lay_out
from fallline._recorder._loop_check import LoopCheck
from fallline._recorder._memory import (
    LAST_STEPS,
    NORMS,
    SAME_BATCH,
    SHARPNESS,
    WAITING,
    MemoryPlan,
    plan_memory,
    sizes_of,
)
from fallline._recorder._pace import Pace
from fallline._recorder._rows import Parts, owners, parts_of
from fallline._recorder._same_batch import SameBatch
from fallline._recorder._scribe import Scribe
from fallline._recorder._settings import (
    MEMORY,
    RING,
    SNAPSHOTS,
    Settings,
    check_resume,
    checked_model,
    checked_optimizers,
    path_of,
)
from fallline._recorder._sharpness_along import Tracked, tracked_objective
from fallline._recorder._steps import StepRecorder
from fallline._recorder._surroundings import surroundings
from fallline._recorder._watch import Watch
from fallline._records import Instruments, RecordingHeader
from fallline._run_names import RUNS
from fallline._store import RecordingWriter, next_run_path, stored_snapshots

WRAPPERS = {"OptimizedModule": "_orig_mod", "DistributedDataParallel": "module", "DataParallel": "module"}
"""Modules around somebody's model, which a record is not named after."""


def watch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
    *,
    run: str | os.PathLike[str] | None = None,
    resume: bool = False,
    resume_at: int | None = None,
    every: int | None = None,
    budget: float | None = None,
    memory: int = MEMORY,
    ring: int = RING,
    snapshots: int = SNAPSHOTS,
    objective: Objective | None = None,
    sharpness_every: int | None = None,
    quiet: bool = False,
) -> Watch:
    """Record somebody's own training loop, step by step, into one run file.

    The training stays bit for bit what it is without, and nothing of the watch ever raises into the loop: only this
    call does, before the first step, where it is given what it cannot use.

    Args:
        model: whose parameters are trained.
        optimizer: of ``torch.optim`` or a class of your own derived from it; several as a list.
        run: the run file to write; ``runs/NNNN-<model>.db`` unless told. Its folder is made where
            only that is missing.
        resume: go on with an existing run file after its last step; it is made where there is none.
        resume_at: the step from which it goes on instead, where training restarts from an earlier checkpoint.
        every: with a closure, measure the step on its own batch every so many steps; by a schedule unless told.
        budget: the share of the loop's time that measuring may take, 0.02 for 2 %; the instruments are spaced by it.
            The record then depends on the clock; the training does not.
        memory: bytes that the buffers may take; what does not fit is not measured, and the record says so.
        ring: depth of the flight recorder, in steps.
        snapshots: bytes that the parameter snapshots may take in the run file.
        objective: of the same model: its sharpness, and the optimizer's stability limit, are tracked along the run.
        sharpness_every: track them every so many steps; by a schedule unless told.
        quiet: do not say at the end what happened.

    Raises:
        OptionError: a setting, the model or the optimizer cannot be used.
        RunFileError: the run file exists already, or cannot be written.

    >>> import tempfile, torch, fallline as fl
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with fl.watch(model, optimizer, run=f"{folder}/first.db", quiet=True) as watch:
    ...         for _ in range(3):
    ...             optimizer.zero_grad()
    ...             loss = model(torch.ones(8, 2)).square().mean()
    ...             loss.backward()
    ...             optimizer.step()
    ...             watch.step(loss)
    ...     fl.load(watch.path)
    <Recording linear: SGD, 3 steps, ended>
    """
    settings = Settings(every, budget, memory, ring, snapshots, sharpness_every)
    check_resume(run, resume, resume_at)
    optimizers = checked_optimizers(optimizer)
    _check_free(optimizers)
    place = _Place(None if run is None else path_of(run), resume, resume_at)
    return _begun(checked_model(model), optimizers, settings, place, objective, quiet=quiet)


class _Place(NamedTuple):
    """Where the record is written, and whether it goes on there."""

    path: Path | None
    """None for the next free name."""
    resume: bool
    resume_at: int | None

    def opened(self, header: RecordingHeader) -> RecordingWriter:
        """The run file, begun or gone on with.

        Raises:
            RunFileError: it exists already, holds another run, or cannot be written.
        """
        path = next_run_path(RUNS, header.name) if self.path is None else self.path
        try:
            if self.resume:
                return RecordingWriter.resume(path, header, self.resume_at)
            return RecordingWriter.create(path, header)
        except RunFileError as problem:
            raise problem from None  # SQLite's own words add nothing to the sentence


def _begun(
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    settings: Settings,
    place: _Place,
    objective: Objective | None,
    *,
    quiet: bool,
) -> Watch:
    """Lay everything out and open the file; from the hooks on nothing here raises, or they would stay."""
    layout = lay_out(model, optimizers)
    tracked = tracked_objective(objective, layout.tensors, settings)
    guard, pace = Guard(), Pace(settings.every, settings.budget, settings.sharpness_every)
    on_its_batch = SameBatch(model, layout.tensors, pace, guard)
    parts = parts_of(layout)
    sizes = sizes_of(
        layout.tensors,
        parts=len(parts.layer),
        same_batch=on_its_batch.bytes_needed,
        sharpness=None if tracked is None else tracked.bytes_needed,
    )
    plan = plan_memory(sizes, settings.memory, ring=settings.ring, snapshots=settings.snapshots)
    header = _header(model, optimizers, layout, settings, plan, tracked)
    gauges = [
        _gauge(layout, parts, layout.of_optimizer(which) if plan.has(NORMS) else (), each)
        for which, each in enumerate(optimizers)
    ]
    writer = place.opened(header)
    earlier, stored = (earlier_of(writer.path), stored_snapshots(writer.path)) if place.resume else (None, ())
    scribe = Scribe(writer, memory=plan.bytes[WAITING], warn=warner_for_thread())
    hooks = [OptimizerHooks(each, gauge, guard) for each, gauge in zip(optimizers, gauges, strict=True)]
    same_batch = on_its_batch if plan.has(SAME_BATCH) else None
    if same_batch is not None:
        for each in hooks:
            each.before.append(same_batch.before_update)
    interval = interval_instruments(
        layout, optimizers, hooks, settings, plan, pace=pace, guard=guard, first_step=writer.next_step,
        stored=stored,
        sharpness=tracked.along(optimizers, pace, guard) if tracked is not None and plan.has(SHARPNESS) else None,
    )  # fmt: skip
    held = owners(gauges, parts.layer)
    flight = FlightRecorder(
        header,
        held,
        depth=settings.ring if plan.has(LAST_STEPS) else 1,
        kept_before=interval.kept_before,
        mark=scribe.put,
    )
    ending = Ending(quiet=quiet, path=str(writer.path), optimizers=len(optimizers), earlier=earlier)
    steps = StepRecorder(
        hooks,
        held,
        guard=guard,
        scribe=scribe,
        pace=pace,
        check=LoopCheck(model, optimizers, layout, guard),
        same_batch=same_batch,
        instruments=interval,
        flight=flight,
        ending=ending,
        first_step=writer.next_step,
        norms=plan.has(NORMS),
        fetcher=Fetcher() if any(map(is_late, layout.tensors)) else None,
    )
    return Watch(steps, guard=guard, scribe=scribe, ending=ending)


def _header(
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    layout: Layout,
    settings: Settings,
    plan: MemoryPlan,
    tracked: Tracked | None,
) -> RecordingHeader:
    kind = _kind(model)
    return RecordingHeader(
        name=kind.lower(),
        model=kind,
        optimizers=tuple(type(each).__name__ for each in optimizers),
        groups=layout.groups,
        layers=layout.layers,
        parameters=layout.parameters,
        surroundings=surroundings(layout.tensors[0].device),
        instruments=Instruments(
            every=settings.every,
            budget=settings.budget,
            memory=settings.memory,
            memory_used=plan.total,
            ring=settings.ring,
            snapshot_bytes=settings.snapshots,
            left_out=plan.left_out,
            objective=None if tracked is None else tracked.words,
            sharpness_every=settings.sharpness_every,
        ),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=layout.notes,
    )


def _kind(model: nn.Module) -> str:
    """The class of the model that somebody wrote, inside what it was compiled or distributed with."""
    inner = getattr(model, WRAPPERS.get(type(model).__name__, ""), None)
    return _kind(inner) if isinstance(inner, nn.Module) else type(model).__name__


def _gauge(layout: Layout, parts: Parts, held: Sequence[int], optimizer: torch.optim.Optimizer) -> Gauge:
    """Of these tensors; of none where there is no room for the norms."""
    return gauge_of([layout.tensors[k] for k in held], [parts.of_tensor[k] for k in held], optimizer)


def _check_free(optimizers: Sequence[torch.optim.Optimizer]) -> None:
    """Refuse a second watch on the same optimizer.

    Raises:
        OptionError: it is watched already.
    """
    for optimizer in optimizers:
        if listened_to(optimizer):
            raise OptionError(
                f"This {type(optimizer).__name__} is watched already: close the first watch before a second one."
            )
