"""Raw rows of the loop, and what they become: the loop only gathers them, the rest is done beside it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._recorder._gauge import SUMS, Gauge, Reading
from fallline._recorder._schedule import is_due
from fallline._records import Floats, Integers, LayerSeries, Mask, StepSeries


class Row(NamedTuple):
    """One call of ``watch.step``."""

    step: int
    seconds: float
    loss: float | None
    rates: tuple[float, ...]
    """[G]"""
    updates: tuple[int, ...]
    """[O]"""
    readings: tuple[Reading | None, ...]
    """[O] of [SUMS × columns]"""
    finite: bool = True
    """False where a reading holds a number that is not finite."""


class Owners(NamedTuple):
    """Which layers each optimizer's reading is of."""

    layers: tuple[Integers, ...]
    """[O] of the layers of that optimizer, rising"""
    first: tuple[Integers, ...]
    """[O] of the first column of each of these layers; further ones follow it."""
    columns: tuple[int, ...]
    """[O]"""
    layer_count: int
    """L"""


def owners(gauges: Sequence[Gauge], layers: int) -> Owners:
    """Of these gauges' readings; ``layers`` is L."""
    found = [np.unique(np.array(gauge.layers, dtype=np.int64), return_index=True) for gauge in gauges]
    return Owners(
        tuple(layer for layer, _ in found),
        tuple(first for _, first in found),
        tuple(len(gauge.layers) for gauge in gauges),
        layers,
    )


def steps_of(rows: Sequence[Row], layout: Owners) -> StepSeries:
    """The record's row of every raw one."""
    sums, measured = _sums(rows, layout)
    totals = np.stack([block.sum(axis=2) for block in sums], axis=1)  # [T, O, SUMS]
    with np.errstate(invalid="ignore"):
        norms = np.sqrt(totals[..., :3])
    step, seconds, losses, rates, updates, *_ = zip(*rows, strict=True)
    return StepSeries(
        step=np.array(step, dtype=np.int64),
        seconds=np.array(seconds, dtype=np.float64),
        loss=np.array([0.0 if loss is None else loss for loss in losses], dtype=np.float64),
        loss_measured=np.array([loss is not None for loss in losses], dtype=np.bool_),
        learning_rate=np.array(rates, dtype=np.float64),
        updates=np.array(updates, dtype=np.int64),
        gradient_norm=norms[..., 0],
        update_norm=norms[..., 1],
        parameter_norm=norms[..., 2],
        first_order_change=totals[..., 3],
        measured=measured,
    )


class RowsToRecords:
    """Makes records of the rows, block after block; in the scribe's thread."""

    def __init__(self, layout: Owners) -> None:
        self._layout = layout
        self._due = False

    def of(self, rows: Sequence[Row]) -> Sequence[StepSeries | LayerSeries]:
        """Every step, and the layers where they are due."""
        steps = steps_of(rows, self._layout)
        chosen = [row for row in rows if self._is_due(row)]
        return (steps, by_layer(chosen, self._layout)) if chosen else (steps,)

    def _is_due(self, row: Row) -> bool:
        """A step that is due and has no norms (it accumulates gradients) hands it on to the next one that has."""
        self._due = self._due or is_due(row.step)
        if not self._due or all(reading is None for reading in row.readings):
            return False
        self._due = False
        return True


def by_layer(rows: Sequence[Row], layout: Owners) -> LayerSeries:
    """Every row by layers."""
    sums, measured = _sums(rows, layout)
    total = np.zeros((len(rows), SUMS, layout.layer_count))
    seen = np.zeros((len(rows), layout.layer_count), dtype=np.bool_)
    for which, layers in enumerate(layout.layers):  # a layer may belong to several optimizers: their sums add up
        total[:, :, layers] += sums[which]
        seen[:, layers] |= measured[:, which, np.newaxis]
    with np.errstate(invalid="ignore"):
        norms = np.sqrt(total[:, :3])
    return LayerSeries(
        step=np.array([row.step for row in rows], dtype=np.int64),
        gradient_norm=norms[:, 0],
        update_norm=norms[:, 1],
        parameter_norm=norms[:, 2],
        first_order_change=total[:, 3],
        measured=seen,
    )


def _sums(rows: Sequence[Row], layout: Owners) -> tuple[list[Floats], Mask]:
    """For each optimizer [T, SUMS, its layers], and which were measured [T, O]."""
    sums = []
    measured = np.zeros((len(rows), len(layout.layers)), dtype=np.bool_)
    for which, layers in enumerate(layout.layers):
        readings = [row.readings[which] for row in rows]
        there = np.array([reading is not None for reading in readings], dtype=np.bool_)
        by_layer = np.zeros((len(rows), SUMS, len(layers)))
        if there.any():
            taken = np.array([reading for reading in readings if reading is not None], dtype=np.float64)
            by_column = taken.reshape(len(taken), SUMS, layout.columns[which])
            with np.errstate(invalid="ignore"):
                by_layer[there] = np.add.reduceat(by_column, layout.first[which], axis=2)
        sums.append(by_layer)
        measured[:, which] = there
    return sums, measured
