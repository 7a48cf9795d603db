"""Losses and slopes of many runs on somebody's own objective, at every step; of their paths what memory allows."""

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._records import Floats


class Evaluated:
    """Losses and slopes at the same place, from one pass over the data where the objective offers that."""

    def __init__(self, objective: LossFunction) -> None:
        self._objective = objective
        self._both = getattr(objective, "loss_and_gradient", None)
        self._at: bytes | None = None
        self._slopes: Floats | None = None

    def losses(self, stack: Floats) -> Floats:
        """[B] losses of a stack [B, P] that slopes will be asked for next."""
        if self._both is None:
            return self._objective.loss(stack)
        found, self._slopes = self._both(stack)
        self._at = stack.tobytes()
        losses: Floats = found
        return losses

    def slopes(self, stack: Floats, step: int) -> Floats:
        """[B, P] gradients."""
        del step
        if self._slopes is not None and self._at == stack.tobytes():
            return self._slopes
        return self._objective.gradient(stack)


def steps_in_ratio(steps: int, most: int) -> NDArray[np.int64]:
    """[≤ most] of the steps 0 … T: all of them where they fit, else in even ratios, the first and the last among them.

    >>> steps_in_ratio(3, 10), steps_in_ratio(100, 7), steps_in_ratio(100, 0)
    (array([0, 1, 2, 3]), array([  0,   1,   3,   6,  16,  40, 100]), array([  0, 100]))
    """
    if most > steps:
        return np.arange(steps + 1, dtype=np.int64)
    later = np.geomspace(1, steps, most - 1) if most > 2 else np.array([steps])
    return np.unique(np.concatenate([[0], later.round()])).astype(np.int64)
