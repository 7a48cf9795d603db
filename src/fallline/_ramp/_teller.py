"""Tells how far a ramp is, about twice a second."""

import time
from collections.abc import Callable

import numpy as np

Progress = Callable[[int, int, float], None]
"""Called with (updates done, updates planned at most, lowest loss so far)."""
SECONDS = 0.5


class Teller:
    """Counts updates; ``planned`` of them at most."""

    def __init__(self, progress: Progress | None, planned: int) -> None:
        self._progress, self._planned = progress, planned
        self._done = 0
        self._lowest = float("inf")
        self._told = time.monotonic()

    def saw(self, loss: float) -> None:
        """One update more."""
        self._done += 1
        if np.isfinite(loss):
            self._lowest = min(self._lowest, loss)
        if self._progress is not None and time.monotonic() - self._told >= SECONDS:
            self._told = time.monotonic()
            self._progress(min(self._done, self._planned), self._planned, self._lowest)
