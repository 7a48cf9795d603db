"""One descent for each rate, in one batch where that is exact."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fallline._descent import optimizer_class
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
    starts = np.broadcast_to(np.asarray(start, dtype=np.float64), (len(rates), np.shape(start)[-1]))
    cls, implied = optimizer_class(optimizer)
    options = {**implied, **options}
    probe = scales_with_rate(cls.__name__, options, rates)
    every = max(every, _thinning((steps + 1) * starts.size, most_kept))
    with np.errstate(all="ignore"):  # a diverged run's NaN and infinity are data
        if probe.scales:
            traces = [
                descend_stacked(
                    objective_gradient, starts[group], rates[group], steps, cls, options, every=every, tick=tick
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
                every=every,
                tick=tick,
            )
    kept = np.array(kept_steps(steps, every), dtype=np.int64)
    return Trajectories(trace.parameters, kept, probe.scales, probe.sentence, trace.preconditioners)


def _side_by_side(traces: list[Trace]) -> Trace:
    diagonals = [trace.preconditioners for trace in traces if trace.preconditioners is not None]
    return Trace(
        np.concatenate([trace.parameters for trace in traces], axis=1),
        np.concatenate(diagonals) if len(diagonals) == len(traces) else None,
    )


def _thinning(numbers: int, most: int) -> int:
    """Of how many steps a pair is kept, so that about ``most`` numbers are.

    >>> _thinning(100, 100), _thinning(1000, 100)
    (1, 20)
    """
    return 1 if numbers <= most else -(-2 * numbers // most)
