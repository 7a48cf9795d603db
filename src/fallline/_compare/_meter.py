"""How far a comparison has come, for whoever watches it."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from fallline._records import Floats

Progress = Callable[[int, int, float], None]
"""Called with (updates done, updates in all, lowest loss so far)."""


class Meter:
    """Adds up the updates that are made; NaN is the lowest loss until a run has ended."""

    def __init__(self, progress: Progress | None = None, total: int = 0) -> None:
        self._progress, self._total = progress, total
        self._done, self._lowest = 0, math.nan

    def tick(self, updates: int) -> None:
        """So many updates more."""
        self._done += updates
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total, self._lowest)

    def expect(self, updates: int) -> None:
        """So many are still to be made, whatever was planned."""
        self._total = self._done + updates

    @contextmanager
    def part(self, guess: int) -> Iterator[Progress]:
        """For work with a count of its own, which was guessed at: what it says replaces the guess."""
        before, rest = self._done, self._total - guess
        planned = 0

        def update(done: int, of: int, lowest: float) -> None:
            nonlocal planned
            planned = of
            self.saw(np.array([lowest]))
            self._done, self._total = before, rest + planned
            self.tick(done)

        yield update
        self._done, self._total = before + planned, rest + planned

    def saw(self, losses: Floats) -> None:
        """Losses of runs that have ended."""
        finite = losses[np.isfinite(losses)]
        if finite.size:
            self._lowest = float(np.fmin(self._lowest, finite.min()))
