"""Writing beside the loop: a thread takes what the loop puts, and commits it soon, whatever the disk does."""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

from fallline._errors import RunFileError
from fallline._recorder._guard import Guard, guarded, in_one_line
from fallline._recorder._missing import UNKNOWN, Item, Missing
from fallline._records import Alarm, Event, EventKind, RecordingSummary, Snapshot, StepSeries
from fallline._store import Recorded, RecordingWriter
from fallline._wording import count, megabytes

COMMIT_SECONDS = 0.25
"""What was put is written after at most so long."""
RETRY_SECONDS = (1.0, 30.0)
"""After a failure: the first pause, doubled from try to try, and the longest."""
EXIT_SECONDS = 5.0
"""The end of a program waits at most so long for the disk."""
_BROKEN: Final = "what was measured could not be turned into rows"

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


class _Entry(NamedTuple):
    """What was put."""

    item: Item
    nbytes: int
    steps: tuple[int, int]
    """The first and the last that it is about, as far as that is known."""
    rows: bool
    """True where it makes the rows of these steps."""


class Scribe:
    """Owns a :class:`RecordingWriter` and writes in a thread of its own; a forked child's does nothing at all.

    The loop's side takes no lock: a signal's handler that strikes inside it may end the record.
    """

    def __init__(self, writer: RecordingWriter, *, memory: int, warn: Callable[[str], None]) -> None:
        """Start the thread.

        Args:
            writer: opened; nobody else may use it from now on.
            memory: bytes that may wait to be written, but for snapshots, which are bounded where they are taken, and
                for marks. While the file cannot be written the newest half of them is kept, and the rest is marked.
            warn: is told once that the file cannot be written, and once that something put could not be taken.
        """
        self.path = writer.path
        self.memory = memory
        self.failed = False
        """True while the last attempt to write was in vain."""
        self.guard: Guard = _Notes(self._broke)
        self._writer, self._warn = writer, warn
        self._process = os.getpid()
        self._queue: deque[_Entry | _Request] = deque()
        self._put_bytes = 0  # written by the loop only
        self._taken_bytes = 0  # written by the thread only
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._rung = self._hurry = False
        self._ended = self._finished = False
        self._missing = Missing()
        self._breaks = self._losses_told = 0
        self._pause, self._try_at = RETRY_SECONDS[0], 0.0
        self._warned: set[str] = set()
        self._problem = UNKNOWN  # why something was not written, as said last
        self._thread = threading.Thread(target=self._work, name="fallline-scribe", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def put(self, *items: Item, nbytes: int = CALLABLE_BYTES, step: int | None = None) -> bool:
        """Hand over what is to be recorded; never blocks, never raises. True where all of it was taken.

        A callable is called in the scribe's thread, and gives records; ``nbytes`` is about what each holds, ``step``
        where it belongs (unless told: about the last one written). Arrays must not change any more. Events, alarms
        and snapshots are always taken.
        """
        if not self._works():
            return False
        at = max(0, self._writer.next_step - 1) if step is None else step
        entries = [_Entry(item, _size(item, nbytes), (at, at), False) for item in items]
        taken = [self._take_over(entry) for entry in entries]  # the others are tried even where one was refused
        self._ring()
        return all(taken)

    def put_rows(self, rows: Callable[[], Sequence[Recorded]], steps: tuple[int, int], nbytes: int) -> bool:
        """As :meth:`put`, of a callable that makes the rows of the ``steps`` from the first to the last."""
        if not self._works():
            return False
        taken = self._take_over(_Entry(rows, nbytes, steps, True))
        self._ring()
        return taken

    def miss_rows(self, last: int, reason: str) -> None:
        """The rows of the steps up to ``last`` will not come: marked, from the last one that came."""
        if self._works():
            self._missing.refuse_rows(last, reason)

    def flush(self, timeout: float | None = None) -> bool:
        """True once everything put before is durable.

        False where it could not be written, or not in time, or some of what was put since the last flush is lost.
        """
        durable = self._ask(_Request(), timeout)
        losses = self._missing.count + self._breaks
        whole = losses == self._losses_told
        if durable:
            self._losses_told = losses
        return durable and whole

    def finish(self, summary: RecordingSummary, timeout: float = EXIT_SECONDS) -> bool:
        """Write what is left with the summary and close the file; False where that did not succeed in time.

        Then the recording reads as unfinished, and :meth:`close` is still to be called. A watch that is collected
        in the scribe's own thread cannot wait for it: that ends the record as soon as it goes on.
        """
        if self._works() and threading.current_thread() is self._thread:
            self._ask(_Request(summary=summary, last=True), 0.0)
            return True
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
        if threading.current_thread() is not self._thread:
            self._leave()
        return durable

    def not_in_file(self, steps: int) -> str | None:
        """After the end: what of the record with so many ``steps`` is not in the file, and why; None for nothing."""
        stored = self._writer.stored_steps
        if stored is None:
            return None if self._finished else f"what is in the file is not known: {self._problem}"
        if stored < steps:
            none = (
                f"none of the {count(steps, 'step')} is"
                if stored == 0
                else f"only {stored:,} of the {steps:,} steps are"
            )
            return f"{none} in the file: {self._problem}"
        return None if self._finished else f"its end is not in the file: {self._problem}"

    def _works(self) -> bool:
        return os.getpid() == self._process and not self._ended

    def _take_over(self, entry: _Entry) -> bool:
        """Put it into the queue; False where there is no room."""
        waiting = self._put_bytes - self._taken_bytes + self._writer.waiting_bytes
        always = isinstance(entry.item, Event | Alarm | Snapshot)
        if waiting and waiting + entry.nbytes > self.memory and not always:
            self._refuse(entry, waiting)
            return False
        self._put_bytes += entry.nbytes
        self._queue.append(entry)
        if waiting + entry.nbytes > self.memory // 2:
            self._hurry = True
        return True

    def _refuse(self, entry: _Entry, waiting: int) -> None:
        reason = _no_room(self.memory)
        if not self.failed:
            reason = f"they came faster than they were written; {megabytes(waiting)} waited in memory already, and "
            reason += f"memory= allows {megabytes(self.memory)} for that"
            self._problem = reason
            self._tell(
                "memory", f"Some of what is measured is not recorded: {reason}. The record marks what is missing."
            )
        if entry.rows:
            self._missing.refuse_rows(entry.steps[1], reason)
        else:
            self._missing.refuse(entry.item, entry.steps, reason)

    def _ring(self) -> None:
        """Wake the thread up."""
        if self._hurry or not self._rung:
            self._rung = True
            self._bell.put(None)

    def _ask(self, request: _Request, timeout: float | None) -> bool:
        if not self._works():
            return False
        until = None if timeout is None else time.monotonic() + timeout
        self._queue.append(request)
        self._hurry = True
        self._ring()
        if threading.current_thread() is self._thread:  # the garbage collector strikes anywhere
            return False
        while self._thread.is_alive():  # in turns, so that nobody waits for a thread that is no more
            left = 1.0 if until is None else min(1.0, until - time.monotonic())
            if left < 0 or request.answered.wait(left):
                break
        return request.durable

    def _leave(self) -> None:
        self._ended = self._hurry = True
        self._ring()
        atexit.unregister(self.close)

    def _work(self) -> None:
        """The thread."""
        while not self._ended:
            self._listen()
            requests = self._drain()
            durable = self._write_when_due(asked=bool(requests))
            self._answer(requests, durable=durable)
        self._answer(self._drain(), durable=self._finished)  # who came too late

    def _listen(self) -> None:
        """Until something was put, and a while longer, so that rows gather, unless somebody is in a hurry."""
        if not self._hurry:
            self._hear(max(0.0, self._try_at - time.monotonic()) if self.failed else None)
        until = time.monotonic() + COMMIT_SECONDS
        while not self._hurry and (left := until - time.monotonic()) > 0:
            self._hear(left)
        with suppress(Empty):
            while True:
                self._bell.get_nowait()
        self._rung = self._hurry = False  # after the bell, before the queue: nothing that is put now is overlooked

    def _hear(self, timeout: float | None) -> None:
        with suppress(Empty):
            self._bell.get(timeout=timeout)

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
            entry = self._queue.popleft()
            if isinstance(entry, _Request):
                requests.append(entry)
                continue
            if not self._make_records(entry):
                self._missing.broke(entry.item, entry.steps, _BROKEN, rows=entry.rows)
            self._taken_bytes += entry.nbytes
        return requests

    @guarded("a block of rows", tries_again=True)
    def _make_records(self, entry: _Entry) -> bool:
        """Keep them waiting in the writer, with the mark of the steps that are missing before them."""
        records = list(entry.item() if callable(entry.item) else (entry.item,))
        steps = next((one.step for one in records if isinstance(one, StepSeries) and len(one)), None)
        gaps = [] if steps is None else self._missing.jumps(self._writer.next_step, steps)
        self._writer.append(*records, *gaps)
        return True

    def _write_when_due(self, *, asked: bool) -> bool:
        """True where nothing waits any more."""
        due = asked or not self.failed or time.monotonic() >= self._try_at
        done = self._write() if due else False
        if done is None:  # something that nobody foresaw
            self._wait_longer()
        if not done:
            dropped = self._writer.drop_waiting(self.memory // 2)  # the other half is for what comes
            if dropped is not None:
                self._breaks += 1
                self._missing.drop(dropped, _no_room(self.memory))
        return bool(done)

    @guarded("writing", tries_again=True)
    def _write(self) -> bool:
        try:
            self._writer.commit()
            self._writer.append(*self._missing.marks())
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
        self._mark_end()
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
        if not self._finished:
            self._mark_end()
        with suppress(RunFileError):  # what could not be written has been told
            self._writer.close()

    @guarded("a mark", tries_again=True)
    def _mark_end(self) -> None:
        """The steps that are missing after the last that came; once."""
        gap = self._missing.at_end(self._writer.next_step)
        self._writer.append(*self._missing.marks(), *([] if gap is None else [gap]))
        self._missing = Missing()

    def _could_not(self, problem: RunFileError) -> None:
        self._problem = reason_of(problem)
        self._wait_longer()
        self._tell("writing", f"{problem} Steps are kept in memory meanwhile, and it is tried again.")

    def _wait_longer(self) -> None:
        self.failed = True
        self._try_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, RETRY_SECONDS[1])

    def _broke(self, instrument: str, problem: BaseException) -> None:
        """Something that nobody foresaw: marked, told once, and gone on with."""
        self._breaks += 1
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


class _Notes(Guard):
    """A guard that tells of every break; an instrument of the scribe is never switched off."""

    def __init__(self, told: Callable[[str, BaseException], None]) -> None:
        super().__init__()
        self._told = told

    def broke(self, instrument: str, problem: BaseException) -> None:
        """Pass it on."""
        self._told(instrument, problem)


def _size(item: Item, nbytes: int) -> int:
    """What it takes of the memory for what waits."""
    if isinstance(item, Snapshot):
        return 0
    return nbytes if callable(item) else RECORD_BYTES


def reason_of(problem: RunFileError) -> str:
    """Why a file cannot be written, without its name and the full stop.

    >>> reason_of(RunFileError("The run file a.db cannot be written: the disk is full."))
    'the disk is full'
    """
    return str(problem).rpartition(" cannot be written: ")[2].partition(";")[0].removesuffix(".")


def _no_room(memory: int) -> str:
    return f"the run file could not be written, and memory= allows {megabytes(memory)} for what waits"
