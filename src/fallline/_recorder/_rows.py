"""Raw rows of the loop, and what they become: the loop only gathers them, the rest is done beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from fallline._recorder._gauge import SUMS, Gauge, Reading
from fallline._recorder._schedule import following, is_due
from fallline._records import Floats, Integers, LayerSeries, Mask, StepSeries

if TYPE_CHECKING:  # it imports PyTorch
    from fallline._recorder._layout import Layout


ROW_BYTES: Final = 600
"""What a row holds, about, besides its readings."""
NUMBER_BYTES: Final = 32
"""A float of Python, and its place in a list."""


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


def row_bytes(columns: int) -> int:
    """About what a raw row of so many columns holds.

    >>> row_bytes(1), row_bytes(100)
    (728, 13400)
    """
    return ROW_BYTES + SUMS * NUMBER_BYTES * columns


class Parts(NamedTuple):
    """Layers, divided where several optimizers hold their parameters: a part belongs as a whole to the same ones."""

    of_tensor: tuple[int, ...]
    """The part of each tensor of a layout."""
    layer: tuple[int, ...]
    """[parts] the layer of each, rising."""


class Owners(NamedTuple):
    """Which parts of layers each optimizer's reading is of; most often a layer is one part."""

    parts: tuple[Integers, ...]
    """[O] of the parts of that optimizer, rising"""
    first: tuple[Integers, ...]
    """[O] of the first column of each of these parts; further ones follow it."""
    columns: tuple[int, ...]
    """[O]"""
    part_count: int
    part_starts: Integers | None = None
    """[L] the first part of each layer; None where every layer is one part."""


def parts_of(layout: "Layout") -> Parts:
    """The parameters of each layer that the same optimizers hold."""
    holders: dict[int, set[int]] = {}
    for tensor, info in zip(layout.tensors, layout.parameters, strict=True):
        holders.setdefault(id(tensor), set()).add(info.optimizer)
    keys = [
        (info.layer, tuple(sorted(holders[id(tensor)])))
        for tensor, info in zip(layout.tensors, layout.parameters, strict=True)
    ]
    parts = sorted(set(keys))
    return Parts(tuple(parts.index(key) for key in keys), tuple(layer for layer, _ in parts))


def owners(gauges: Sequence[Gauge], layer_of_part: Sequence[int]) -> Owners:
    """Of these gauges' readings, whose columns are of parts; ``layer_of_part`` rises."""
    found = [np.unique(np.array(gauge.layers, dtype=np.int64), return_index=True) for gauge in gauges]
    layers, starts = np.unique(np.array(layer_of_part, dtype=np.int64), return_index=True)
    return Owners(
        tuple(part for part, _ in found),
        tuple(first for _, first in found),
        tuple(len(gauge.layers) for gauge in gauges),
        len(layer_of_part),
        starts if len(layers) < len(layer_of_part) else None,
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
        self._due, self._next = False, 0

    def of(self, rows: Sequence[Row]) -> Sequence[StepSeries | LayerSeries]:
        """Every step, and the layers where they are due."""
        steps = steps_of(rows, self._layout)
        chosen = [row for row in rows if (self._due or row.step >= self._next) and self._is_due(row)]
        return (steps, by_layer(chosen, self._layout)) if chosen else (steps,)

    def _is_due(self, row: Row) -> bool:
        """A step that is due and has no norms (it accumulates gradients) hands it on to the next one that has."""
        self._due = self._due or is_due(row.step)
        self._next = following(row.step)
        if not self._due or all(reading is None for reading in row.readings):
            return False
        self._due = False
        return True


def by_layer(rows: Sequence[Row], layout: Owners) -> LayerSeries:
    """Every row by layers; a layer of several optimizers is measured where all of its parameters are."""
    total, seen = _by_part(rows, layout)
    if layout.part_starts is not None:
        with np.errstate(invalid="ignore"):
            total = np.add.reduceat(total, layout.part_starts, axis=2)
        whole = np.logical_and.reduceat(seen, layout.part_starts, axis=1)
        some = np.logical_or.reduceat(seen, layout.part_starts, axis=1)
        seen = whole | (some & ~np.isfinite(total).all(axis=1))  # no other part could make it finite
    total = np.where(seen[:, np.newaxis], total, 0.0)
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


def _by_part(rows: Sequence[Row], layout: Owners) -> tuple[Floats, Mask]:
    """[T, SUMS, parts] and [T, parts] whether they were measured.

    What several optimizers hold moves by what each of them does, but its parameters and its gradient count once.
    """
    sums, measured = _sums(rows, layout)
    total = np.zeros((len(rows), SUMS, layout.part_count))
    seen = np.zeros((len(rows), layout.part_count), dtype=np.bool_)
    for which, parts in enumerate(layout.parts):
        there = measured[:, which, np.newaxis]
        with np.errstate(invalid="ignore"):
            for kind in (1, 3):
                total[:, kind, parts] += sums[which][:, kind]
        for kind in (0, 2):
            total[:, kind, parts] = np.where(there, sums[which][:, kind], total[:, kind, parts])
        seen[:, parts] |= there
    return total, seen


def _sums(rows: Sequence[Row], layout: Owners) -> tuple[list[Floats], Mask]:
    """For each optimizer [T, SUMS, its parts], and which were measured [T, O]."""
    sums = []
    measured = np.zeros((len(rows), len(layout.parts)), dtype=np.bool_)
    for which, parts in enumerate(layout.parts):
        readings = [row.readings[which] for row in rows]
        there = np.array([reading is not None for reading in readings], dtype=np.bool_)
        by_part = np.zeros((len(rows), SUMS, len(parts)))
        if there.any():
            taken = np.array([reading for reading in readings if reading is not None], dtype=np.float64)
            by_column = taken.reshape(len(taken), SUMS, layout.columns[which])
            with np.errstate(invalid="ignore"):
                by_part[there] = np.add.reduceat(by_column, layout.first[which], axis=2)
        sums.append(by_part)
        measured[:, which] = there
    return sums, measured
