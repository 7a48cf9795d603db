"""Where contenders run: one problem, one number of steps, the same starts and batches for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from fallline._compare._contenders import Entry
from fallline._compare._meter import Meter
from fallline._problem import SweptProblem
from fallline._records import Counts, Floats
from fallline._sweep import run_rates

MOST_KEPT = 20_000_000
"""Numbers of trajectories that are in memory at once (160 MB)."""
MOST_STEPS_KEPT = 5_000
"""Runs with more steps keep their parameters at the measured steps only, and no parts."""


class Flown(NamedTuple):
    """Runs at several rates from the starts of several seeds; N of them in a row have [N] for [B, K]."""

    losses: Floats
    """[B, K, M]"""
    ends: Floats
    """[B, K, P] the parameters after the last step."""
    path: Floats
    """[R, P] at the first rate, of the first seed, at the steps ``Arena.path_at``."""
    batched: bool
    probe: str


@dataclass(frozen=True)
class Arena:
    """The problem, how long a run is, and where the loss over all rows is measured."""

    problem: SweptProblem
    epochs: int
    batch_size: int | None
    """None for full batch and formulas."""
    meter: Meter = field(default_factory=Meter)

    @property
    def per_epoch(self) -> int:
        """Updates in one pass over the rows."""
        rows = self.problem.rows
        return 1 if rows is None or self.batch_size is None else -(-rows // self.batch_size)

    @property
    def steps(self) -> int:
        """T."""
        return self.epochs * self.per_epoch

    @property
    def measured_at(self) -> Counts:
        """[M] every step in full batch, else the last of each epoch."""
        return np.arange(0, self.steps + 1, self.per_epoch, dtype=np.int64)

    @property
    def path_at(self) -> Counts:
        """[R] the steps at which the parameters of a run are kept."""
        return np.arange(self.steps + 1, dtype=np.int64) if self.steps <= MOST_STEPS_KEPT else self.measured_at

    @property
    def keeps_parts(self) -> bool:
        """Whether the terms of every step are kept."""
        return self.steps <= MOST_STEPS_KEPT

    def run(self, entry: Entry, rates: Sequence[float] | Floats, starts: Floats, seeds: Sequence[int]) -> Flown:
        """Every rate from the start of every seed [K, P]; in full batch all of them at once, where that is exact."""
        given = np.asarray(rates, dtype=np.float64)
        groups = [range(len(seeds))] if self.batch_size is None else [range(k, k + 1) for k in range(len(seeds))]
        done = [self.group(entry, given, starts[list(group)], seeds[group[0]]) for group in groups]
        return Flown(
            losses=np.concatenate([flown.losses for flown in done], axis=1),
            ends=np.concatenate([flown.ends for flown in done], axis=1),
            path=done[0].path,
            batched=done[0].batched,
            probe=done[0].probe,
        )

    def group(self, entry: Entry, rates: Floats, starts: Floats, seed: int) -> Flown:
        """All rates from these starts, which see the same batches; as many at once as memory allows."""
        each, stack = np.repeat(rates, len(starts)), np.tile(starts, (len(rates), 1))
        most = max(1, MOST_KEPT // (self.kept_of_a_run * starts.shape[1]))
        parts: list[Flown] = []
        for low in range(0, len(each), most):
            rows = slice(low, low + most)
            part = self.fly(entry, each[rows], stack[rows], seed)
            self.meter.saw(part.losses)
            parts.append(part._replace(path=parts[0].path) if parts else part)  # of the others none is kept
        if not parts:
            raise ValueError("no rate was given")
        shape = (len(rates), len(starts), -1)
        return parts[-1]._replace(
            losses=np.concatenate([part.losses for part in parts]).reshape(shape),
            ends=np.concatenate([part.ends for part in parts]).reshape(shape),
        )

    @property
    def kept_of_a_run(self) -> int:
        """Steps whose parameters are in memory while runs are made."""
        return self.steps + 1

    def fly(self, entry: Entry, rates: Floats, starts: Floats, seed: int) -> Flown:
        """N runs [N] from N starts [N, P] at once: losses [N, M], ends [N, P], and the path of the first."""
        made = run_rates(
            self._slopes(seed),
            starts,
            rates,
            optimizer=entry.optimizer,
            options=entry.options,
            steps=self.steps,
            losses=self.problem.objective.loss,
            shapes=self.shapes,
            most_kept=(self.steps + 1) * starts.size,
            tick=self.meter.tick,
        )
        measured = made.parameters[self.measured_at]
        with np.errstate(all="ignore"):  # a diverged run's NaN and infinity are data
            at_all = self.problem.objective.loss(measured.reshape(-1, starts.shape[1]))
        losses = at_all.reshape(measured.shape[:2]).T
        return Flown(losses, made.parameters[-1], made.parameters[self.path_at, 0], made.batched, made.probe)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the tensors that a neuron consists of: some optimizers tell a matrix from a vector."""
        count = self.problem.objective.parameter_count
        return [(count,)] if self.problem.rows is None else [(1, count - 1), (1,)]

    def _slopes(self, seed: int) -> Callable[[Floats, int], Floats]:
        """The gradient that step by step is consumed: of all rows, or of this seed's batches."""
        if self.batch_size is None:
            return lambda stack, _: self.problem.objective.gradient(stack)
        batches = _Batches(self.problem, self.batch_size, seed)
        return lambda stack, step: self.problem.batch_gradient(stack, batches(*divmod(step, self.per_epoch)))

    def gradients(self, path: Floats, seed: int) -> Floats:
        """[T, P] what the optimizer consumed along a path [T + 1, P]."""
        with np.errstate(all="ignore"):
            if self.batch_size is None:
                return self.problem.objective.gradient(path[:-1])
            slopes = self._slopes(seed)
            return np.concatenate([slopes(at[None], step) for step, at in enumerate(path[:-1])])


class _Batches:
    """The rows of one batch after another; an epoch's order is drawn once."""

    def __init__(self, problem: SweptProblem, size: int, seed: int) -> None:
        self._problem, self._size, self._seed = problem, size, seed
        self._epoch: int | None = None
        self._rows: list[Counts] = []

    def __call__(self, epoch: int, batch: int) -> Counts:
        if epoch != self._epoch:
            self._epoch, self._rows = epoch, self._problem.batch_rows(self._size, self._seed, epoch)
        return self._rows[batch]
