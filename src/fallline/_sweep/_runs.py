"""The real runs of a sweep: every rate, every seed, with what they cost in memory kept in bounds.

Shapes: K seeds, S kept steps, B rates, P parameters.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fallline._descent import optimizer_class
from fallline._errors import OptionError
from fallline._problem import SweptProblem
from fallline._records import Floats, Mask
from fallline._sweep._crossing import ValleyWatch, crossed_on_quadratic
from fallline._sweep._evaluated import Evaluated, steps_in_ratio
from fallline._sweep._trajectories import MOST_KEPT, Trajectories, beside, run_rates

Progress = Callable[[int, int, float], None]
"""Called with (updates done, updates planned, lowest loss so far) about twice a second."""

MOST_EVALUATIONS = 500_000_000
"""Rows × rates × steps at which the loss over all rows is still evaluated after every step."""
EVALUATED_AT_ONCE = 200_000
TICK_SECONDS = 0.4
COPIES = 8
"""Of the parameters of every run of a block: the optimizer's own, the slopes, and the like."""
FEW, MANY = 3, 64
"""Rates of the trials, and of a sweep."""


@dataclass(frozen=True, eq=False)
class Runs:
    """What was run."""

    rates: Floats
    """[B] rising."""
    kept: NDArray[np.int64]
    """[S]"""
    path_kept: NDArray[np.int64]
    """[R] the steps at which trajectories are known: as ``kept``, but of a large model fewer."""
    trajectories: Floats
    """[K, R, B, P]"""
    losses: Floats
    """[K, S, B] mean over all rows."""
    crossing: tuple[Mask, Mask] | None
    """Where each run crossed and where that can be told, [K, T, B] each; None where it cannot at all."""
    preconditioners: Floats | None
    """[B, P] at the end of the first seed's runs."""
    batched: bool
    probe: str

    def joined(self, other: "Runs") -> "Runs":
        """Both, in the order of their rates."""
        rates = np.concatenate((self.rates, other.rates))
        order = np.argsort(rates, kind="stable")
        crossing = preconditioners = None
        if self.crossing is not None and other.crossing is not None:
            pairs = zip(self.crossing, other.crossing, strict=True)
            crossed, tells = (np.concatenate(pair, axis=2)[:, :, order] for pair in pairs)
            crossing = crossed, tells
        if self.preconditioners is not None and other.preconditioners is not None:
            preconditioners = np.concatenate((self.preconditioners, other.preconditioners))[order]
        theirs = other.trajectories[:, np.isin(other.path_kept, self.path_kept)]
        return Runs(
            rates=rates[order],
            kept=self.kept,
            path_kept=self.path_kept,
            trajectories=np.concatenate((self.trajectories, theirs), axis=2)[:, :, order],
            losses=np.concatenate((self.losses, other.losses), axis=2)[:, :, order],
            crossing=crossing,
            preconditioners=preconditioners,
            batched=self.batched,
            probe=self.probe,
        )

    def only(self, place: int) -> "Runs":
        """The run at one rate."""
        here = slice(place, place + 1)
        return Runs(
            rates=self.rates[here],
            kept=self.kept,
            path_kept=self.path_kept,
            trajectories=self.trajectories[:, :, here],
            losses=self.losses[:, :, here],
            crossing=None if self.crossing is None else (self.crossing[0][:, :, here], self.crossing[1][:, :, here]),
            preconditioners=None if self.preconditioners is None else self.preconditioners[here],
            batched=self.batched,
            probe=self.probe,
        )


class Runner:
    """Runs rates on one problem, always in the same way.

    Args:
        problem: what is descended on.
        starts: [K, P] one for each seed.
        optimizer: a class of ``torch.optim``.
        options: as ``optimizer_options`` returns them.
        steps: T updates.
        batch_size: rows per step; None for all of them.
        seeds: [K] of the order of the batches.
        progress: see :data:`Progress`.
    """

    def __init__(
        self,
        problem: SweptProblem,
        starts: Floats,
        *,
        optimizer: str,
        options: Mapping[str, object],
        steps: int,
        batch_size: int | None,
        seeds: Sequence[int],
        progress: Progress | None,
    ) -> None:
        self.problem, self.starts = problem, starts
        self.optimizer, self.options = optimizer_class(optimizer)[0].__name__, dict(options)
        self.steps, self.seeds = steps, tuple(seeds)
        rows = problem.rows
        self.batch_size = None if rows is None or batch_size is None or batch_size >= rows else batch_size
        if self.batch_size is not None and self.optimizer == "LBFGS":
            raise OptionError("A sweep of LBFGS uses all rows at every step: leave the batch size out.")
        self._every = self._thinning(rows)
        self._ticker = _Ticker(progress)

    def _thinning(self, rows: int | None) -> int:
        """Keep every step where evaluating the loss there is cheap, else the end of each epoch."""
        if self.batch_size is None or rows is None or self.problem.quadratic is not None:
            return 1
        return 1 if self.steps * rows * 50 <= MOST_EVALUATIONS else -(-rows // self.batch_size)

    def run(self, rates: Floats, steps: int | None = None, *, first_seed_only: bool = False) -> Runs:
        """Run these rates [B], rising, for T steps unless told otherwise.

        Runs of the first seed only are made to place a limit; where they cross is not asked.
        """
        steps = self.steps if steps is None else steps
        count = 1 if first_seed_only else len(self.seeds)
        self._ticker.plan(len(rates) * steps * count)
        pairs = zip(self.starts[:count], self.seeds[:count], strict=True)
        runs = [self._seed(rates, steps, start, seed, crossing=not first_seed_only) for start, seed in pairs]
        first = runs[0][0]
        crossings = [crossing for _, _, crossing in runs if crossing is not None]
        return Runs(
            rates=np.asarray(rates, dtype=np.float64),
            kept=first.kept if first.losses is None else np.arange(steps + 1, dtype=np.int64),
            path_kept=first.kept,
            trajectories=np.array([trajectories.parameters for trajectories, _, _ in runs]),
            losses=np.array([losses for _, losses, _ in runs]),
            crossing=(np.array([c for c, _ in crossings]), np.array([t for _, t in crossings])) if crossings else None,
            preconditioners=first.preconditioners,
            batched=first.batched,
            probe=first.probe,
        )

    def _seed(
        self, rates: Floats, steps: int, start: Floats, seed: int, *, crossing: bool
    ) -> tuple[Trajectories, Floats, tuple[Mask, Mask] | None]:
        watch = ValleyWatch() if crossing and self._watches_valley else None
        evaluated = Evaluated(self.problem.objective) if self.own else None
        slopes = _Slopes(self.problem, self.batch_size, seed, watch, evaluated)
        blocks = [
            run_rates(
                slopes,
                start,
                rates[block],
                optimizer=self.optimizer,
                options=self.options,
                steps=steps,
                losses=self.problem.objective.loss,
                shapes=self._shapes(start),
                most_kept=MOST_KEPT // len(self.seeds),
                every=self._every,
                kept=None if evaluated is None else self._path_steps(len(rates), steps),
                measure=None if evaluated is None else evaluated.losses,
                tick=self._ticker,
            )
            for block in self._blocks(len(rates))
        ]
        runs = blocks[0] if len(blocks) == 1 else beside(blocks)
        losses = self._evaluate(runs.parameters) if runs.losses is None else runs.losses
        self._ticker.saw(losses)
        return runs, losses, self._crossing(runs, watch) if crossing else None

    @property
    def own(self) -> bool:
        """Whether this is somebody's own objective, which may be as large as it likes."""
        return self.problem.loss_name is None

    def _blocks(self, rates: int) -> list[slice]:
        """Rates that go together: all of them, but of a large model no more than fit the memory."""
        most = rates if not self.own else max(1, MOST_KEPT // (COPIES * self.starts.shape[1]))
        return [slice(first, first + most) for first in range(0, rates, most)]

    def _path_steps(self, rates: int, steps: int) -> list[int]:
        """The steps at which paths are kept; those of few rates hold those of many."""
        room = MOST_KEPT // (len(self.seeds) * self.starts.shape[1])
        of_many = steps_in_ratio(steps, room // MANY)
        kept = of_many if rates > FEW else np.union1d(of_many, steps_in_ratio(steps, room // FEW))
        return [int(step) for step in kept]

    @property
    def _watches_valley(self) -> bool:
        """A batch's slope is not the valley's, and LBFGS looks around several times a step."""
        return self.problem.quadratic is None and self.batch_size is None and self.optimizer != "LBFGS"

    def _shapes(self, start: Floats) -> list[tuple[int, ...]]:
        """A neuron's tensors: some optimizers treat a weight matrix and a bias differently."""
        return [(1, len(start) - 1), (1,)] if self.problem.rows is not None else [(len(start),)]

    def _evaluate(self, parameters: Floats) -> Floats:
        """[S, B] the loss over all rows along trajectories [S, B, P]."""
        flat = parameters.reshape(-1, parameters.shape[-1])
        objective = self.problem.objective
        with np.errstate(all="ignore"):
            parts = [
                objective.loss(flat[first : first + EVALUATED_AT_ONCE])
                for first in range(0, len(flat), EVALUATED_AT_ONCE)
            ]
        return np.concatenate(parts).reshape(parameters.shape[:2])

    def _crossing(self, runs: Trajectories, watch: ValleyWatch | None) -> tuple[Mask, Mask] | None:
        whole = len(runs.kept) == runs.kept[-1] + 1
        if not whole and (runs.losses is None or self.problem.quadratic is not None):
            return None
        if self.problem.quadratic is not None:
            return crossed_on_quadratic(self.problem.quadratic, runs.parameters)
        if watch is None:
            return None
        with np.errstate(all="ignore"):
            return watch.crossings(runs.parameters[-1], self.problem.objective.gradient(runs.parameters[-1]))


class _Slopes:
    """The gradient that a step consumes: of all rows, or of the batch whose turn it is, the same for every rate."""

    def __init__(
        self,
        problem: SweptProblem,
        batch_size: int | None,
        seed: int,
        watch: ValleyWatch | None,
        evaluated: Evaluated | None,
    ) -> None:
        self._problem, self._size, self._seed, self._watch = problem, batch_size, seed, watch
        self._evaluated = evaluated
        self._per_epoch = 1 if batch_size is None or problem.rows is None else -(-problem.rows // batch_size)
        self._epoch, self._batches = -1, list[NDArray[np.int64]]()

    def __call__(self, stack: Floats, step: int) -> Floats:
        if self._size is None:
            known = self._evaluated
            gradient = self._problem.objective.gradient(stack) if known is None else known.slopes(stack, step)
            if self._watch is not None:
                self._watch.saw(stack, gradient, step)
            return gradient
        epoch, place = divmod(step, self._per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._problem.batch_rows(self._size, self._seed, epoch)
        return self._problem.batch_gradient(stack, self._batches[place])


class _Ticker:
    """Counts updates and tells about them now and then."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._done = self._planned = 0
        self._lowest = float("inf")
        self._told = time.monotonic()

    def plan(self, updates: int) -> None:
        self._planned += updates

    def saw(self, losses: Floats) -> None:
        finite = losses[np.isfinite(losses)]
        self._lowest = min(self._lowest, float(finite.min(initial=np.inf)))

    def __call__(self, updates: int) -> None:
        self._done += updates
        if self._progress is not None and time.monotonic() - self._told > TICK_SECONDS:
            self._told = time.monotonic()
            self._progress(self._done, self._planned, self._lowest)
