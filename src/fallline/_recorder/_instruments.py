"""What is measured now and then: parts of the update, effective rates, snapshots of the parameters, sharpness."""

import math
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from fallline._recorder import _memory as memory
from fallline._recorder._effective import effective_of
from fallline._recorder._guard import Guard, guarded
from fallline._recorder._hooks import OptimizerHooks
from fallline._recorder._layout import Layout
from fallline._recorder._memory import MemoryPlan
from fallline._recorder._pace import PARTS as PARTS_OF_UPDATE
from fallline._recorder._parts_of_update import SUMS, Array
from fallline._recorder._settings import Settings
from fallline._recorder._sharpness_along import SharpnessAlong
from fallline._recorder._snapshot_keeper import Snapshots
from fallline._recorder._snapshots import Allowance, Copies, arrival
from fallline._recorder._split_update import UpdateSplitter
from fallline._recorder._taken import Pacing, Taken
from fallline._records import PARTS, Alarm, EffectiveSeries, Floats, Integers, PartSeries

_SPLITTING = "the parts of an update"


class Holder(Protocol):
    """An optimizer's hooks."""

    @property
    def holds(self) -> bool:
        """True where the gauge holds the update just made."""


class PartsOfUpdates:
    """Splits the updates of the steps that are due; a due step without an update hands it on to the next."""

    def __init__(
        self,
        hooks: Sequence[Holder],
        splitters: Sequence[UpdateSplitter],
        layers: Sequence[Integers],
        count: int,
        *,
        pace: Pacing,
        guard: Guard,
    ) -> None:
        """For each optimizer its hooks, its splitter, and [tensors] the layer of each tensor, of ``count`` layers."""
        self.guard = guard
        self.due = False
        self._off = False
        self._hooks, self._splitters, self._layers = tuple(hooks), tuple(splitters), tuple(layers)
        self._count, self._pace = count, pace
        self._measured: dict[int, Array] = {}

    def prepare(self, step: int) -> bool:
        """True where the coming step is measured: the gauges have to hold it."""
        if not self.due and not self._off:
            self.due = self._pace.due(PARTS_OF_UPDATE, step)
        return self.due

    def _switch_off(self) -> None:
        self._off, self.due, self._measured = True, False, {}

    def measure(self, which: int) -> None:
        """Split the update that optimizer ``which`` has just made; of several in one row the last counts."""
        if not self._hooks[which].holds:
            return
        began = time.perf_counter()
        self._split(which)
        self._pace.spent(PARTS_OF_UPDATE, time.perf_counter() - began)
        if not self.guard.works(_SPLITTING):
            self._switch_off()

    @guarded(_SPLITTING)
    def _split(self, which: int) -> None:
        self._measured[which] = self._splitters[which].split()

    def take(self, step: int) -> Sequence[Taken]:
        """What was measured at this step."""
        if not self._measured:
            return ()
        taken = self._taken(step)
        if taken is None:
            self._switch_off()
        return taken or ()

    @guarded(_SPLITTING)
    def _taken(self, step: int) -> Sequence[Taken]:
        measured, self._measured, self.due = self._measured, {}, False
        wait = arrival([block for block in measured.values() if isinstance(block, torch.Tensor)])
        if wait is None:
            return self._rows(step, measured)
        return (partial(self._rows_of_device, wait, step, measured),)

    def _rows_of_device(self, wait: Callable[[], None], step: int, measured: dict[int, Array]) -> Sequence[Any]:
        """Called beside the loop."""
        return self._rows_arrived(wait, step, measured) or ()

    @guarded(_SPLITTING)
    def _rows_arrived(self, wait: Callable[[], None], step: int, measured: dict[int, Array]) -> Sequence[Any]:
        wait()
        return self._rows(step, measured)

    def _rows(self, step: int, measured: dict[int, Array]) -> Sequence[PartSeries | EffectiveSeries]:
        host = {which: _on_host(block) for which, block in measured.items()}
        nothing = [np.zeros((len(layer), SUMS)) for layer in self._layers]
        blocks = [host.get(which, nothing[which]) for which in range(len(self._layers))]
        parts = parts_of(step, blocks, [which in host for which in range(len(blocks))])
        effective = effective_of(step, [block[:, SUMS - 2 :] for block in blocks], self._layers, self._count)
        return (parts,) if effective is None else (parts, effective)


def parts_of(step: int, sums: Sequence[Floats], measured: Sequence[bool]) -> PartSeries:
    """One row of lengths and shares; an update of 0 has none.

    Args:
        step: of the record.
        sums: for each optimizer [tensors, SUMS].
        measured: for each optimizer.
    """
    count = len(PARTS)
    totals = np.stack([block.sum(axis=0) for block in sums])
    with np.errstate(all="ignore"):
        norm = np.sqrt(totals[:, :count])
        share = totals[:, count : 2 * count] / totals[:, 2 * count, None]
    seen = np.array(measured, dtype=np.bool_) & (totals[:, 2 * count] != 0)
    return PartSeries(np.array([step]), norm[None], np.where(seen[:, None], share, 0.0)[None], seen[None])


