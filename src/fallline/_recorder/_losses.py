"""The losses of a loop in little room: its two ends, its lowest, and means of blocks that grow with it."""

import math
from collections import deque
from typing import Final, Self

import numpy as np

from fallline._records import Floats

WIDEST: Final = 100
"""Losses kept at either end."""
SHARE_OF_RUN: Final = 20
"""The line said at the end speaks of means over a twentieth of the run, at most ``WIDEST`` losses."""
CALM_WINDOWS: Final = 4
"""An alarm is early that goes off before so many such means are through: its explosion would be in the first one."""
BLOCKS: Final = 128
"""When so many block means are full, neighbours are joined."""


def window_of(losses: int) -> int:
    """How many losses a mean takes in a run of so many.

    >>> window_of(10), window_of(400), window_of(100_000)
    (1, 20, 100)
    """
    return min(WIDEST, max(1, losses // SHARE_OF_RUN))


def window_before(losses: int, calm: int) -> int:
    """The same, where an alarm went off after ``calm`` losses: where it did so early, a twentieth of those before it.

    >>> window_before(2000, 2000), window_before(2000, 1500), window_before(2000, 60), window_before(2000, 3)
    (100, 100, 3, 1)
    """
    whole = window_of(losses)
    return whole if CALM_WINDOWS * whole <= calm else window_of(calm)


class Losses:
    """Follows a loss in constant time and room.

    >>> course = Losses()
    >>> for loss in (4.0, 3.0, math.nan, 1.0):
    ...     course.add(loss)
    >>> course.count, course.first, course.last, course.best
    (4, 4.0, 1.0, 1.0)
    """

    def __init__(self) -> None:
        self.count = 0
        self.best: float | None = None
        """The lowest finite one; None where there is none."""
        self.highest: float | None = None
        """The highest finite one; None where there is none."""
        self._head: list[float] = []
        self._tail: deque[float] = deque(maxlen=WIDEST)
        self._means: list[float] = []
        self._block, self._sum, self._in_block = 1, 0.0, 0

    @classmethod
    def of(cls, losses: Floats) -> Self:
        """Those of a whole record [T], as if added one by one."""
        course = cls()
        for loss in losses.tolist():
            course.add(loss)
        return course

    def add(self, loss: float) -> None:
        """Take the next one."""
        if self.count < WIDEST:
            self._head.append(loss)
        self.count += 1
        self._tail.append(loss)
        if not math.isfinite(loss):
            return
        if self.best is None or loss < self.best:
            self.best = loss
        if self.highest is None or loss > self.highest:
            self.highest = loss
        self._sum += loss
        self._in_block += 1
        if self._in_block == self._block:
            self._close_block()

    @property
    def first(self) -> float | None:
        """The first one; None where there is none."""
        return self._head[0] if self._head else None

    @property
    def last(self) -> float | None:
        """The last one; None where there is none."""
        return self._tail[-1] if self._tail else None

    def head(self, length: int) -> Floats:
        """The first ``length``, at most 100."""
        return np.array(self._head[:length])

    def tail(self, length: int) -> Floats:
        """The last ``length``, at most 100."""
        return np.array(list(self._tail)[max(0, len(self._tail) - length) :])

    @property
    def course(self) -> Floats:
        """Means of neighbouring finite losses, all of equally many, 64 or more of them once there are 64 losses."""
        return np.array(self._means)

    def _close_block(self) -> None:
        self._means.append(self._sum / self._block)
        self._sum, self._in_block = 0.0, 0
        if len(self._means) == BLOCKS:
            pairs = zip(self._means[::2], self._means[1::2], strict=True)
            self._means = [one / 2 + other / 2 for one, other in pairs]
            self._block *= 2
