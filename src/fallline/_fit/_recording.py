"""From a stream of steps to a record: blocks of columns, in memory and in the run file."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from fallline._descent import Batches
from fallline._fit._measure import measure
from fallline._problem import Problem
from fallline._records import Columns, Floats, Step

if TYPE_CHECKING:
    from fallline._store import RunWriter

BLOCK_STEPS = 4096
"""A block is closed at this many steps, or after a second, whichever comes first."""
BLOCK_SECONDS = 0.5
"""Well under the second that is promised: measuring and writing take their part of it."""

Progress = Callable[[int, int, float], None]
"""Told (steps done, steps in all, last loss) after every block."""


def record(
    steps: Iterable[Step],
    problem: Problem,
    batches: Batches | None,
    start: Floats,
    *,
    writer: "RunWriter | None" = None,
    total: int = 0,
    progress: Progress | None = None,
) -> tuple[Columns, bool]:
    """Consume ``steps`` to their end, or to Ctrl-C; (all columns, whether it was interrupted)."""
    recording = _Recording(problem, batches, start, writer)
    deadline = time.monotonic() + BLOCK_SECONDS
    interrupted = False
    try:
        for step in steps:
            recording.pending.append(step)
            if len(recording.pending) >= BLOCK_STEPS or time.monotonic() > deadline:
                recording.close_block()
                if progress is not None:
                    progress(recording.measured, total, step.loss)
                deadline = time.monotonic() + BLOCK_SECONDS
    except KeyboardInterrupt:
        interrupted = True
    recording.close_block()
    return joined(recording.blocks), interrupted


class _Recording:
    """Steps on their way into the record: taken, then measured, then written.

    Ctrl-C can arrive between any two lines. So each stage is recognised by step numbers, never by what was
    removed from a list: closing a block again after an interruption takes up exactly what is missing.
    """

    def __init__(self, problem: Problem, batches: Batches | None, start: Floats, writer: "RunWriter | None") -> None:
        self.problem, self.batches, self.start, self.writer = problem, batches, start, writer
        self.pending: list[Step] = []
        self.blocks: list[Columns] = []

    @property
    def measured(self) -> int:
        """Steps that have been measured."""
        return sum(map(len, self.blocks))

    def close_block(self) -> None:
        """Measure what was taken, write what was measured; on return all of it is in the file."""
        measured = self.measured
        taken = [step for step in self.pending if step.index >= measured]
        if taken or not self.blocks:
            before = self.blocks[-1].parameters[-1] if measured > 0 else self.start
            self.blocks.append(measure(self.problem, self.batches, before, taken))
        self.pending = [step for step in self.pending if step.index >= self.measured]
        if self.writer is None:
            return
        first = 0
        for block in self.blocks:
            if first >= self.writer.appended_steps:
                self.writer.append(block)
            first += len(block)
        self.writer.flush()


def joined(blocks: list[Columns]) -> Columns:
    """Consecutive blocks as one."""
    if len(blocks) == 1:
        return blocks[0]
    return Columns(
        **{name: np.concatenate([getattr(block, name) for block in blocks]) for name in Columns.__dataclass_fields__}
    )
