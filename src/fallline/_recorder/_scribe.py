"""Writing beside the loop: a thread takes what the loop puts, and commits it soon, whatever the disk does."""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fallline._errors import RunFileError
from fallline._recorder._guard import Guard, guarded, in_one_line
from fallline._records import Event, EventKind, RecordingSummary, Snapshot, StepSeries
from fallline._store import Recorded, RecordingWriter

Item = Recorded | Callable[[], Sequence[Recorded]]

COMMIT_SECONDS = 0.25
"""What was put is written after at most so long."""
RETRY_SECONDS = (1.0, 30.0)
"""After a failure: the first pause, doubled from try to try, and the longest."""
EXIT_SECONDS = 5.0
"""The end of a program waits at most so long for the disk."""
_FULL = "the run file could not be written, and no more could be kept in memory"
_BROKEN = "what was measured could not be turned into rows"

CALLABLE_BYTES = 1 << 16
RECORD_BYTES = 1 << 11
"""What a queued item is taken to hold where nobody says."""


@dataclass(eq=False)
class _Request:
    """Somebody who waits until everything put before is durable."""

    summary: RecordingSummary | None = None
    """To finish the recording with."""
    last: bool = False
    """Close the file, written or not."""
    answered: threading.Event = field(default_factory=threading.Event)
    durable: bool = False


