"""The flight recorder: the last steps in a ring, and the alarm; docs/semantics.md#alarms."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from fallline._recorder._broken import taken_apart
from fallline._recorder._evidence import evidence_of
from fallline._recorder._evidence_limit import measured_before
from fallline._recorder._first_steps import great_update
from fallline._recorder._lookout import Lookout, Spike, rate_rose
from fallline._recorder._recent_range import WINDOW
from fallline._recorder._ring import flight_of
from fallline._recorder._rows import Owners, Row
from fallline._records import Alarm, Event, EventKind, RecordingHeader, SameBatchSeries, Trigger
from fallline._wording import layer_in_words, number, rough

MOST_ALARMS: Final = 20
"""Alarms of one run that are kept with their story."""
MOST_SPIKES: Final = 20
"""Leaps of the loss without an alarm that are marked."""
BATCHES_KEPT: Final = 64
"""Measurements on a step's own batch that an alarm can look back at."""


class FlightRecorder:
    """Sees every row; answers with an alarm where something broke.

    Args:
        header: of the recording.
        owners: which layer each piece of a reading belongs to.
        depth: of the ring, in steps.
        kept_before: the step of the parameters kept from before a step; None where there are none.
        mark: takes the marks for the record.
    """

    def __init__(
        self,
        header: RecordingHeader,
        owners: Owners,
        *,
        depth: int,
        kept_before: Callable[[int], int | None],
        mark: Callable[[Event], object],
    ) -> None:
        self.alarms: list[Alarm] = []
        self._header, self._owners = header, owners
        self._kept_before, self._mark = kept_before, mark
        self._ring: deque[Row] = deque(maxlen=depth)
        self._batches: deque[SameBatchSeries] = deque(maxlen=BATCHES_KEPT)
        self._lookout = Lookout(self._rate_rose, self._moved)
        self._full = False
        self._spikes = 0

    @property
    def alarmed(self) -> bool:
        """True once an alarm has gone off."""
        return bool(self.alarms)

    @property
    def open_alarm(self) -> Alarm | None:
        """The alarm of a run that has not been ordinary since; None where it has, or where there were too many."""
        if not self._lookout.still_broken:
            return None
        return next((alarm for alarm in self.alarms if alarm.step == self._lookout.since), None)

    @property
    def wary(self) -> bool:
        """True where the last loss was so high that an alarm may be near: a time to measure more often."""
        return self._lookout.wary

    @property
    def calm_below(self) -> float:
        """A finite row with a finite loss up to this one sets nothing off: it may be seen later, in order."""
        return self._lookout.calm_below

    def see(self, row: Row, batch: SameBatchSeries | None) -> Alarm | None:
        """The alarm that this row sets off, if it does."""
        self._ring.append(row)
        if batch is not None:
            self._batches.append(batch)
        trigger = self._lookout.see(row.step, row.loss, row.finite)
        if trigger is not None:
            return self._sound(row, trigger)
        if self._lookout.since is not None:
            self._tell_its_end(row)
        elif self._lookout.spike is not None:
            self._tell_spike(self._lookout.spike)
        return None

    @property
    def calm_for(self) -> int:
        """So many rows that set nothing off may be seen together: after them :attr:`calm_below` is another."""
        return self._lookout.calm_for

    def see_calm(self, rows: Sequence[Row]) -> None:
        """As :meth:`see`, of no more than :attr:`calm_for` finite rows with a loss up to :attr:`calm_below`."""
        if self._lookout.see_calm([row.loss for row in rows if row.loss is not None]):
            self._ring.extend(rows)
            return
        for row in rows:
            self.see(row, None)

    def _sound(self, row: Row, trigger: Trigger) -> Alarm | None:
        if len(self.alarms) == MOST_ALARMS:
            self._say_full(row.step)
            return None
        alarm = self._story(row, self._refined(trigger, row))
        self.alarms.append(alarm)
        self._mark(Event(row.step, EventKind.ALARM, self._said(row, alarm)))
        return alarm

    def _story(self, row: Row, trigger: Trigger) -> Alarm:
        rows, batches = list(self._ring), list(self._batches)
        names = [layer.name for layer in self._header.layers]
        words = [layer_in_words(name) for name in names]
        broken = taken_apart(flight_of(rows, self._owners), words, self._lookout.range.ceiling)
        reaches = [each for each in measured_before(row.step, batches) if each.reach is not None]
        first, first_step = broken.first, rows[broken.first.row].step
        return Alarm(
            step=row.step,
            trigger=trigger,
            first_layer=None if first.layer is None else names[first.layer],
            first_quantity=first.quantity,
            first_step=first_step,
            growth=first.growth,
            reach=reaches[-1].reach if reaches else None,
            reach_step=reaches[-1].step if reaches else None,
            evidence=evidence_of(broken, rows, batches, self._header),
            flight=broken.flight,
            snapshot_step=self._kept_before(first_step),
        )

    def _refined(self, trigger: Trigger, row: Row) -> Trigger:
        """A gradient that is not finite, or only a parameter."""
        if trigger is not Trigger.GRADIENT_NOT_FINITE:
            return trigger
        last = flight_of([row], self._owners)
        sound = np.isfinite(last.gradient_norm[last.measured]).all()
        return Trigger.PARAMETER_NOT_FINITE if sound else trigger

    def _rate_rose(self) -> bool:
        return rate_rose(np.array([row.rates for row in self._ring], dtype=np.float64))

    def _moved(self, steps: Sequence[int]) -> int | None:
        return great_update(self._ring, self._owners, steps)

    def _tell_spike(self, spike: Spike) -> None:
        """A loss that leapt and came back, and set nothing off, leaves a mark."""
        self._lookout.spike = None
        self._spikes += 1
        if self._spikes > MOST_SPIKES:
            return
        said = f"The loss jumped to {number(spike.loss)} at step {spike.step:,}"
        if spike.median is not None and spike.median > 0:
            said += f", {rough(spike.loss / spike.median)} times its recent median"
        away = spike.back - spike.step
        said += f", and was back {'at the next step' if away == 1 else f'{away:,} steps later'}."
        if self._spikes == MOST_SPIKES:
            said += " Further jumps are not marked."
        self._mark(Event(spike.step, EventKind.NOTE, said))

    def _tell_its_end(self, row: Row) -> None:
        broke = self._lookout.is_over()
        if broke is not None:
            back = row.step - WINDOW + 1
            at_once = "at the very next step" if back == broke + 1 else f"at step {back:,}"
            said = f"The alarm of step {broke:,} is over: {at_once} the loss was back in its range, and stayed."
            self._mark(Event(row.step, EventKind.NOTE, said))

    def _said(self, row: Row, alarm: Alarm) -> str:
        said = f"{alarm.trigger[0].upper()}{alarm.trigger[1:]}"
        if (
            alarm.trigger is Trigger.LOSS_OUT_OF_RANGE
            and row.loss is not None
            and self._lookout.range.median is not None
        ):
            said += f": {number(row.loss)}, its recent median is {number(self._lookout.range.median)}"
        elif alarm.trigger is Trigger.LOSS_NOT_FINITE and row.loss is not None:
            said += f": {number(row.loss)}"
        return f"{said}." if alarm.first_layer is None else f"{said}; {layer_in_words(alarm.first_layer)} went first."

    def _say_full(self, step: int) -> None:
        if not self._full:
            self._full = True
            said = f"The run has had {MOST_ALARMS} alarms: from step {step:,} on no further one is kept."
            self._mark(Event(step, EventKind.NOTE, said))
