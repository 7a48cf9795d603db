"""A learning rate for who gave none: measured, and never more than half the stability limit."""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from fallline._curvature import provable_limit
from fallline._descent import Batches, descend, make_optimizer, make_schedule, optimizer_class
from fallline._errors import OptionError
from fallline._problem import Problem, largest_anywhere, sharpest_batch

TRIALS_PER_DECADE = 2
LOWEST_TRIAL = 1e-4
MOST_TRIAL_STEPS = 400


class Rate(NamedTuple):
    """A learning rate and the sentence that says where it comes from."""

    value: float
    reason: str


def auto_rate(
    problem: Problem,
    batches: Batches,
    optimizer: str,
    options: Mapping[str, object],
    start: torch.nn.Linear,
    epochs: int,
    *,
    schedule: str = "",
) -> Rate:
    """Half the stability limit where there is a provable one, else the best of a few real runs."""
    made = make_optimizer(optimizer, list(start.parameters()), 1.0, options)  # options are refused before a formula
    if problem.kind.curvature_bound is not None and not options.get("maximize"):
        sharpness = largest_anywhere(problem) if batches.full else sharpest_batch(problem, batches)
        limit = provable_limit(type(made).__name__, options, sharpness)
        if limit is not None:
            return _below(limit.value, batches.full)
    if optimizer_class(optimizer)[0] is torch.optim.LBFGS:
        return Rate(1.0, "1 is LBFGS's own: it scales its steps by the curvature that it has seen.")
    trials = _Trials(problem, batches, optimizer, options, start, epochs, schedule)
    return trials.best()


def _below(limit: float, full: bool) -> Rate:
    if full:
        value = _rounded_down(limit / 2)
        return Rate(
            value,
            f"{value:g} is half the stability limit {limit:.4g}, which was computed from the data's curvature.",
        )
    value = _rounded_down(limit / 10)
    return Rate(
        value,
        f"{value:g} is a tenth of {limit:.4g}, the stability limit of the sharpest batch of the first epoch: "
        "with mini-batches the loss hovers above its bottom by an amount proportional to the rate.",
    )


@dataclass(frozen=True)
class _Trials:
    """A grid of rates, each run for real from the same start with everything else as it will be."""

    problem: Problem
    batches: Batches
    optimizer: str
    options: Mapping[str, object]
    start: torch.nn.Linear
    epochs: int
    schedule: str

    @property
    def length(self) -> int:
        """Epochs of a trial."""
        return max(1, min(self.epochs, MOST_TRIAL_STEPS // self.batches.per_epoch))

    def best(self) -> Rate:
        """The rate that ends lowest."""
        reach = max(1.0, float(np.abs(self.problem.target64).max()))
        decades = math.ceil(math.log10(reach)) + 1 - round(math.log10(LOWEST_TRIAL))
        rates = [LOWEST_TRIAL * 10 ** (k / TRIALS_PER_DECADE) for k in range(decades * TRIALS_PER_DECADE + 1)]
        ends = [self.end(rate) for rate in rates]
        finite = [(end, rate) for end, rate in zip(ends, rates, strict=True) if math.isfinite(end)]
        name = optimizer_class(self.optimizer)[0].__name__
        if not finite:
            raise OptionError(
                f"No learning rate from {rates[0]:g} to {rates[-1]:g} kept the loss finite with {name}: "
                "give --learning-rate yourself, or choose another optimizer."
            )
        value = _rounded_down(min(finite)[1])
        return Rate(
            value,
            f"{value:g} ended lowest of {len(rates)} rates from {rates[0]:g} to {rates[-1]:g}, each tried for real "
            f"for {self.length} epoch{'s' if self.length != 1 else ''}: {name} with the loss "
            f"{self.problem.kind.name} has no limit that is known beforehand.",
        )

    def end(self, rate: float) -> float:
        """Mean loss over all rows after a short run at this rate.

        A schedule whose length was left open is as long as the trial; one with options keeps its own length.
        """
        model = deepcopy(self.start)
        made = make_optimizer(self.optimizer, list(model.parameters()), rate, self.options)
        scheduler = make_schedule(self.schedule, made, self.epochs if ":" in self.schedule else self.length)
        last = None
        steps = descend(model, self.problem.loss_fn(), self.batches, made, epochs=self.length, scheduler=scheduler)
        for last in steps:
            if not math.isfinite(last.loss):
                return math.inf
        return math.inf if last is None else float(self.problem.objective.loss(last.parameters)[0])


def _rounded_down(value: float) -> float:
    """To three significant digits, never up by more than a millionth (the rounding of float32 columns)."""
    digits = 2 - math.floor(math.log10(value))
    return float(f"{math.floor(value * 10.0**digits * (1 + 1e-6)) * 10.0**-digits:.3g}")
