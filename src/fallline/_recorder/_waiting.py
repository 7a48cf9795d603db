"""Steps that set nothing off wait to be looked at together; and the shortest way of one of which nothing is asked."""

import math
import sys
import time
from threading import RLock
from typing import Any, Final

import torch

from fallline._recorder._guard import Guard
from fallline._recorder._quiet_update import QuietUpdate
from fallline._recorder._rows import Row

ONCE, NOTHING_READ = (1,), (None,)
"""What most rows have: one object for all of them leaves the garbage collector less to do."""
LEAST, MOST = -sys.float_info.max, sys.float_info.max
"""Finite losses lie between them."""
MAKE: Final = tuple.__new__
"""A named tuple's own way takes a call more."""


class WaitingSteps:
    """Holds what every step touches, in few places of memory."""

    __slots__ = ("_began", "_guard", "_update", "below", "in_calls", "in_hooks", "lock", "rows", "step", "to", "until")

    def __init__(self, first_step: int, began: float, guard: Guard, update: QuietUpdate | None) -> None:
        """``update`` listens to the only optimizer; None where there are several."""
        self._began, self._guard, self._update = began, guard, update
        self.lock = RLock()
        """Two threads may share a watch."""
        self.step = first_step
        """The next one."""
        self.rows: list[Row] = []
        """Those that wait, …"""
        self.in_calls = self.in_hooks = 0.0
        """… and how long their calls took, with and without the optimizers' hooks."""
        self.to: float = first_step
        """A step waits where the one after it comes no later than this one, …"""
        self.until = -math.inf
        """… it is recorded no later than at this time, …"""
        self.below = -math.inf
        """… and its loss is at most this one."""

    def take(self, loss: Any) -> bool:
        """Record the step, if it is one update of which nothing was asked, and it may wait; False where it is not.

        This is nearly every step of a loop with a budget: what would be called is written out here. It judges nothing:
        what it leaves is recorded, or told, by the longer way.
        """
        with self.lock:
            entered, update = time.perf_counter(), self._update
            if update is None or update.rates is None or self.step >= self.to or entered > self.until:
                return False
            try:
                if type(loss) is not torch.Tensor or not loss.is_cpu or loss.numel() != 1:
                    return False
                given = loss.item()
            except Exception:  # noqa: BLE001  (a mode of the user's may raise anything; the longer way says so)
                return False
            if type(given) is not float or not LEAST <= given <= self.below or self._guard.said:
                return False
            row = (self.step, entered - self._began, given, update.rates, ONCE, NOTHING_READ, True)
            self.rows.append(MAKE(Row, row))
            self.step += 1
            update.rates = None
            self.in_calls += time.perf_counter() - entered
            return True

    def keep(self, entered: float, row: Row, in_hooks: float) -> bool:
        """Let a row wait that was made in a call begun at this time; False where it has to be looked at now."""
        if row.step >= self.to or entered > self.until or self._guard.said or not row.finite:
            return False
        if type(row.loss) is not float or not LEAST <= row.loss <= self.below:
            return False
        self.rows.append(row)
        self.in_hooks += in_hooks
        self.in_calls += time.perf_counter() - entered
        return True

    def let_wait(self, *, to: float, until: float, below: float) -> None:
        """Say which of the coming steps may wait."""
        self.to, self.until, self.below = to, until, min(below, MOST)

    def end(self) -> tuple[list[Row], float, float]:
        """The rows that have waited, and how long their calls and their hooks took."""
        ended = self.rows, self.in_calls, self.in_hooks
        self.rows, self.in_calls, self.in_hooks = [], 0.0, 0.0
        return ended

    def close(self) -> None:
        """Let no step wait any more."""
        self.to = -math.inf
