"""The last steps before an alarm as a small table: a row for each layer, a column for each step."""

import numpy as np

from fallline._columns import aligned, end, widths_of
from fallline._explain._numbers import number
from fallline._explain._recording._alarm import flight_values, usual
from fallline._explain._recording._rows import layer_name
from fallline._records import Alarm, Floats, Recording

MOST_STEPS = 6
MOST_LAYERS = 8
NAME = 24
"""Columns that a layer's name may take; the end of a longer one is kept, where names differ."""
GAP = "  "


@np.errstate(all="ignore")  # what is not finite is data
def flight_table(recording: Recording, alarm: Alarm, width: int = 80) -> list[str]:
    """Lines of at most ``width`` columns; none where nothing was kept or not even one step fits.

    The first row is the loss; then come the layer that broke first and those that grew most, in the model's order.
    ``usual`` is the middle of the earlier half of the ring.
    """
    flight = alarm.flight
    if not len(flight.step):
        return []
    name, values = flight_values(alarm)
    shown, hidden = shown_layers(recording, alarm, values, flight.measured)
    labels = [end(layer_name(recording.header, layer), min(NAME, max(8, width // 3))) for layer in shown]
    first = [str(layer) == alarm.first_layer for layer in (recording.header.layers[k].name for k in shown)]
    title = f"{name} norm" if name != "parameters" else "parameter norm"
    head = ["step", "usual", *(f"{int(step):,}" for step in flight.step)]
    rows = [["loss", *_cells(flight.loss, flight.loss_measured)]]
    rows += [
        [label, *_cells(values[:, layer], flight.measured[:, layer])]
        for label, layer in zip(labels, shown, strict=True)
    ]
    marks = ["  ", "> ", *("> " if one else "  " for one in first)]
    marks[1] = "> " if alarm.first_quantity == "loss" else "  "
    steps = _fitting([head, *rows], width)
    if steps == 0:
        return []
    lines = _set([[*row[:2], *row[len(row) - steps :]] for row in (head, *rows)], marks)
    told = [f"loss, and {title} of each layer:", *lines]
    if hidden:
        told.append(f"  {hidden:,} more {'layer' if hidden == 1 else 'layers'} grew less")
    return told


def shown_layers(
    recording: Recording, alarm: Alarm, values: Floats, measured: np.ndarray, most: int = MOST_LAYERS
) -> tuple[list[int], int]:
    """The layers of the table in the model's order, and how many of those that were measured it leaves out."""
    known = [int(k) for k in np.flatnonzero(measured.any(axis=0))]
    names = [layer.name for layer in recording.header.layers]
    growth = {k: _growth(values[:, k], measured[:, k]) for k in known}
    ranked = sorted(known, key=lambda k: (names[k] != alarm.first_layer, -growth[k], k))
    return sorted(ranked[:most]), len(known) - min(most, len(known))


def _growth(values: Floats, measured: np.ndarray) -> float:
    """The largest of a layer over its usual value; what is not finite is largest."""
    seen, calm = values[measured], usual(values, measured)
    if not np.isfinite(seen).all():
        return np.inf
    top = float(seen.max())
    return top / calm if calm is not None and calm > 0 else (np.inf if top > 0 else 0.0)


def _cells(values: Floats, measured: np.ndarray) -> list[str]:
    calm = usual(values, measured)
    told = [number(float(value), 3) if there else "" for value, there in zip(values, measured, strict=True)]
    return ["" if calm is None else number(calm, 3), *told]


def _fitting(rows: list[list[str]], width: int) -> int:
    """How many of the last steps fit beside the name and the usual value."""
    widths = widths_of(rows)
    taken, steps = 2 + widths[0] + len(GAP) + widths[1], 0
    for one in widths[:1:-1][:MOST_STEPS]:
        taken += len(GAP) + one
        if taken > width:
            break
        steps += 1
    return steps


def _set(rows: list[list[str]], marks: list[str]) -> list[str]:
    numeric = [column > 0 for column in range(len(rows[0]))]
    return [mark + line for mark, line in zip(marks, aligned(rows, numeric), strict=True)]
