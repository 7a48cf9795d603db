"""What a watch takes at every step, and what becomes of it. This runs in somebody's loop: every microsecond counts."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

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
from fallline._recorder._waiting import NOTHING_READ, ONCE, WaitingSteps
from fallline._records import Alarm, Event, EventKind, Logged, RecordingSummary, SameBatchSeries

BLOCK_STEPS = 1024
BLOCK_SECONDS = 0.5
"""Steps are handed over to be written after so many of them, or after so long."""
TOGETHER = 64
"""So many ordinary steps are looked at together: one by one they find the processor's caches full of other work."""
BLOCKS_WAITING = 4
"""A block takes at most one part in so many of the memory for what waits to be written."""


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
        self._only = hooks[0] if len(hooks) == 1 else None  # nearly always: spares a frame at every step
        self._row_bytes = row_bytes(sum(owners.columns))
        self._block_steps = max(1, min(BLOCK_STEPS, scribe.memory // BLOCKS_WAITING // self._row_bytes))
        self._scribe, self._pace, self._check = scribe, pace, check
        self._same_batch, self._instruments, self._fetcher = same_batch, instruments, fetcher
        self._flight, self._ending = flight, ending
        self._norms = norms
        if fetcher is not None:
            fetcher.guard = guard
        self._rows: list[Row] = []
        self._batches: dict[int, SameBatchSeries] = {}
        self._began = time.perf_counter()
        quiet = None if self._only is None else self._only.quiet
        self.waiting = WaitingSteps(first_step, self._began, guard, quiet)
        self._block_ends = self._began  # the first step makes a block of its own: an odd loop is noticed at once
        self._reads = self._busy = True
        self._look_at = first_step
        self._prepare()
        for each in self._hooks:
            each.listen(reading=each.reading, busy=True)  # the first update finds the parameters of the start
        self._busy, self._look_at = True, first_step + 1

    @property
    def last_step(self) -> int:
        """The step recorded last; 0 where there was none yet."""
        return max(0, self.waiting.step - 1)

    @property
    def alarmed(self) -> bool:
        """True once an alarm has gone off."""
        return self._flight.alarmed

    def record(self, loss: Any, closure: Callable[[], torch.Tensor] | None) -> None:
        """One step."""
        entered = time.perf_counter()
        only = self._only
        taken = [hooks.take() for hooks in self._hooks] if only is None else (only.take(),)
        given = None if loss is None else self._loss(loss)
        row = self._row(entered - self._began, given, taken)
        in_hooks = taken[0].seconds if len(taken) == 1 else sum([each.seconds for each in taken])
        if not self.waiting.keep(entered, row, in_hooks):
            self._catch_up()
            self._look_at_row(entered, row, taken, closure)
            self._let_wait()

    def _row(self, seconds: float, loss: Any, taken: Sequence[Taken]) -> Row:
        step = self.waiting.step
        self.waiting.step = step + 1
        if len(taken) == 1:  # nearly always
            updates, rates, reading, finite, _, _ = taken[0]
            once, read = ONCE if updates == 1 else (updates,), NOTHING_READ if reading is None else (reading,)
            return Row(step, seconds, loss, rates, once, read, finite)
        updates, rates, readings, finite, _, _ = zip(*taken, strict=True)
        return Row(step, seconds, loss, sum(rates, ()), updates, readings, all(finite))

    def _let_wait(self) -> None:
        """Say which of the coming steps may wait: those that set nothing off, and after which nothing is decided."""
        step = self.waiting.step
        to, until = min(step + min(TOGETHER, self._flight.calm_for), self._instruments.next), self._block_ends
        if self._busy or self._fetcher is not None:
            to = step
        elif self._pace.earliest > self._pace.now:
            until = min(until, self._pace.earliest)
        else:
            to = min(to, self._look_at - 1)
        self.waiting.let_wait(to=to, until=until, below=self._flight.calm_below)

    def _catch_up(self) -> None:
        """Look at the steps that wait."""
        rows, in_calls, in_hooks = self.waiting.end()
        if rows:
            self._rows += rows
            self._look_out_over(rows)
            self._book(rows, in_calls, in_hooks)

    @guarded("what watching costs")
    def _book(self, rows: Sequence[Row], in_calls: float, in_hooks: float) -> None:
        self._pace.ordinary([self._began + row.seconds for row in rows], in_calls, in_hooks, self._reads)

    def _look_at_row(
        self, entered: float, row: Row, taken: Sequence[Taken], closure: Callable[[], torch.Tensor] | None
    ) -> None:
        """The step just made: measure it on its own batch, take what else is due, and decide for the next one."""
        self._pace.enter(entered)
        batch = self._on_its_batch(row, closure) if closure is not None or self._busy else None
        if self._fetcher is None:
            self._accept(row, batch)
        else:
            self._fetcher.put(row, taken, batch)
            for whole in self._fetcher.arrived():
                self._accept(*whole)
        if self._busy or row.step >= self._instruments.next:
            self._now_and_then(row.step)
        if len(self._rows) >= self._block_steps or entered > self._block_ends:
            self._check.look(row.step)
            self._close_block()
        if self.guard.said:
            self.mark(row.step)
        read = self._reads
        if self.waiting.step >= self._look_at and entered >= self._pace.earliest:
            self._prepare()
        self._pace.leave(sum([one.seconds for one in taken]), read)

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
            self._check.see(rows)
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
        if self._fetcher is not None:
            if on_its_way(given):
                return given.detach().clone()
        elif type(given) is torch.Tensor and given.is_cpu and given.numel() == 1 and given.is_floating_point():
            return given.item()  # nearly always: spares three frames
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
        self._ending.see(rows, batches)

    @guarded("the alarm")
    def _look_out(self, row: Row, batch: SameBatchSeries | None) -> None:
        alarm = self._flight.see(row, batch)
        if alarm is not None:
            self._sound(alarm)
        if self._same_batch is not None and self._flight.wary:
            self._same_batch.measure_next()
            self._look_at, self._pace.earliest = self.waiting.step, 0.0

    @guarded("the alarm")
    def _look_out_over(self, rows: Sequence[Row]) -> None:
        """Of rows that are calm: none of them sounds an alarm."""
        self._flight.see_calm(rows)

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
        self._look_at = self._pace.look(self.waiting.step)
        on_its_batch, parts = self._prepare_batch(), self._prepare_instruments()
        reads = self._norms and (self._pace.due(NORMS, self.waiting.step) or bool(parts))
        self._pace.settle()
        busy = bool(on_its_batch or parts)
        if busy:
            self._look_at = self.waiting.step + 1
        if (reads, busy) != (self._reads, self._busy):
            self._reads, self._busy = reads, busy
            for hooks in self._hooks:
                hooks.listen(reading=reads, busy=busy)

    @guarded("the step on its own batch")
    def _prepare_batch(self) -> bool:
        """True where the coming step is to be measured."""
        return self._same_batch is not None and self._same_batch.prepare(self.waiting.step)

    @guarded("parts, effective rates and snapshots")
    def _prepare_instruments(self) -> bool:
        """True where the gauges have to hold the coming update."""
        return self._instruments.prepare(self.waiting.step)

    @guarded("the end of the loop", tries_again=True)
    def _let_go(self, listener: OptimizerHooks | SameBatch) -> None:
        listener.remove()

    @guarded("the last steps")
    def _hand_over_last(self) -> None:
        self.waiting.close()
        self.hand_over()

    @guarded("parts, effective rates and snapshots")
    def _take_last(self) -> None:
        self._scribe.put(*self._instruments.last(self.last_step))

    @guarded("whether the loop was recorded")
    def _look_back(self) -> None:
        self._check.look(self.last_step)
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
