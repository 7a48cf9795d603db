"""Loss and parameters over all steps, as bands: the lowest and highest of each of at most 600 buckets."""

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats, Run
from fallline._view._rounding import significant

BUCKETS = 600


def history(run: Run, most: int = BUCKETS) -> dict[str, object]:
    """The payload's ``history`` in at most so many buckets; NaN shows only in one that holds nothing else."""
    columns = run.columns
    first = _bucket_starts(len(columns), most)
    full_step, full_loss = _full_loss(run, most)
    return {
        "step": first.tolist(),
        "loss_low": _lowest(columns.loss, first).tolist(),
        "loss_high": _highest(columns.loss, first).tolist(),
        "full_step": full_step.tolist(),
        "full_loss": full_loss.tolist(),
        "parameters_low": [_lowest(column, first).tolist() for column in columns.parameters.T],
        "parameters_high": [_highest(column, first).tolist() for column in columns.parameters.T],
    }


def _bucket_starts(total: int, most: int) -> NDArray[np.int64]:
    """[≤ most] the first step of each bucket."""
    buckets = min(total, most)
    return np.arange(buckets) * total // max(buckets, 1)


def _lowest(values: Floats, first: NDArray[np.int64]) -> Floats:
    return significant(np.fmin.reduceat(values, first)) if len(first) else np.empty(0)


def _highest(values: Floats, first: NDArray[np.int64]) -> Floats:
    return significant(np.fmax.reduceat(values, first)) if len(first) else np.empty(0)


def _full_loss(run: Run, most: int) -> tuple[NDArray[np.int64], Floats]:
    """Steps and losses of all rows, the start (step −1) first; of each bucket the lowest and the highest."""
    measured = np.flatnonzero(run.columns.full_loss_measured)
    steps = np.concatenate([[-1], measured])
    losses = np.concatenate([[run.header.start_loss], run.columns.full_loss[measured]])
    if len(losses) > most:
        chosen = _ends_and_extremes(losses, np.linspace(0, len(losses), most // 2 + 1).astype(np.int64)[:-1])
        steps, losses = steps[chosen], losses[chosen]
    return steps, losses


def _ends_and_extremes(losses: Floats, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the ends, and of the lowest and the highest of each bucket; where all of it is NaN, of its first."""
    bucket = np.repeat(np.arange(len(first)), np.diff(first, append=len(losses)))
    chosen = [np.array([0, len(losses) - 1])]
    for extreme in (np.fmin.reduceat(losses, first), np.fmax.reduceat(losses, first)):
        found = np.flatnonzero(losses == extreme[bucket])
        chosen += [found[np.unique(bucket[found], return_index=True)[1]], first[np.isnan(extreme)]]
    return np.unique(np.concatenate(chosen))
