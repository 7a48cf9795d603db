"""Gradients and losses along a path, asked of the objective at a bounded number of its moves."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._planes import Plane, components
from fallline._reach import measure_reach, why_no_reach
from fallline._records import Floats, PathMoves, PathRate, Run
from fallline._store import read_series, stored_snapshots
from fallline._surface._cells import Tally, loss_at

MOST: Final = 40
"""Moves: each costs a gradient and four losses."""
MOST_CHEAP: Final = 400
"""Of an exact objective, or of a small model on few rows, where they cost next to nothing."""
CHEAP: Final = 2_000_000_000
"""Parameters × rows × moves up to which more than ``MOST`` are looked at: about a second."""
BETWEEN: Final = (-0.5, 0.5, 1.5, 2.5)
"""Parts of a move at which the loss is asked for; at 0 and 1 it is known."""
ROUNDING: Final = 16 * np.finfo(np.float64).eps
"""Of the loss: a change below it may be rounding."""


def chosen_moves(total: int, most: int) -> NDArray[np.int64]:
    """Which of ``total`` moves are looked at: all, or the first third without a gap, the others ever sparser.

    >>> chosen_moves(4, 40).tolist()
    [0, 1, 2, 3]
    >>> len(chosen_moves(10_000, 40)), chosen_moves(10_000, 40)[-1]
    (40, np.int64(9999))
    """
    if total <= most:
        return np.arange(total, dtype=np.int64)
    head = most // 3
    rest = np.geomspace(head, total - 1, most - head).round().astype(np.int64)
    taken = np.unique(np.concatenate([np.arange(head, dtype=np.int64), rest]))
    free = np.setdiff1d(np.arange(total, dtype=np.int64), taken)[: most - len(taken)]
    return np.unique(np.concatenate([taken, free]))


def most_moves(objective: LossFunction) -> int:
    """How many moves are looked at: the same for the same objective, whatever the machine."""
    if getattr(objective, "layout", None) is None:
        return MOST_CHEAP
    rows: int | None = getattr(objective, "rows", None)
    return MOST if not rows else int(np.clip(CHEAP // (objective.parameter_count * rows), MOST, MOST_CHEAP))


def moves_of(objective: LossFunction, plane: Plane, path: Floats, losses: Floats, tally: Tally) -> PathMoves | None:
    """What the loss does along the path's moves; None where no two points are finite, or after Ctrl-C.

    Args:
        path: [T, P]
        losses: [T] the loss at its points.
    """
    at = chosen_moves(len(path) - 1, most_moves(objective))
    whole = np.isfinite(path).all(axis=1) & np.isfinite(losses)
    at = at[whole[at] & whole[at + 1]] if len(at) else at
    if not len(at):
        return None
    gradients = _gradients(objective, path, at, tally)
    if gradients is None:
        return None
    along = _along(objective, path, losses, at, tally)
    if along is None:
        return None
    slice_t, slice_loss = along
    moved = path[at + 1] - path[at]
    with np.errstate(over="ignore", invalid="ignore"):
        promised, came = np.einsum("kp,kp->k", gradients, moved), losses[at + 1] - losses[at]
        norm = np.sqrt(np.einsum("kp,kp->k", gradients, gradients))
        rounding = ROUNDING * np.maximum(np.abs(losses[at]), np.abs(losses[at + 1]))
        reach, measured = measure_reach(promised, 2 * (came - promised), rounding, 4 * rounding)
    any_move = (moved != 0).any(axis=1)
    why = tuple(
        "" if measured[k] else why_no_reach(promised[k], came[k], rounding[k], moved=bool(any_move[k])).value
        for k in range(len(at))
    )
    return PathMoves(
        at=at,
        gradient=components(plane, gradients),
        gradient_norm=norm,
        promised=promised,
        came=came,
        reach=reach,
        reach_measured=measured,
        no_reach=why,
        slice_t=slice_t,
        slice_loss=slice_loss,
    )


def _gradients(objective: LossFunction, path: Floats, at: NDArray[np.int64], tally: Tally) -> Floats | None:
    """[K, P] one after the other, so that Ctrl-C is heard; None after it."""
    found = np.empty((len(at), path.shape[1]))
    tally.expect(len(at))
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for k, point in enumerate(at):
                found[k] = objective.gradient(path[point : point + 1])[0]
                tally.add(1)
    except KeyboardInterrupt:
        return None
    return found


def _along(
    objective: LossFunction, path: Floats, losses: Floats, at: NDArray[np.int64], tally: Tally
) -> tuple[Floats, Floats] | None:
    """Parts of a move [S], and the loss there [K, S]; None after Ctrl-C."""
    tally.expect(len(at) * len(BETWEEN))
    held = np.empty((len(at), len(BETWEEN)))
    for column, part in enumerate(BETWEEN):
        for begin in range(0, len(at), MOST):  # only so many vectors exist at once
            some = at[begin : begin + MOST]
            found, done = loss_at(objective, path[some] + part * (path[some + 1] - path[some]), tally)
            if done < len(some):
                return None
            held[begin : begin + MOST, column] = found
    parts = np.array([*BETWEEN, 0.0, 1.0])
    order = np.argsort(parts)
    whole = np.column_stack([held, losses[at], losses[at + 1]])
    return parts[order], whole[:, order]


def rate_of(path: object) -> PathRate | None:
    """The rates and their limits, where the path is a run's or a recording's; None where nobody knows them."""
    if isinstance(path, Run):
        own, limit = path.columns.learning_rate, None if path.summary is None else path.summary.stability_limit
        value = np.append(own, own[-1:] if len(own) else [np.nan]).astype(np.float64)
        return PathRate(value, np.full(len(value), np.nan if limit is None else limit))
    if not isinstance(path, str | Path):
        return None
    after = np.array(stored_snapshots(path), dtype=np.int64)
    rates, limits = read_series(path, "learning_rate"), read_series(path, "sharpness.limit")
    measured = np.where(limits.measured, limits.values, np.nan)
    return PathRate(_within(after, rates.step - 1, rates.values[:, 0]), _within(after, limits.step, measured))


def _within(after: NDArray[np.int64], step: NDArray[np.int64], values: Floats) -> Floats:
    """[T] the first value from each snapshot on and before the next one; NaN where there is none.

    ``step``: after how many of the loop's steps a value belongs.
    """
    if not len(step):
        return np.full(len(after), np.nan)
    place = np.searchsorted(step, after)
    found = np.minimum(place, len(step) - 1)
    before_next = step[found] < np.append(after[1:], after[-1] + 1)
    return np.where((place < len(step)) & before_next, values[found], np.nan)
