"""The norms layer by layer over steps, as a heat map: fewer columns than were measured, so that the highest survive.

Shapes: R measured steps, C columns, L layers.
"""

from typing import Any

import numpy as np

from fallline._explain import layer_name
from fallline._records import Floats, Integers, Mask, Recording
from fallline._view._recording_bins import encoded

MISSING, MEASURED, NAN_CELL, ABOVE_CELL, BELOW_CELL = 0, 1, 2, 3, 4
"""A cell: not measured, the highest finite value, or NaN, +∞, −∞, which hide finite values (and NaN the infinite)."""
MOST_CELLS = 90_000  # of one quantity
_FEWEST_COLUMNS, _MOST_COLUMNS = 40, 1_500


def layers_payload(recording: Recording) -> dict[str, Any] | None:
    """The heat map's numbers; None where nothing was measured layer by layer."""
    series = recording.layers
    if len(series) == 0 or not recording.header.layers:
        return None
    columns = int(np.clip(MOST_CELLS // len(recording.header.layers), _FEWEST_COLUMNS, _MOST_COLUMNS))
    starts = np.arange(0, len(series), -(-len(series) // columns))
    ends = np.append(starts[1:], len(series)) - 1
    with np.errstate(all="ignore"):
        ratio = series.update_norm / series.parameter_norm
    kinds = (
        ("gradient", "gradient norm", series.gradient_norm),
        ("update", "update norm", series.update_norm),
        ("ratio", "update-to-parameter ratio", ratio),
    )
    return {
        "labels": [layer_name(recording.header, k) for k in range(len(recording.header.layers))],
        "row": _first_row(recording),
        "told": [f"{layer.name} ({layer.kind}, {layer.parameters:,} numbers)" for layer in recording.header.layers],
        "first": encoded(series.step[starts].astype(np.float64)),
        "last": encoded(series.step[ends].astype(np.float64)),
        "size": int(starts[1] - starts[0]) if len(starts) > 1 else len(series),
        "quantities": [
            {"id": name, "title": title, **cells(values, series.measured, starts)} for name, title, values in kinds
        ],
    }


def _first_row(recording: Recording) -> int | None:
    """The layer that the first alarm names."""
    named = recording.alarms[0].first_layer if recording.alarms else None
    return next((k for k, layer in enumerate(recording.header.layers) if layer.name == named), None)


def cells(values: Floats, measured: Mask, starts: Integers) -> dict[str, str]:
    """[C, L] the highest of each column's rows, layer by layer, with what kind of cell it is.

    >>> made = cells(np.array([[1.0], [4.0], [np.nan]]), np.ones((3, 1), bool), np.array([0, 2]))
    >>> made["flags"] == encoded(np.array([MEASURED, NAN_CELL], np.uint8))
    True
    """
    finite = measured & np.isfinite(values)
    highest = np.maximum.reduceat(np.where(finite, values, -np.inf), starts, axis=0)
    known = np.isfinite(highest)
    kind = np.where(known, MEASURED, MISSING).astype(np.uint8)
    for found, held in ((BELOW_CELL, np.isneginf), (ABOVE_CELL, np.isposinf), (NAN_CELL, np.isnan)):
        kind[np.logical_or.reduceat(measured & held(values), starts, axis=0)] = found
    return {"values": encoded(np.where(known, highest, 0.0)), "flags": encoded(kind)}
