"""What a watch takes at every step, and what becomes of it. This runs in somebody's loop: every microsecond counts."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from fallline._recorder._device_gauge import is_late
from fallline._recorder._ending import Ending
from fallline._recorder._fetch import LOST, Fetcher
from fallline._recorder._flight import FlightRecorder
from fallline._recorder._given import number_or_mark
from fallline._recorder._guard import Guard, guarded
from fallline._recorder._hooks import OptimizerHooks, Taken
from fallline._recorder._instruments import IntervalInstruments
from fallline._recorder._loop_check import LoopCheck
from fallline._recorder._pace import NORMS, Pace
from fallline._recorder._rows import Owners, Row, RowsToRecords, row_bytes
from fallline._recorder._same_batch import SameBatch
from fallline._recorder._scribe import Scribe
from fallline._records import Alarm, Event, EventKind, Logged, RecordingSummary, SameBatchSeries

BLOCK_STEPS = 1024
BLOCK_SECONDS = 0.25
"""Steps are handed over to be written after so many of them, or after so long."""
TOGETHER = 16
"""So many ordinary steps are looked at together: one by one they find the processor's caches full of other work."""
BLOCKS_WAITING = 4
"""A block takes at most one part in so many of the memory for what waits to be written."""


class Fresh(NamedTuple):
    """What ``watch.step`` has taken, not yet looked at."""

    entered: float
    loss: Any
    taken: list[Taken]
    left: float


