"""A loss that counts what is asked of it: nothing about a budget is assumed."""

from collections.abc import Callable

import numpy as np

from fallline._loss_function import LossFunction
from fallline._records import Floats


class Counted:
    """A loss function whose every use is paid for in forward passes.

    Runs go side by side, a row [P] of a stack [B, P] each, and each pays for its own row: one pass for a loss,
    ``price`` passes for a gradient (its forward pass included).

    Args:
        objective: what is evaluated.
        price: forward passes that one gradient costs.

    >>> from fallline._quadratic import Quadratic
    >>> counted = Counted(Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]), price=2.5)
    >>> at = np.zeros((4, 2))
    >>> _ = counted.loss(at), counted.gradient(at), counted.loss(at)
    >>> counted.spent, counted.losses, counted.gradients
    (4.5, 2, 1)
    """

    def __init__(self, objective: LossFunction, price: float) -> None:
        self._objective = objective
        self.price = price
        self.losses = 0
        """Forward passes of each run."""
        self.gradients = 0
        """Gradients of each run."""

    @property
    def spent(self) -> float:
        """Forward passes that each run has paid for."""
        return self.losses + self.price * self.gradients

    def loss(self, parameters: Floats) -> Floats:
        """[B] loss at [B, P]: one pass for each run."""
        self.losses += 1
        return _evaluated(self._objective.loss, parameters)

    def gradient(self, parameters: Floats) -> Floats:
        """[B, P] gradient at [B, P]: ``price`` passes for each run."""
        self.gradients += 1
        return _evaluated(self._objective.gradient, parameters)

    def look(self, parameters: Floats) -> Floats:
        """[B] loss at [B, P], for the record only: no method learns of it, none pays for it."""
        return _evaluated(self._objective.loss, parameters)


def _evaluated(function: Callable[[Floats], Floats], parameters: Floats) -> Floats:
    """NaN and infinity are what a rate that is too large comes to, and are kept."""
    with np.errstate(all="ignore"):
        return np.asarray(function(parameters), dtype=np.float64)
