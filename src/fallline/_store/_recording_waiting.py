"""What waits to be written: records in the order in which they came, each with a number of its own."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from fallline._errors import RunFileError
from fallline._records import (
    Alarm,
    EffectiveSeries,
    Event,
    LayerSeries,
    Logged,
    PartSeries,
    RecordingHeader,
    SameBatchSeries,
    SharpnessSeries,
    Snapshot,
    StepSeries,
)
from fallline._store._recording_schema import (
    BATCHES,
    EFFECTIVE,
    FLIGHT,
    LAYERS,
    LOGGED,
    PARTS_OF_STEPS,
    SHARPNESS,
    STEPS,
    Dimensions,
    Rows,
    SeriesLayout,
    parameter_dtype,
    rows_of,
)

Recorded = (
    StepSeries
    | LayerSeries
    | SameBatchSeries
    | PartSeries
    | EffectiveSeries
    | SharpnessSeries
    | Logged
    | Snapshot
    | Event
    | Alarm
)
"""What a writer takes."""

_SERIES: dict[type[object], SeriesLayout] = {
    layout.record: layout for layout in (STEPS, LAYERS, BATCHES, PARTS_OF_STEPS, EFFECTIVE, SHARPNESS)
}
Content = Rows | Logged | Snapshot | Event | tuple[Alarm, Rows]
"""What is kept of a record: its rows, of an alarm those of its flight beside it."""

_SMALL_RECORD = 200
"""Bytes that an event, or one of the user's numbers, is taken to need."""


@dataclass(frozen=True)
class Entry:
    """One record that waits."""

    serial: int
    """Rising: what the file has of it is known by its last serial."""
    content: Content

    @property
    def nbytes(self) -> int:
        """About what it holds; a snapshot, which is bounded where it is taken, counts for nothing."""
        if isinstance(self.content, tuple):
            return self.content[1].nbytes + _SMALL_RECORD
        if isinstance(self.content, Rows):
            return self.content.nbytes
        return 0 if isinstance(self.content, Snapshot) else _SMALL_RECORD

    @property
    def is_kept(self) -> bool:
        """True for events, alarms and snapshots: they are never dropped."""
        return isinstance(self.content, Event | Snapshot | tuple)

    @property
    def steps(self) -> tuple[int, int]:
        """The first and the last step of a record that can be dropped."""
        if isinstance(self.content, Rows):
            return self.content.first_step, self.content.last_step
        assert not isinstance(self.content, tuple)  # noqa: S101  (alarms are told apart by is_kept)
        return self.content.step, self.content.step


class Waiting:
    """The records of one recording that are not written yet. Used by one thread at a time."""

    def __init__(self, header: RecordingHeader, next_step: int) -> None:
        self._dimensions = Dimensions.of(header)
        self._snapshot_bytes = _snapshot_bytes(header)
        self._first_step = next_step
        self._last_steps: dict[str, int] = {}
        self._entries: deque[Entry] = deque()
        self._serials = count(1)
        self.nbytes = 0
        """What all of it holds, but for snapshots: they are bounded where they are taken."""

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, records: Iterable[Recorded]) -> None:
        """Take records over; their arrays must not change any more.

        Raises:
            ValueError: an array has not the shape that its class states, or steps do not rise. None of the records was
            taken then.
        """
        last_steps = dict(self._last_steps)
        contents = [content for content in map(self._content, records) if content is not None]
        for content in contents:
            self._check_rising(content, last_steps)
        self._last_steps = last_steps
        for content in contents:
            entry = Entry(next(self._serials), content)
            self._entries.append(entry)
            self.nbytes += entry.nbytes

    def _content(self, record: Recorded) -> Content | None:
        """What is kept of a record; None of a series without rows."""
        if isinstance(record, Alarm):
            return record, rows_of(FLIGHT, record.flight, self._dimensions)
        if isinstance(record, Logged):
            record.name.encode()  # what SQLite could not store is refused here
        if isinstance(record, Snapshot) and self._snapshot_bytes not in (None, record.values.nbytes):
            raise ValueError(f"a snapshot: expected {self._snapshot_bytes} bytes, got {record.values.nbytes}")
        if isinstance(record, Logged | Snapshot | Event):
            return record
        rows = rows_of(_SERIES[type(record)], record, self._dimensions)
        return rows if len(rows) else None

    def _check_rising(self, content: Content, last_steps: dict[str, int]) -> None:
        """Rows out of order could not be read again: each series goes on where it was, ``steps`` behind it."""
        if isinstance(content, Logged):
            series, step, first, last = LOGGED.name + content.name, None, content.step, content.step
        elif isinstance(content, Rows):
            series, step = content.layout.name, content.columns["step"]
            first, last = content.first_step, content.last_step
        else:
            return
        strictly = series == STEPS.name
        before = last_steps.get(series, self._first_step - 1)
        rises = first > before if strictly else first >= before
        if step is not None and len(step) > 1:
            rises = rises and bool((step[1:] > step[:-1] if strictly else step[1:] >= step[:-1]).all())
        if not rises:
            raise ValueError(f"{series}: expected rising steps beyond {before}, got {first} to {last}")
        last_steps[series] = last

    def forget(self, serial: int) -> None:
        """Forget what has been written, up to this serial."""
        while self._entries and self._entries[0].serial <= serial:
            self.nbytes -= self._entries.popleft().nbytes

    def drop(self, keep_bytes: int) -> tuple[int, int] | None:
        """Forget the oldest, but for events, alarms and snapshots, until at most ``keep_bytes`` wait.

        The first and the last step of what was dropped; None where nothing was.
        """
        kept: list[Entry] = []
        first = last = None
        while self._entries and self.nbytes > keep_bytes:
            entry = self._entries.popleft()
            if entry.is_kept:
                kept.append(entry)
                continue
            self.nbytes -= entry.nbytes
            low, high = entry.steps
            first, last = min(low, low if first is None else first), max(high, high if last is None else last)
        self._entries.extendleft(reversed(kept))
        return None if first is None or last is None else (first, last)


def _snapshot_bytes(header: RecordingHeader) -> int | None:
    """What all parameters take; None where a type is not known."""
    try:
        return sum(
            parameter_dtype(parameter.dtype).itemsize * int(np.prod(parameter.shape, dtype=np.int64))
            for parameter in header.parameters
        )
    except RunFileError:
        return None
