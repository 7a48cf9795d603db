"""The watch: what stands in somebody's loop. Nothing of it raises into that loop, or changes it."""

import atexit
import sys
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self

import torch

from fallline._recorder import _process
from fallline._recorder._ending import Ending
from fallline._recorder._guard import Guard, guarded, in_one_line
from fallline._recorder._scribe import Scribe
from fallline._recorder._steps import StepRecorder
from fallline._records import Event, EventKind, RecordingSummary


class Watch:
    """Records a training loop while it runs; made by :func:`watch`, ended by ``with`` or :meth:`close`.

    Nothing that it does raises into the loop, or changes it.
    """

    def __init__(self, steps: StepRecorder, *, guard: Guard, scribe: Scribe, ending: Ending) -> None:
        """Use :func:`watch`."""
        self.guard = guard
        self._steps, self._scribe, self._ending = steps, scribe, ending
        self._home = _process.current
        self._lock, self._take = steps.waiting.lock, steps.waiting.take
        self._open = True
        self._at_exit = partial(_end_at_exit, weakref.ref(self))
        atexit.register(self._at_exit)

    @property
    def path(self) -> str:
        """The run file."""
        return str(self._scribe.path)

    @property
    def should_stop(self) -> bool:
        """True once an alarm has gone off: for a loop that wants to end by itself then."""
        return bool(self._alarmed())

    def step(self, loss: Any = None, closure: Callable[[], torch.Tensor] | None = None) -> None:
        """Record what the optimizers did since the last call; call it after ``optimizer.step()``.

        Args:
            loss: of this step's batch, a number or a tensor of one number.
            closure: evaluates the same loss of the same batch again; with it the step is measured on its own batch.
        """
        if not self._take(loss):
            self._record(loss, closure)

    def log(self, /, **numbers: Any) -> None:
        """Keep numbers of your own beside the step just recorded: ``watch.log(accuracy=0.93)``."""
        self._log(numbers)

    def flush(self) -> bool:
        """Wait until everything recorded so far is in the file, safe from ``kill -9``; False where it cannot be."""
        return bool(self._flush())

    def close(self) -> None:
        """End the record: what is left is written, and one line says what happened. A second call does nothing."""
        self._end(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(error)

    def __del__(self) -> None:
        self._end(None)

    @guarded("the step", tries_again=True)
    def _record(self, loss: Any, closure: Callable[[], torch.Tensor] | None) -> None:
        if self._at_work("step"):
            with self._lock:
                self._steps.record(loss, closure)

    @guarded("the alarm")
    def _alarmed(self) -> bool:
        return self._steps.alarmed

    @guarded("the user's own numbers", tries_again=True)
    def _log(self, numbers: Mapping[str, Any]) -> None:
        if not self._at_work("log"):
            return
        with self._lock:
            for name, given in numbers.items():
                self._steps.log(name, given)

    @guarded("the record", tries_again=True)
    def _flush(self) -> bool:
        if not self._at_work("flush"):
            return False
        with self._lock:
            self._steps.hand_over()
        return self._scribe.flush()

    @guarded("the end of the record")
    def _end(self, error: BaseException | None) -> None:
        if not self._open or self._home is not _process.current:
            return
        with self._lock:
            self._open = False
            atexit.unregister(self._at_exit)
            error = None if error is None or _meant(error) else error
            self._steps.stop()
            self._mark_last(error)
            self._finish(self._steps.summary(error))

    @guarded("the marks")
    def _mark_last(self, error: BaseException | None) -> None:
        last = self._steps.last_step
        self._steps.mark(last)
        if error is not None:
            self._scribe.put(Event(last, EventKind.EXCEPTION, in_one_line(error)))

    @guarded("the closing line")
    def _finish(self, summary: RecordingSummary | None) -> None:
        if summary is None or not self._scribe.finish(summary):
            self._scribe.close()
        if summary is not None:
            self._ending.say(summary, self._scribe.not_in_file(summary.steps))

    def _at_work(self, asked: str) -> bool:
        """False once closed, and in a forked child: a data loader's worker has no record of its own."""
        if self._home is not _process.current:
            return False
        if not self._open:
            self.guard.say(f"watch.{asked} was called after the watch was closed: not recorded.")
        return self._open


def _meant(error: BaseException) -> bool:
    """True for the ends that a loop may choose itself: ``sys.exit()``, and a generator that is no longer wanted."""
    return isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and error.code in {None, 0})


def _end_at_exit(watch: weakref.ref[Watch]) -> None:
    """A watch that nobody closed is closed with its process; what ended the process is recorded."""
    found = watch()
    if found is not None:
        found._end(None if hasattr(sys, "ps1") else getattr(sys, "last_value", None))