class StepRecorder:
    """Makes a row of every step, asks the instruments that are due, and hands blocks of rows to the scribe."""

    def __init__(
        self,
        hooks: Sequence[OptimizerHooks],
        owners: Owners,
        *,
        guard: Guard,
        scribe: Scribe,
        pace: Pace,
        check: LoopCheck,
        same_batch: SameBatch | None,
        instruments: IntervalInstruments,
        flight: FlightRecorder,
        ending: Ending,
        first_step: int,
        norms: bool = True,
        fetcher: Fetcher | None = None,
    ) -> None:
        """Without ``norms`` the gauges are never asked; a ``fetcher`` is for rows that are on a device."""
        self.guard = guard
        self._hooks, self._records = tuple(hooks), RowsToRecords(owners)
        self._row_bytes = row_bytes(sum(owners.columns))
        self._block_steps = max(1, min(BLOCK_STEPS, scribe.memory // BLOCKS_WAITING // self._row_bytes))
        self._scribe, self._pace, self._check = scribe, pace, check
        self._same_batch, self._instruments, self._fetcher = same_batch, instruments, fetcher
        self._flight, self._ending = flight, ending
        self._step, self._norms = first_step, norms
        if fetcher is not None:
            fetcher.guard = guard
        self._fresh: list[Fresh] = []
        self._rows: list[Row] = []
        self._batches: dict[int, SameBatchSeries] = {}
        self._began = time.perf_counter()
        self._block_ends = self._began  # the first step makes a block of its own: an odd loop is noticed at once
        self._reads = self._busy = True
        self._look_at = first_step
        self._prepare()
        for each in self._hooks:
            each.busy = True  # the first update finds the parameters of the start
        self._busy, self._look_at = True, first_step + 1

    @property
    def last_step(self) -> int:
        """The step recorded last; 0 where there was none yet."""
        return max(0, self._step + len(self._fresh) - 1)

    @property
    def alarmed(self) -> bool:
        """True once an alarm has gone off."""
        return self._flight.alarmed

    def record(self, loss: Any, closure: Callable[[], torch.Tensor] | None) -> None:
        """One step."""
        entered = time.perf_counter()
        taken = [hooks.take() for hooks in self._hooks]
        given = None if loss is None else self._loss(loss)
        fresh = self._fresh
        fresh.append(Fresh(entered, given, taken, time.perf_counter()))
        if self._busy or len(fresh) == TOGETHER or not self._is_ordinary(entered, given, taken):
            self._catch_up(closure)

    def _is_ordinary(self, entered: float, loss: Any, taken: Sequence[Taken]) -> bool:
        """True where this step sets nothing off, and nothing is to be decided for the next: it may wait."""
        following = self._step + len(self._fresh)
        return (
            (following < self._look_at or entered < self._pace.earliest)
            and following <= self._instruments.next
            and entered <= self._block_ends
            and self._fetcher is None
            and isinstance(loss, float)
            and loss <= self._flight.calm_below
            and all(each.finite for each in taken)
            and not self.guard.said
        )

    def _catch_up(self, closure: Callable[[], torch.Tensor] | None = None) -> None:
        """Look at every step that waits; the last of them may be measured on its own batch."""
        fresh, self._fresh = self._fresh, []
        if len(fresh) > 1:
            ordinary = fresh[:-1]
            entered, _, taken, left = zip(*ordinary, strict=True)
            self._pace.ordinary(entered, left, sum(one.seconds for each in taken for one in each), self._reads)
            for each in ordinary:
                self._accept(self._row(each), None)
        for each in fresh[-1:]:
            self._look_at_last(each, closure)

    def _row(self, fresh: Fresh) -> Row:
        step, self._step = self._step, self._step + 1
        if len(fresh.taken) == 1:  # nearly always
            one = fresh.taken[0]
            seconds = fresh.entered - self._began
            return Row(step, seconds, fresh.loss, one.rates, (one.updates,), (one.reading,), one.finite)
        updates, rates, readings, finite, _, _ = zip(*fresh.taken, strict=True)
        return Row(step, fresh.entered - self._began, fresh.loss, sum(rates, ()), updates, readings, all(finite))

    def _look_at_last(self, fresh: Fresh, closure: Callable[[], torch.Tensor] | None) -> None:
        """The step just made: measure it on its own batch, take what else is due, and decide for the next one."""
        self._pace.enter(fresh.entered)
        row = self._row(fresh)
        batch = self._on_its_batch(row, closure) if closure is not None or self._busy else None
        if self._fetcher is None:
            self._accept(row, batch)
        else:
            self._fetcher.put(row, fresh.taken, batch)
            for whole in self._fetcher.arrived():
                self._accept(*whole)
        if self._busy or row.step >= self._instruments.next:
            self._now_and_then(row.step)
        if len(self._rows) >= self._block_steps or fresh.entered > self._block_ends:
            self._check.look()
            self._close_block()
        if self.guard.said:
            self.mark(row.step)
        read = self._reads
        if self._step >= self._look_at and fresh.entered >= self._pace.earliest:
            self._prepare()
        self._pace.leave(sum([one.seconds for one in fresh.taken]), read)

    def hand_over(self) -> None:
        """Everything there is, waiting for a device where some of it is there."""
        self._catch_up()
        if self._fetcher is not None:
            for whole in self._fetcher.rest():
                self._accept(*whole)
        self._close_block()

    def log(self, name: str, given: Any) -> None:
        """One of the user's own numbers; one on a device travels with the rows."""
        step = self.last_step
        if self._fetcher is not None and on_its_way(given):
            self._fetcher.log(name, step, given.detach().clone())
            return
        value = number_or_mark(given, f"watch.log({name}=…)", self.guard)
        if value is None:
            return
        if self._fetcher is None:
            self._scribe.put(Logged(name, step, value))
        else:  # behind those of a device
            self._fetcher.log(name, step, value)

    def _close_block(self) -> None:
        """Hand the steps over to be written."""
        self._block_ends = time.perf_counter() + BLOCK_SECONDS
        if self._fetcher is not None and self._fetcher.lost_to is not None:
            self._scribe.miss_rows(self._fetcher.lost_to, LOST)
            self._fetcher.lost_to = None
        if self._rows:
            rows, self._rows = self._rows, []
            for row in rows:
                self._check.see(row)
            self._sum_up(rows)
            steps = rows[0].step, rows[-1].step
            self._scribe.put_rows(partial(self._records.of, rows), steps, nbytes=len(rows) * self._row_bytes)
        if self._fetcher is not None:
            self._scribe.put(*self._fetcher.take_logged())

    def mark(self, step: int) -> None:
        """Put into the record what the guard has said."""
        said, self.guard.said = self.guard.said, []
        self._scribe.put(*(Event(step, EventKind.NOTE, sentence) for sentence in said))

    def stop(self) -> None:
        """Let go of model and optimizers, and hand over the last."""
        for listener in (*self._hooks, self._same_batch):
            if listener is not None:
                self._let_go(listener)
        self._hand_over_last()
        self._take_last()
        self._look_back()

    @guarded("the summary")
    def summary(self, error: BaseException | None) -> RecordingSummary:
        """What came of the run."""
        return self._ending.summary(self._flight.alarms, self._flight.open_alarm, self._pace.cost(), error)

    def _accept(self, row: Row, batch: SameBatchSeries | None) -> None:
        """A row with all its numbers; those of a device come some steps later."""
        self._rows.append(row)
        if batch is not None:
            self._batches[row.step] = batch
        self._look_out(row, batch)

    def _loss(self, given: Any) -> Any:
        """A number of the host; where rows are fetched from a device, the tensor that holds it there."""
        if self._fetcher is not None and on_its_way(given):
            return given.detach().clone()
        return number_or_mark(given, "watch.step", self.guard)

    @guarded("the step on its own batch")
    def _on_its_batch(self, row: Row, closure: Callable[[], torch.Tensor] | None) -> SameBatchSeries | None:
        if self._same_batch is None:
            return None
        measured = self._same_batch.measure(row.step, row.loss, closure)
        if measured is not None:
            self._scribe.put(measured)
        return measured

    @guarded("the summary")
    def _sum_up(self, rows: Sequence[Row]) -> None:
        batches, self._batches = self._batches, {}
        for row in rows:
            self._ending.see(row, batches.get(row.step))

    @guarded("the alarm")
    def _look_out(self, row: Row, batch: SameBatchSeries | None) -> None:
        alarm = self._flight.see(row, batch)
        if alarm is not None:
            self._sound(alarm)
        if self._same_batch is not None and self._flight.wary:
            self._same_batch.measure_next()
            self._look_at, self._pace.earliest = self._step, 0.0

    @guarded("parts, effective rates and snapshots")
    def _now_and_then(self, step: int) -> None:
        taken = self._instruments.take(step)
        if taken:
            self._scribe.put(*taken, step=step)

    def _sound(self, alarm: Alarm) -> None:
        self._scribe.put(alarm, *self._instruments.from_before(alarm))
        self._close_block()

    def _prepare(self) -> None:
        """Decide what the coming step measures, and when to decide again."""
        for hooks in self._hooks:
            hooks.come_last()
        self._look_at = self._pace.look(self._step)
        on_its_batch, parts = self._prepare_batch(), self._prepare_instruments()
        reads = self._norms and (self._pace.due(NORMS, self._step) or bool(parts))
        busy = bool(on_its_batch or parts)
        if busy:
            self._look_at = self._step + 1
        if (reads, busy) != (self._reads, self._busy):
            self._reads, self._busy = reads, busy
            for hooks in self._hooks:
                hooks.reading, hooks.busy = reads, busy

    @guarded("the step on its own batch")
    def _prepare_batch(self) -> bool:
        """True where the coming step is to be measured."""
        return self._same_batch is not None and self._same_batch.prepare(self._step)

    @guarded("parts, effective rates and snapshots")
    def _prepare_instruments(self) -> bool:
        """True where the gauges have to hold the coming update."""
        return self._instruments.prepare(self._step)

    @guarded("the end of the loop", tries_again=True)
    def _let_go(self, listener: OptimizerHooks | SameBatch) -> None:
        listener.remove()

    @guarded("the last steps")
    def _hand_over_last(self) -> None:
        self.hand_over()

    @guarded("parts, effective rates and snapshots")
    def _take_last(self) -> None:
        self._scribe.put(*self._instruments.last(self.last_step))

    @guarded("whether the loop was recorded")
    def _look_back(self) -> None:
        self._check.look()
        self._check.at_end(sum(hooks.take().updates for hooks in self._hooks))


def on_its_way(given: Any) -> bool:
    """True for one number of a device, which must not be waited for."""
    return (
        isinstance(given, torch.Tensor)
        and is_late(given)
        and given.numel() == 1
        and not given.is_complex()
        and not given.is_meta
    )
