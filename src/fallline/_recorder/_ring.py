"""What the flight recorder's ring holds, as the alarm's record of it."""

from collections.abc import Sequence

import numpy as np

from fallline._recorder._rows import Owners, Row, by_layer
from fallline._records import Flight, Integers


def flight_of(rows: Sequence[Row], owners: Owners) -> Flight:
    """The last D rows by layers."""
    layers = by_layer(rows, owners)
    return Flight(
        step=layers.step,
        loss=np.array([0.0 if row.loss is None else row.loss for row in rows], dtype=np.float64),
        gradient_norm=layers.gradient_norm,
        update_norm=layers.update_norm,
        parameter_norm=layers.parameter_norm,
        measured=layers.measured,
        loss_measured=np.array([row.loss is not None for row in rows], dtype=np.bool_),
    )


REGULAR = 0.8
"""The share of equal gaps from which on an optimizer's updates come regularly."""


def skipped_updates(updates: Sequence[int]) -> Integers:
    """Which rows [K] of one optimizer lack an update that was due: a loss scaler has skipped it.

    An optimizer that accumulates updates at every n-th row, so a row is due n rows after an update, and n rows after
    one that was due. Where the gaps between updates are not mostly of n rows, none is said to be missing.

    >>> skipped_updates([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1]), skipped_updates([1, 0, 0, 1, 1, 0, 1])
    (array([13]), array([], dtype=int64))
    """
    made = np.flatnonzero(np.asarray(updates) > 0)
    gaps = np.diff(made)
    if not len(gaps):
        return np.zeros(0, dtype=np.int64)
    every = int(np.median(gaps))
    if np.mean(gaps == every) < REGULAR:
        return np.zeros(0, dtype=np.int64)
    ends = zip(made, [*made[1:], len(updates)], strict=True)
    return np.array([row for last, following in ends for row in range(last + every, following, every)], dtype=np.int64)
