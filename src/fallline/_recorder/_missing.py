"""What a scribe could not keep: remembered until the record can be told, in words that claim no more than is missing.

The loop's thread notes what it may not hand over, the scribe's thread what it cannot turn into rows or has to drop.
Neither waits for the other: no lock is taken, as a signal's handler may strike inside any of this.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from fallline._records import (
    EffectiveSeries,
    Event,
    EventKind,
    Integers,
    LayerSeries,
    Logged,
    PartSeries,
    SameBatchSeries,
    SharpnessSeries,
    Snapshot,
    StepSeries,
)
from fallline._store import Recorded

Item = Recorded | Callable[[], Sequence[Recorded]]
Series = StepSeries | LayerSeries | SameBatchSeries | PartSeries | EffectiveSeries | SharpnessSeries

UNKNOWN: Final = "they never came to be written"
_SOMETHING: Final = "measurements taken now and then"
_KINDS: Final[tuple[tuple[type[object], str], ...]] = (
    (LayerSeries, "norms by layer"),
    (SameBatchSeries, "measurements on the step's own batch"),
    (PartSeries, "parts of the update"),
    (EffectiveSeries, "effective steps"),
    (SharpnessSeries, "the sharpness"),
    (Logged, "numbers of watch.log"),
    (Snapshot, "the parameters"),
)


class Span(NamedTuple):
    """Things of one kind that are missing, from the step of the first to that of the last."""

    first: int
    last: int
    times: int
    reason: str

    def joined(self, later: "Span") -> "Span":
        """Both, with the reason of the later one."""
        first, last = min(self.first, later.first), max(self.last, later.last)
        return Span(first, last, self.times + later.times, later.reason)


class Missing:
    """Keeps account for one scribe."""

    def __init__(self) -> None:
        self.count = 0
        """How often the loop's thread was refused something."""
        self._steps_to, self._reason = -1, UNKNOWN  # written by the loop's thread only
        self._broken_to, self._why_broken = -1, UNKNOWN  # written by the scribe's thread only
        self._others: dict[str, Span] = {}
        self._dropped: Span | None = None

    def refuse(self, item: Item, steps: tuple[int, int], reason: str) -> None:
        """The loop's thread could not hand this over; ``steps`` of a callable that makes rows, or where it belongs."""
        if isinstance(item, StepSeries):
            self.refuse_rows(int(item.step[-1]), reason)
        else:
            self.count += 1
            self._note(_kind(item), Span(*_steps_of(item, steps), 1, reason))

    def refuse_rows(self, last: int, reason: str) -> None:
        """Rows of steps up to ``last`` could not be handed over; which is the first shows when others arrive."""
        self.count += 1
        self._steps_to, self._reason = max(self._steps_to, last), reason

    def broke(self, item: Item, steps: tuple[int, int], reason: str, *, rows: bool) -> None:
        """The scribe's thread could not turn this into rows."""
        if rows or isinstance(item, StepSeries):
            last = int(item.step[-1]) if isinstance(item, StepSeries) and len(item) else steps[1]
            self._broken_to, self._why_broken = max(self._broken_to, last), reason
        else:
            self._note(_kind(item), Span(*_steps_of(item, steps), 1, reason))

    def drop(self, steps: tuple[int, int], reason: str) -> None:
        """The writer has forgotten its oldest: of every kind."""
        new = Span(*steps, 1, reason)
        self._dropped = new if self._dropped is None else self._dropped.joined(new)

    def jumps(self, expected: int, came: Integers) -> list[Event]:
        """The marks of the steps that are missing before and among those that ``came``."""
        due = np.concatenate(([expected], came[:-1] + 1))
        found = np.flatnonzero(came > due)
        return [_steps_missing(int(due[k]), int(came[k]) - 1, self._why(int(due[k]))) for k in found]

    def marks(self) -> Iterator[Event]:
        """The marks of all but steps, once each."""
        while self._others:
            kind, span = self._others.popitem()
            yield _others_missing(kind, span)
        if self._dropped is not None:
            span, self._dropped = self._dropped, None
            yield _dropped(span)

    def at_end(self, expected: int) -> Event | None:
        """The mark of the steps after the last that came; None where none is missing."""
        last = max(self._steps_to, self._broken_to)
        return None if last < expected else _steps_missing(expected, last, self._why(expected))

    def _note(self, kind: str, span: Span) -> None:
        before = self._others.pop(kind, None)
        self._others[kind] = span if before is None else before.joined(span)

    def _why(self, expected: int) -> str:
        if self._steps_to >= expected:
            return self._reason
        return self._why_broken if self._broken_to >= expected else UNKNOWN


def _kind(item: Item) -> str:
    return next((words for kind, words in _KINDS if isinstance(item, kind)), _SOMETHING)


def _steps_of(item: Item, steps: tuple[int, int]) -> tuple[int, int]:
    if isinstance(item, Series) and len(item):
        return int(item.step[0]), int(item.step[-1])
    return (item.step, item.step) if isinstance(item, Logged | Snapshot) else steps


def _steps_missing(first: int, last: int, reason: str) -> Event:
    which = f"Step {first:,} is" if first == last else f"Steps {first:,} to {last:,} are"
    return Event(first, EventKind.GAP, f"{which} missing: {reason}.")


def _others_missing(kind: str, span: Span) -> Event:
    times = "" if span.times == 1 else f" ({span.times:,} times)"
    where = f"At step {span.first:,}" if span.first == span.last else f"Between steps {span.first:,} and {span.last:,}"
    return Event(max(0, span.first), EventKind.GAP, f"{where} {kind} are missing{times}: {span.reason}.")


def _dropped(span: Span) -> Event:
    which = f"Step {span.first:,} is" if span.first == span.last else f"Steps {span.first:,} to {span.last:,} are"
    return Event(span.first, EventKind.GAP, f"{which} missing, or without some measurements: {span.reason}.")
