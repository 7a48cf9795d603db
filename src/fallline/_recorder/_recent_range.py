"""The recent range of a loss: what is ordinary for it, however noisy it is; docs/semantics.md#recent-range."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

WINDOW: Final = 128
"""Losses that the range is learned from."""
FIRST: Final = 4
"""No range is known before so many losses; it is learned anew when they have doubled in number."""
FIRST_FAR: Final = 1000
"""Till then a loss is out of range above so many times the first one, if that is above 0."""
REFRESH: Final = 64
"""And later after so many more."""
START: Final = 32
"""Losses that the size of the start is learned from."""
IN_A_ROW: Final = 5
"""So many losses in a row above the ceiling have left the range: one outlier has not."""
WIDTHS: Final = 4
"""How many widths above the median the ceiling is."""
FAR_WIDTHS: Final = 100
"""How many of them a single loss may be above it."""
LEAST_WIDTH: Final = 0.5
"""A width is at least this part of the median's size: the ceiling of a smooth loss is three times the loss."""
START_WIDTH: Final = 1e-3
"""And at least this part of the start's size."""
FIRST_WIDTH: Final = 2.0
"""And so many times the start's size while no more than the start's losses are known."""
REMEMBERED: Final = 0.75
"""Each time the range is learned, so much is left of how far earlier windows' highest loss was above the median."""
FAR_FROM_START: Final = 100
"""No ceiling is above so many times the start's size, however slowly the loss came there."""


class RecentRange:
    """Learns from a window of losses where they usually lie, and tells when they leave upward.

    >>> usual = RecentRange()
    >>> any(usual.left_by(2.0) for _ in range(200)), usual.ceiling, usual.far
    (False, 6.0, 102.0)
    >>> [usual.left_by(loss) for loss in (6.5, 7.0, 11.0, 17.0, 26.0)]
    [False, False, False, False, True]
    """

    def __init__(self) -> None:
        self.ceiling = self.far = -math.inf
        """What a loss usually stays below, and what not even one may pass; infinite while nothing is known."""
        self.median: float | None = None
        """Of the window; None while nothing is known."""
        self.wary = False
        """True where the last loss was half way from the median to the ceiling."""
        self.calm_below = -math.inf
        """A loss up to this one is ordinary: half way from the median to the ceiling."""
        self.above = 0
        """How many losses in a row were above the ceiling up to now."""
        self._window: deque[float] = deque(maxlen=WINDOW)
        self.until = FIRST
        """After so many more losses the range is learned anew; till then it stays as it is, if they are ordinary."""
        self._highest = -math.inf
        self._start: float | None = None
        self._start_known = False

    def left_by(self, loss: float) -> bool:
        """Take a finite loss; True where the range is left by it."""
        self.wary = loss > self.calm_below
        if self.wary and loss > self.ceiling:
            if self.ceiling == -math.inf:
                self._begin(loss)
                return False
            self.above += 1
            if self.above >= IN_A_ROW or loss > self.far:
                return True
        else:
            self.above = 0
        self._window.append(loss)
        self.until -= 1
        if self.until == 0:
            self._learn()
        return False

    def take_calm(self, losses: Sequence[float]) -> None:
        """As :meth:`left_by` each of these: losses up to :attr:`calm_below`, no more than :attr:`until` of them."""
        self.wary = False
        self._window.extend(losses)
        self.until -= len(losses)
        if self.until == 0:
            self._learn()

    def _begin(self, first: float) -> None:
        self.ceiling = self.far = self.calm_below = FIRST_FAR * first if first > 0 else math.inf
        self.wary = False
        self._window.append(first)
        self.until -= 1

    def hold_against(self, start: float, times: float) -> None:
        """Hold further losses against the highest one at the start: above so many ``times`` it they are out of range.

        For an explosion in the first steps, before a range was known: the window holds losses of the explosion.
        """
        self.median = start
        self.ceiling = self.far = times * start
        self.calm_below = start + (self.ceiling - start) / 2

    def begin_anew(self, losses: Sequence[float]) -> None:
        """Forget the window for ``losses``, which were ordinary again."""
        self._window = deque(losses, maxlen=WINDOW)
        self.wary = False
        self.above, self._highest = 0, -math.inf
        self._learn()

    def allow_the_start(self) -> bool:
        """Allow losses as high as at the start until the range is known again; False where that is no more than now.

        For a loss that a larger learning rate has lifted: the range before says nothing about it.
        """
        if self._start is None or self._start <= self.ceiling:
            return False
        self.ceiling, self.far = self._start, (1 + FAR_WIDTHS * LEAST_WIDTH) * self._start
        self.calm_below = self._start / 2
        self._window.clear()
        self._highest = -math.inf
        self.above, self.until = 0, REFRESH
        return True

    def _learn(self) -> None:
        ordered = sorted(self._window)
        count = len(ordered)
        self.until = min(count, REFRESH)
        if not self._start_known:
            self._start, self._start_known = middle(sorted(map(abs, ordered))), count >= START
        start = 0.0 if self._start is None else self._start
        self.median = middle(ordered)
        width = max(ordered[-1] - self.median, LEAST_WIDTH * abs(self.median), START_WIDTH * start)
        if count < START:
            width = max(width, FIRST_WIDTH * start)
        self._highest = max(ordered[-1], self.median + REMEMBERED * (self._highest - self.median))
        self.ceiling = max(self.median + WIDTHS * width, self._highest)
        self.far = max(self.median + FAR_WIDTHS * width, self._highest)
        if self._start_known:
            self.ceiling = min(self.ceiling, max(FAR_FROM_START * start, ordered[-1]))
        self.calm_below = self.median + (self.ceiling - self.median) / 2


def middle(ordered: Sequence[float]) -> float:
    """The median of values in order; of two middle ones the higher."""
    return ordered[len(ordered) // 2]