class IntervalInstruments:
    """Everything that needs more than the sums of a step; each part is None where it has no room."""

    def __init__(
        self,
        parts: PartsOfUpdates | None = None,
        snapshots: Snapshots | None = None,
        sharpness: SharpnessAlong | None = None,
    ) -> None:
        self._parts, self._snapshots, self._sharpness = parts, snapshots, sharpness
        self._waiting: list[Taken] = []
        self._started = False

    @property
    def next(self) -> float:
        """Neither a snapshot nor the sharpness is due before this step."""
        snapshot = math.inf if self._snapshots is None else self._snapshots.next
        return snapshot if self._sharpness is None else min(snapshot, self._sharpness.next)

    def prepare(self, step: int) -> bool:
        """Decide what the coming step measures; True where the gauges have to hold it."""
        if self._sharpness is not None:
            self._sharpness.prepare(step)
        return self._parts is not None and self._parts.prepare(step)

    def before_update(self) -> None:
        """Called before every optimizer's update: the first one finds the parameters of the start."""
        if not self._started:
            self._started = True
            if self._snapshots is not None:
                self._waiting += self._snapshots.start() or ()

    def after_update(self, which: int) -> None:
        """Called after an update of optimizer ``which``, with the gauge still holding it."""
        if self._parts is not None and self._parts.due:
            self._parts.measure(which)

    def take(self, step: int) -> Sequence[Taken]:
        """What was measured at this step, and a snapshot where one is due."""
        taken: Sequence[Taken] = ()
        if self._waiting:
            taken, self._waiting = self._waiting, []
        if self._parts is not None and self._parts.due:
            taken = (*taken, *self._parts.take(step))
        if self._snapshots is not None and step >= self._snapshots.next and self._started:
            taken = (*taken, *(self._snapshots.take(step) or ()))
        if self._sharpness is not None and step >= self._sharpness.next and self._started:
            taken = (*taken, *self._sharpness.take(step))
        return taken

    def last(self, step: int) -> Sequence[Taken]:
        """What the record should end with: a last snapshot."""
        taken, self._waiting = tuple(self._waiting), []
        if self._snapshots is None or not self._started:
            return taken
        return (*taken, *(self._snapshots.last(step) or ()))

    def kept_before(self, first_step: int) -> int | None:
        """The step of the parameters held from before ``first_step``: an alarm's ``snapshot_step``."""
        return None if self._snapshots is None else self._snapshots.kept_before(first_step)

    def from_before(self, alarm: Alarm) -> Sequence[Taken]:
        """The parameters kept from before an alarm, of its ``snapshot_step``."""
        return () if self._snapshots is None else self._snapshots.from_before(alarm.snapshot_step) or ()


def _on_host(block: Array) -> Floats:
    return block if isinstance(block, np.ndarray) else np.asarray(block.cpu().double().numpy())


def interval_instruments(
    layout: Layout,
    optimizers: Sequence[torch.optim.Optimizer],
    hooks: Sequence[OptimizerHooks],
    settings: Settings,
    plan: MemoryPlan,
    *,
    pace: Pacing,
    guard: Guard,
    first_step: int,
    stored: Collection[int] = (),
    sharpness: SharpnessAlong | None = None,
) -> IntervalInstruments:
    """Those that have room, listening to the optimizers' hooks; ``stored``: the snapshots that the file holds."""
    held = [layout.of_optimizer(which) for which in range(len(optimizers))]
    parts = None
    if plan.has(memory.PARTS):
        splitters = [
            UpdateSplitter(optimizer, [layout.tensors[k] for k in indices], listening.gauge)
            for optimizer, indices, listening in zip(optimizers, held, hooks, strict=True)
        ]
        layers = [np.array([layout.parameters[k].layer for k in indices], dtype=np.int64) for indices in held]
        parts = PartsOfUpdates(hooks, splitters, layers, len(layout.layers), pace=pace, guard=guard)
    snapshots = None
    if plan.has(memory.SNAPSHOTS):
        copies = Copies(layout.tensors, [info.name for info in layout.parameters])
        allowance = Allowance(settings.snapshots, copies.size)
        spacing = settings.ring if plan.has(memory.RECENT) else None
        snapshots = Snapshots(
            copies, allowance, spacing=spacing, pace=pace, guard=guard, first_step=first_step, stored=stored
        )
    instruments = IntervalInstruments(parts, snapshots, sharpness)
    for which, listening in enumerate(hooks):
        listening.before.append(instruments.before_update)
        listening.after.append(partial(instruments.after_update, which))
    return instruments
