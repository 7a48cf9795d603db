"""The steps of a watched loop as a table: one row per step, one column per measurement."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fallline._records import Integers, Mask, Recording
from fallline._store._recording_schema import BATCHES, SHARPNESS, STEPS, Array, Series, SeriesLayout

if TYPE_CHECKING:
    import polars

_DERIVED = {"steps": ("update_ratio", "downhill_cosine"), "batches": ("real_change",), "sharpness": ("share",)}
"""What records work out of their columns …"""
_MASKED_AS = {"steps": "first_order_change", "batches": "first_order_change", "sharpness": "limit"}
"""… with the mask of this one."""


def recording_frame(recording: Recording) -> "polars.DataFrame":
    """One row per recorded step; null where something was not measured, NaN and infinities as they were.

    Columns of several optimizers or parameter groups end in their number (``gradient_norm_0``); those of the same
    batch begin with ``batch_``. The user's own numbers have their own names (``logged_loss`` where that is taken),
    and of several logged between two steps the last. Norms by layer are not in it.
    """
    import polars  # noqa: PLC0415  (heavy)

    step = recording.steps.step
    columns: dict[str, Any] = {}
    for name, (values, measured) in _measurements(STEPS, recording.steps).items():
        columns[name] = _column(values, measured)
    for name, (values, measured) in _measurements(BATCHES, recording.batches).items():
        columns[f"batch_{name}"] = _column(*_beside(step, recording.batches.step, values, measured))
    if len(recording.sharpness):
        for name, (values, measured) in _measurements(SHARPNESS, recording.sharpness).items():
            known = name if name == "sharpness" else f"sharpness_{name}"
            columns[known] = _column(*_beside(step, recording.sharpness.step, values, measured))
    for name, series in recording.logged.items():
        free = f"logged_{name}" if name in columns else name
        columns[free] = _column(*_beside(step, series.step, series.value, np.ones(len(series.step), dtype=np.bool_)))
    return polars.DataFrame({"step": step} | columns)


def _measurements(layout: SeriesLayout, record: Series) -> Mapping[str, tuple[Array, Mask]]:
    """Each column of a series, one for each optimizer or group, with the mask of its own entries."""
    masks = {column.mask for column in layout.columns}
    found: dict[str, tuple[Array, Mask]] = {}
    for column in layout.columns:
        if column.name == "step" or column.name in masks:
            continue
        values: Array = getattr(record, column.name)
        mask: Mask = np.ones(values.shape, np.bool_) if column.mask is None else getattr(record, column.mask)
        found |= _single(column.name, values, mask)
    like = layout.column(_MASKED_AS[layout.name])
    for name in _DERIVED[layout.name]:
        values = getattr(record, name)
        mask = np.ones(values.shape, np.bool_) if like.mask is None else getattr(record, like.mask)
        found |= _single(name, values, mask)
    return found


def _single(name: str, values: Array, mask: Mask) -> dict[str, tuple[Array, Mask]]:
    if values.ndim == 1:
        return {name: (values, mask)}
    several = values.shape[1] > 1
    return {(f"{name}_{k}" if several else name): (values[:, k], mask[:, k]) for k in range(values.shape[1])}


def _beside(step: Integers, at: Integers, values: Array, mask: Mask) -> tuple[Array, Mask]:
    """A series that is only measured now and then, at all the steps; the last of several at one step."""
    row = np.searchsorted(at, step, side="right") - 1
    there = (row >= 0) & (at[row] == step) if len(at) else np.zeros(len(step), dtype=np.bool_)
    row = np.where(there, row, 0)
    if not len(at):
        return np.zeros(len(step), dtype=values.dtype), there
    return values[row], mask[row] & there


def _column(values: Array, mask: Mask) -> "polars.Series":
    import polars  # noqa: PLC0415  (heavy)

    series = polars.Series(values=np.ascontiguousarray(values))
    return series if mask.all() else polars.select(polars.when(polars.Series(values=mask)).then(series)).to_series()
