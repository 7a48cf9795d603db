"""What listens to an optimizer while nothing is asked but whether it made an update."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.compiler import is_dynamo_compiling


class QuietUpdate:
    """Stands in the place of the hook after an update: most steps of a loop with a budget are measured by nothing.

    A call finds the processor's caches full of somebody's training: what takes a microsecond in a loop of its own takes
    three in theirs. So this is one short function and a small object.
    """

    __slots__ = ("_group", "_known", "_otherwise", "_rates_now", "only", "rates")

    def __init__(self, groups: int, *, otherwise: Callable[..., Any], rates_now: Callable[[], tuple[Any, ...]]) -> None:
        """``otherwise`` is the hook for whatever is not one plain update; ``rates_now`` asks every group."""
        self.rates: tuple[Any, ...] | None = None
        """The learning rates of the one update that was made since they were taken; None where there is none."""
        self.only = True
        """False once the longer way was gone since the last row: the rest of that row's updates are left to it."""
        self._group: int | None = 0 if groups == 1 else None
        self._known: tuple[Any, ...] = (math.nan,)
        """Those of the update before: one tuple for many rows."""
        self._otherwise, self._rates_now = otherwise, rates_now

    def after_step(self, optimizer: torch.optim.Optimizer, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        """PyTorch calls it."""
        try:
            if self.only and self.rates is None and "found_inf" not in optimizer.__dict__ and not is_dynamo_compiling():
                if self._group is None or optimizer.param_groups[self._group].get("lr") is not self._known[0]:
                    self._known = self._rates_now()
                self.rates = self._known
                return
        except Exception:  # noqa: BLE001  (whatever stands in somebody's groups; the longer way says so)
            self.rates = None
        self.only = False
        self._otherwise(optimizer, arguments, options)
