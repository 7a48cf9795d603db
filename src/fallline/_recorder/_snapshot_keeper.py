"""Keeps parameters as the loop goes on: the start, by a schedule, from before an alarm, the end."""

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import torch

from fallline._recorder._guard import Guard, guarded
from fallline._recorder._snapshots import START, Allowance, Copies, RecentCopies, step_before
from fallline._recorder._taken import Pacing, Taken
from fallline._records import Snapshot

SNAPSHOTS: Final = "snapshots"
_KEEPING: Final = "the parameter snapshots"


class Snapshots:
    """Keeps parameters: some steps' in the file, a recent one's in memory."""

    def __init__(
        self,
        copies: Copies,
        allowance: Allowance,
        *,
        spacing: int | None,
        pace: Pacing,
        guard: Guard,
        first_step: int,
        stored: Collection[int] = (),
    ) -> None:
        """
        Args:
            copies: of the parameters.
            allowance: of a file that holds none yet.
            spacing: steps between copies kept in memory from before an alarm, None for none.
            pace: where the time is booked.
            guard: of the watch.
            first_step: of this part of the run.
            stored: the steps whose snapshots the file of a resumed run holds.
        """
        self.guard = guard
        allowance.resumed(len(stored))
        self._copies, self._allowance, self._pace = copies, allowance, pace
        self._recent = RecentCopies(copies, spacing) if spacing is not None and allowance.for_alarm else None
        self._written = set(stored)
        self._in_file: float = allowance.schedule.after(first_step - 1)
        self.next = min(self._in_file, first_step) if self._recent is not None else self._in_file
        """Nothing is to be done before this step."""
        self._starting = first_step == 0 and allowance.left > 0 and START not in self._written

    @guarded(_KEEPING)
    def start(self) -> Sequence[Taken]:
        """The parameters before the first step."""
        if not self._starting:
            return ()
        began = time.perf_counter()
        self._starting = False
        if self._recent is not None:
            self._recent.keep(START)
        taken = self._to_file(START)
        self._pace.spent(SNAPSHOTS, time.perf_counter() - began)
        return taken

    @guarded(_KEEPING)
    def take(self, step: int) -> Sequence[Taken]:
        """A snapshot where one is due, and the copy in memory replaced where that is due."""
        began = time.perf_counter()
        if self._recent is not None and step >= self._recent.next:
            self._recent.keep(step)
        taken: Sequence[Taken] = ()
        if step >= self._in_file and self._copies.room:  # else at the first step that has room
            if self._allowance.for_schedule:
                taken = self._to_file(step)
            self._in_file = self._allowance.schedule.after(step)
        self.next = self._in_file if self._recent is None else min(self._in_file, self._recent.next)
        self._pace.spent(SNAPSHOTS, time.perf_counter() - began)
        return taken

    @guarded(_KEEPING)
    def last(self, step: int) -> Sequence[Taken]:
        """The parameters when the watch ends: after its last step, unless the loop has loaded others since."""
        if step in self._written or self._allowance.left < 1:
            return ()
        return self._to_file(step)

    @guarded(_KEEPING)
    def kept_before(self, first_step: int) -> int | None:
        """The step of the parameters from before ``first_step`` that the file has or has room for; None without any."""
        held = self._recent.steps if self._recent is not None and self._allowance.for_alarm else ()
        return step_before(first_step, (*self._written, *held))

    @guarded("the parameters from before the alarm")
    def from_before(self, step: int | None) -> Sequence[Taken]:
        """The copy held of ``step``, unless the file has it."""
        if step is None or step in self._written or self._recent is None or not self._allowance.for_alarm:
            return ()
        held = self._recent.give(step)
        return () if held is None else self._hand_out(step, *held)

    def _to_file(self, step: int) -> Sequence[Taken]:
        buffer = self._copies.buffer()
        return self._hand_out(step, buffer, self._copies.take(buffer))

    def _hand_out(self, step: int, buffer: torch.Tensor, wait: Callable[[], None] | None) -> Sequence[Taken]:
        self._written.add(step)
        self._allowance.left -= 1
        snapshot = self._copies.handed_out(step, buffer)
        return (snapshot,) if wait is None else (partial(_arrived, wait, snapshot),)


def _arrived(wait: Callable[[], None], snapshot: Snapshot) -> Sequence[Snapshot]:
    wait()
    return (snapshot,)
