"""What a gradient costs on this machine, in forward passes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

BLOCKS = 24
CALLS = 10
"""Forward passes, and forward with backward passes, are timed in turn: a machine that slows down slows both."""


@dataclass(frozen=True)
class Price:
    """How many forward passes one gradient costs, its own forward pass included."""

    ratio: float
    forward_seconds: float | None = None
    """One forward pass; None where the price was given, not measured."""
    gradient_seconds: float | None = None
    """One forward and backward pass."""

    @property
    def measured(self) -> bool:
        """True where this run took the time."""
        return self.forward_seconds is not None


def measured_price(evaluate: Callable[[], Tensor], parameters: list[Tensor]) -> Price:
    """Time ``evaluate`` (one forward pass, giving the loss) alone and with its backward pass: medians and their ratio.

    >>> w = torch.nn.Parameter(torch.tensor(5.0))
    >>> measured_price(lambda: (w - 3) ** 2, [w]).ratio >= 1
    True
    """

    def forward() -> None:
        with torch.no_grad():
            evaluate()

    def both() -> None:
        for parameter in parameters:
            parameter.grad = None
        evaluate().backward()  # type: ignore[no-untyped-call]  # torch ships no annotation for it

    times = np.array([[_seconds(forward), _seconds(both)] for _ in range(BLOCKS)])
    single, double = (float(value) for value in np.median(times[BLOCKS // 4 :], axis=0))
    for parameter in parameters:
        parameter.grad = None
    return Price(max(1.0, double / single), single, double)


def _seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS
