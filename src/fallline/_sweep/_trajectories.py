"""One descent for each rate, in one batch where that is exact."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fallline._descent import optimizer_class
from fallline._errors import OptionError
from fallline._records import Floats
from fallline._sweep._descents import (
    Losses,
    Shapes,
    Slopes,
    Tick,
    Trace,
    descend_each,
    descend_stacked,
    kept_steps,
    silent,
    together,
)
from fallline._sweep._probe import scales_with_rate

MOST_KEPT = 20_000_000
"""Numbers of a trajectory that are kept (160 MB); beyond that only each so-manieth step is."""
MOST_NOTED = 200_000_000
"""Losses that are kept, one for each run and step (1.6 GB)."""
MOST_STEPS = 1_000_000_000


class Trajectories(NamedTuple):
    """What B descents left behind."""

    parameters: Floats
    """[S, B, P] before the first step and after each kept one; S = T + 1 unless memory forbids it."""
    kept: NDArray[np.int64]
    """[S] the steps that are kept: 0 … T."""
    batched: bool
    probe: str
    """One sentence: why they ran in one batch, or why not."""
    preconditioners: Floats | None
    """[B, P] of each run's last update; None for optimizers without one."""
    losses: Floats | None = None
    """[T + 1, B] at every step, where they were asked for."""


def run_rates(
    objective_gradient: Slopes,
    start: Floats,
    rates: Floats,
    *,
    optimizer: str,
    options: Mapping[str, object],
    steps: int,
    losses: Losses | None = None,
    shapes: Shapes | None = None,
    most_kept: int = MOST_KEPT,
    every: int = 1,
    kept: Sequence[int] | None = None,
    measure: Losses | None = None,
    tick: Tick = silent,
) -> Trajectories:
    """Descend from ``start`` at every rate with PyTorch's own optimizer.

    Args:
        objective_gradient: (stack [B, P], step) → [B, P]; called with B = 1 where rates run one after the other.
        start: [P], or [B, P] one for each rate.
        rates: [B] learning rates.
        optimizer: a class of ``torch.optim``, or ``momentum``, ``nesterov``.
        options: what that class takes beside the rate, as ``optimizer_options`` returns them.
        steps: T updates.
        losses: stack [B, P] → [B]; only LBFGS needs them.
        shapes: of the tensors a row consists of, for optimizers that tell a matrix from a vector.
        most_kept: numbers of the trajectory to keep.
        every: keep a pair of steps at each so-manieth one, beside the first 64; more seldom where memory forbids it.
        kept: these steps exactly, 0 and T among them, whatever memory they take.
        measure: stack [B, P] → [B], to be noted at every step.
        tick: called with the number of updates made since it was last called.

    Raises:
        OptionError: the optimizer does not exist, or cannot train such parameters.

    >>> runs = run_rates(lambda stack, step: 2 * stack, np.array([4.0]), np.array([0.25, 0.5]),
    ...                  optimizer="SGD", options={}, steps=2)
    >>> runs.parameters[:, :, 0], runs.batched
    (array([[4., 4.],
           [2., 0.],
           [1., 0.]]), True)
    """
    rates = np.asarray(rates, dtype=np.float64)
    _refuse_too_long(steps, len(rates), noted=measure is not None)
    starts = np.broadcast_to(np.asarray(start, dtype=np.float64), (len(rates), np.shape(start)[-1]))
    cls, implied = optimizer_class(optimizer)
    options = {**implied, **options}
    probe = scales_with_rate(cls.__name__, options, rates)
    if kept is None:
        kept = kept_steps(steps, max(every, _thinning((steps + 1) * starts.size, most_kept)))
    with np.errstate(all="ignore"):  # a diverged run's NaN and infinity are data
        if probe.scales:
            traces = [
                descend_stacked(
                    objective_gradient,
                    starts[group],
                    rates[group],
                    steps,
                    cls,
                    options,
                    kept=kept,
                    measure=measure,
                    tick=tick,
                )
                for group in together(rates)
            ]
            trace = traces[0] if len(traces) == 1 else _side_by_side(traces)
        else:
            trace = descend_each(
                objective_gradient,
                starts,
                rates,
                steps,
                cls,
                options,
                losses=losses,
                shapes=shapes,
                kept=kept,
                measure=measure,
                tick=tick,
            )
    steps_kept = np.array(kept, dtype=np.int64)
    return Trajectories(trace.parameters, steps_kept, probe.scales, probe.sentence, trace.preconditioners, trace.losses)


def beside(blocks: Sequence[Trajectories]) -> Trajectories:
    """Blocks of rates of the same descent as one."""
    joined = _side_by_side([Trace(block.parameters, block.preconditioners, block.losses) for block in blocks])
    return blocks[0]._replace(
        parameters=joined.parameters, preconditioners=joined.preconditioners, losses=joined.losses
    )


def _side_by_side(traces: list[Trace]) -> Trace:
    diagonals = [trace.preconditioners for trace in traces if trace.preconditioners is not None]
    noted = [trace.losses for trace in traces if trace.losses is not None]
    return Trace(
        np.concatenate([trace.parameters for trace in traces], axis=1),
        np.concatenate(diagonals) if len(diagonals) == len(traces) else None,
        np.concatenate(noted, axis=1) if noted else None,
    )


def _refuse_too_long(steps: int, runs: int, *, noted: bool) -> None:
    """Before anything is allocated: what no memory holds, and no one waits for."""
    if steps > MOST_STEPS:
        raise OptionError(f"A run has at most {MOST_STEPS:,} steps, not {steps:,}.")
    if noted and steps * runs > MOST_NOTED:
        raise OptionError(
            f"{steps:,} steps of {runs:,} runs at once are {steps * runs:,} losses to keep, and at most "
            f"{MOST_NOTED:,} are kept: take fewer steps."
        )


def _thinning(numbers: int, most: int) -> int:
    """Of how many steps a pair is kept, so that about ``most`` numbers are.

    >>> _thinning(100, 100), _thinning(1000, 100)
    (1, 20)
    """
    return 1 if numbers <= most else -(-2 * numbers // most)
