"""Learning rates tried one after the other, for what no sweep can run: a schedule, very many rows."""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch

from fallline._descent import Batches, make_optimizer, make_schedule, optimizer_class
from fallline._errors import OptionError
from fallline._fit._rate import Rate, rounded_down
from fallline._problem import NeuronProblem, Problem
from fallline._sweep import Progress

TRIALS_PER_DECADE = 2
LOWEST_TRIAL = 1e-4
MOST_TRIAL_STEPS = 400


@dataclass(frozen=True)
class Trials:
    """A grid of rates, each run for real from the same start with everything else as it will be."""

    problem: Problem
    batches: Batches | None
    optimizer: str
    options: Mapping[str, object]
    start: torch.nn.Module
    epochs: int
    schedule: str

    @property
    def length(self) -> int:
        """Epochs of a trial."""
        per_epoch = 1 if self.batches is None else self.batches.per_epoch
        return max(1, min(self.epochs, MOST_TRIAL_STEPS // per_epoch))

    def best(self, progress: Progress | None = None) -> Rate:
        """The rate that ends lowest; ``progress`` is told before each: how many were tried, of how many, the lowest."""
        decades = math.ceil(math.log10(self._reach())) + 1 - round(math.log10(LOWEST_TRIAL))
        rates = [LOWEST_TRIAL * 10 ** (k / TRIALS_PER_DECADE) for k in range(decades * TRIALS_PER_DECADE + 1)]
        ends: list[float] = []
        for tried, rate in enumerate(rates):
            if progress is not None:
                progress(tried, len(rates), min(ends, default=math.nan))
            ends.append(self.end(rate))
        finite = [(end, rate) for end, rate in zip(ends, rates, strict=True) if math.isfinite(end)]
        name = optimizer_class(self.optimizer)[0].__name__
        if not finite:
            raise OptionError(
                f"No learning rate from {rates[0]:g} to {rates[-1]:g} kept the loss finite with {name}: "
                "give --learning-rate yourself, or choose another optimizer."
            )
        value = rounded_down(min(finite)[1])
        loss = "this formula" if self.problem.formula is not None else f"the loss {self.problem.loss_name}"
        return Rate(
            value,
            f"{value:g} ended lowest of {len(rates)} rates from {rates[0]:g} to {rates[-1]:g}, each tried for real "
            f"for {self.length} epoch{'s' if self.length != 1 else ''}: {name} with {loss} "
            "has no limit that is known beforehand.",
        )

    def _reach(self) -> float:
        """How far a parameter may have to go: as far as the largest target, or the start of a formula."""
        if isinstance(self.problem, NeuronProblem):
            return max(1.0, float(np.abs(self.problem.target64).max()))
        return max(1.0, float(np.abs(self.problem.starting_point(None, seed=0)).max()))

    def end(self, rate: float) -> float:
        """Mean loss over all rows after a short run at this rate.

        A schedule whose length was left open is as long as the trial; one with options keeps its own length.
        """
        model = deepcopy(self.start)
        made = make_optimizer(self.optimizer, list(model.parameters()), rate, self.options)
        scheduler = make_schedule(self.schedule, made, self.epochs if ":" in self.schedule else self.length)
        last = None
        for last in self.problem.descend(model, self.batches, made, epochs=self.length, scheduler=scheduler):
            if not math.isfinite(last.loss):
                return math.inf
        return math.inf if last is None else float(self.problem.objective.loss(np.array(last.parameters))[0])