class Scribe:
    """Owns a :class:`RecordingWriter` and writes in a thread of its own; a forked child's does nothing at all."""

    def __init__(self, writer: RecordingWriter, *, memory: int, warn: Callable[[str], None]) -> None:
        """Start the thread.

        Args:
            writer: opened; nobody else may use it from now on.
            memory: bytes that may wait while the file cannot be written; the oldest are dropped then, and marked.
            warn: is told once that the file cannot be written, and once that something put could not be taken.
        """
        self.path = writer.path
        self.failed = False
        """True while the last attempt to write was in vain."""
        self.guard: Guard = _Notes(self._broke)
        self._writer, self._memory, self._warn = writer, memory, warn
        self._process = os.getpid()
        self._queue: deque[tuple[Item | _Request, int]] = deque()
        self._put_bytes = 0  # written by the loop only
        self._taken_bytes = 0  # written by the thread only
        self._something, self._hurry = threading.Event(), threading.Event()
        self._ended = self._finished = False
        self._lost: str | None = None
        self._losses = self._losses_told = 0
        self._missing: tuple[int, int] | None = None
        self._reason = _FULL
        self._pause, self._try_at = RETRY_SECONDS[0], 0.0
        self._warned: set[str] = set()
        self._thread = threading.Thread(target=self._work, name="fallline-scribe", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def put(self, *items: Item, nbytes: int = CALLABLE_BYTES) -> None:
        """Hand over what is to be recorded; never blocks, never raises.

        A callable is called in the scribe's thread, and gives records; ``nbytes`` is about what each holds.
        Arrays must not change any more.
        """
        if not self._works():
            return
        for item in items:
            size = _size(item, nbytes)
            backlog = self._put_bytes - self._taken_bytes
            if backlog and backlog + size > self._memory:
                self._lost = _FULL  # the disk hangs: what is refused here shows as a jump of the steps
                self._losses += 1
                continue
            self._put_bytes += size
            self._queue.append((item, size))
        if not self._something.is_set():
            self._something.set()

    def flush(self, timeout: float | None = None) -> bool:
        """True once everything put before is durable.

        False where it could not be written, or not in time, or some of what was put since the last flush is lost.
        """
        durable = self._ask(_Request(), timeout)
        whole = self._losses == self._losses_told
        if durable:
            self._losses_told = self._losses
        return durable and whole

    def finish(self, summary: RecordingSummary, timeout: float = EXIT_SECONDS) -> bool:
        """Write what is left with the summary and close the file; False where that did not succeed in time.

        Then the recording reads as unfinished, and :meth:`close` is still to be called.
        """
        until = time.monotonic() + timeout
        while not self._ask(_Request(summary=summary), until - time.monotonic()):
            if not self._works() or time.monotonic() + COMMIT_SECONDS > until:
                return self._finished and os.getpid() == self._process
            time.sleep(COMMIT_SECONDS)
        self._leave()
        return True

    def close(self, timeout: float = EXIT_SECONDS) -> bool:
        """End the thread after a last attempt to write; False where something was lost. Again: nothing, True."""
        if not self._works():
            return True
        durable = self._ask(_Request(last=True), timeout)  # the thread closes the file
        self._leave()
        return durable

    def _works(self) -> bool:
        return os.getpid() == self._process and not self._ended

    def _ask(self, request: _Request, timeout: float | None) -> bool:
        if not self._works():
            return False
        until = None if timeout is None else time.monotonic() + timeout
        self._queue.append((request, 0))
        self._hurry.set()
        self._something.set()
        while self._thread.is_alive():  # in turns, so that nobody waits for a thread that is no more
            left = 1.0 if until is None else min(1.0, until - time.monotonic())
            if left < 0 or request.answered.wait(left):
                break
        return request.durable

    def _leave(self) -> None:
        self._ended = True
        self._hurry.set()
        self._something.set()
        atexit.unregister(self.close)

    def _work(self) -> None:
        """The thread."""
        while not self._ended:
            self._something.wait(max(0.0, self._try_at - time.monotonic()) if self.failed else None)
            self._hurry.wait(COMMIT_SECONDS)  # rows gather meanwhile, unless somebody asks
            self._hurry.clear()
            self._something.clear()
            requests = self._drain()
            durable = self._write_when_due(asked=bool(requests))
            self._answer(requests, durable=durable)
        self._answer(self._drain(), durable=self._finished)  # who came too late

    def _answer(self, requests: Sequence[_Request], *, durable: bool) -> None:
        for request in requests:
            request.durable = durable and self._finish(request.summary) is True
            if request.last:
                self._close_file()
            request.answered.set()

    def _drain(self) -> list[_Request]:
        """Take over what has been put."""
        requests = []
        while self._queue:
            item, size = self._queue.popleft()
            if isinstance(item, _Request):
                requests.append(item)
            else:
                self._take(item)
                self._taken_bytes += size
        return requests

    @guarded("a block of rows", tries_again=True)
    def _take(self, item: Item) -> None:
        records = item() if callable(item) else (item,)
        for record in records:
            if self._lost is not None and isinstance(record, StepSeries) and len(record):
                expected, came = self._writer.next_step, int(record.step[0])
                if came > expected:
                    self._miss((expected, came - 1), self._lost)
                    self._lost = None
        self._writer.append(*records)

    def _write_when_due(self, *, asked: bool) -> bool:
        """True where nothing waits any more."""
        due = asked or not self.failed or time.monotonic() >= self._try_at
        done = self._write() if due else False
        if done is None:  # something that nobody foresaw
            self._wait_longer()
        if not done:
            dropped = self._writer.drop_waiting(self._memory)
            self._losses += dropped is not None
            self._miss(dropped, _FULL)
        return bool(done)

    @guarded("writing", tries_again=True)
    def _write(self) -> bool:
        try:
            self._writer.commit()
            if self._missing is not None:
                self._writer.append(_gap(*self._missing, self._reason))
                self._missing = None
                self._writer.commit()
        except RunFileError as problem:
            self._could_not(problem)
            return False
        self.failed, self._pause = False, RETRY_SECONDS[0]
        return True

    @guarded("the end of the record", tries_again=True)
    def _finish(self, summary: RecordingSummary | None) -> bool:
        if summary is None or self._finished:
            return True
        if self._lost is not None:
            self._writer.append(_gap(self._writer.next_step, None, self._lost))
            self._lost = None
        try:
            self._writer.finish(summary)
        except RunFileError as problem:
            self._could_not(problem)
            return False
        self._ended = self._finished = True
        return True

    @guarded("the end of the record", tries_again=True)
    def _close_file(self) -> None:
        self._ended = True
        with suppress(RunFileError):  # what could not be written has been told
            self._writer.close()

    def _could_not(self, problem: RunFileError) -> None:
        self._wait_longer()
        self._tell("writing", f"{problem} Steps are kept in memory meanwhile, and it is tried again.")

    def _wait_longer(self) -> None:
        self.failed = True
        self._try_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, RETRY_SECONDS[1])

    def _broke(self, instrument: str, problem: BaseException) -> None:
        """Something that nobody foresaw: marked, told once, and gone on with."""
        self._lost = _BROKEN
        self._losses += 1
        said = f"{instrument} could not be recorded: {in_one_line(problem)}"
        if self._tell(instrument, said):
            self._mark(said)

    @guarded("a mark", tries_again=True)
    def _mark(self, said: str) -> None:
        """Where even this fails it is told as well, once: the thread lives on."""
        self._writer.append(Event(max(0, self._writer.next_step - 1), EventKind.NOTE, said))

    def _tell(self, matter: str, said: str) -> bool:
        """Warn of a matter once; True where this was the time."""
        if matter in self._warned:
            return False
        self._warned.add(matter)
        self._warn(said)
        return True

    def _miss(self, steps: tuple[int, int] | None, reason: str) -> None:
        if steps is not None:
            self._reason = reason
            first, last = self._missing or steps
            self._missing = min(first, steps[0]), max(last, steps[1])


class _Notes(Guard):
    """A guard that tells of every break; an instrument of the scribe is never switched off."""

    def __init__(self, told: Callable[[str, BaseException], None]) -> None:
        super().__init__()
        self._told = told

    def broke(self, instrument: str, problem: BaseException) -> None:
        """Pass it on."""
        self._told(instrument, problem)


def _size(item: Item, nbytes: int) -> int:
    if isinstance(item, Snapshot):
        return item.values.nbytes
    return nbytes if callable(item) else RECORD_BYTES


def _gap(first: int, last: int | None, reason: str) -> Event:
    """``last`` is None where nobody knows whether there were any."""
    if last is None:
        return Event(first, EventKind.GAP, f"Steps from {first:,} on, if there were any, are missing: {reason}.")
    which = f"Step {first:,} is" if first == last else f"Steps {first:,} to {last:,} are"
    return Event(first, EventKind.GAP, f"{which} missing, or without some measurements: {reason}.")
