"""The story of an alarm as its page tells it: what set it off, what broke first, the last steps, the causes.

Shapes: D steps of the flight recorder, L layers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fallline._records import Alarm, Flight, Floats, Recording
from fallline._view._recording_bins import encoded
from fallline._view._recording_layers import cells
from fallline._view._typeset import typeset
from fallline._wording import count, written

MOST_CELLS = 250_000
"""Of all flights together: an alarm beyond them keeps its words."""
_FOUND = {True: "found", False: "not found", None: "not measured"}


def alarms_payload(recording: Recording) -> list[dict[str, Any]]:
    """Every alarm's story, the first alarm first; the flights of the first ones as long as there is room."""
    told = []
    room = MOST_CELLS
    for alarm in recording.alarms:
        room -= alarm.flight.gradient_norm.size * 3
        told.append(_story(recording, alarm, with_flight=room >= 0))
    return told


def _story(recording: Recording, alarm: Alarm, *, with_flight: bool) -> dict[str, Any]:
    return {
        "step": alarm.step,
        "title": f"Step {alarm.step:,}: {alarm.trigger.value}",
        "sentences": [typeset(each) for each in _sentences(alarm)],
        "label": alarm.first_layer,
        "evidence": [
            {"label": each.cause.value, "kind": _FOUND[each.found], "sentence": typeset(each.text)}
            for each in alarm.evidence
        ],
        "flight": _flight(recording, alarm.flight) if with_flight and len(alarm.flight.step) else None,
    }


def _sentences(alarm: Alarm) -> list[str]:
    """Each only where it was measured."""
    said = []
    what = alarm.first_quantity
    if alarm.first_layer is not None and what is not None:
        said.append(f"{alarm.first_layer} went first: its {what} broke at step {alarm.first_step:,}.")
    elif what is not None:
        said.append(f"What broke first was the {what}, at step {alarm.first_step:,}.")
    if alarm.growth is not None:
        said.append(f"It had become {written(alarm.growth)} times its recent median.")
    if alarm.reach is not None and alarm.reach_step is not None:
        ago = alarm.step - alarm.reach_step
        when = f"{count(ago, 'step')} before" if ago else "at that step"
        said.append(f"The last reach measured was {written(alarm.reach)}, {when}: {_reach_words(alarm.reach)}.")
    if alarm.snapshot_step is not None:
        when = "before the first step" if alarm.snapshot_step < 0 else f"after step {alarm.snapshot_step:,}"
        said.append(f"The file keeps the parameters as they were {when}.")
    return said


def _reach_words(reach: float) -> str:
    if not np.isfinite(reach):
        return "not finite"
    if reach > 2:
        return "past the other wall of the valley, higher than it began"
    if reach > 1:
        return "past the bottom of the valley along the step"
    return "short of the bottom of the valley along the step" if reach > 0 else "no bottom ahead"


def _flight(recording: Recording, flight: Flight) -> dict[str, Any]:
    each = np.arange(len(flight.step))
    kinds: Sequence[tuple[str, str, Floats]] = (
        ("gradient", "gradient norm", flight.gradient_norm),
        ("update", "update norm", flight.update_norm),
        ("parameters", "parameter norm", flight.parameter_norm),
    )
    return {
        "labels": [layer.name for layer in recording.header.layers],
        "kinds": [layer.kind for layer in recording.header.layers],
        "first": encoded(flight.step.astype(np.float64)),
        "last": encoded(flight.step.astype(np.float64)),
        "size": 1,
        "loss": cells(flight.loss[:, None], np.ones((len(each), 1), dtype=np.bool_), each),
        "quantities": [
            {
                "id": name,
                "title": title,
                **cells(values, flight.measured, each),
                "medians": encoded(_medians(flight, values)),
            }
            for name, title, values in kinds
        ],
    }


def _medians(flight: Flight, values: Floats) -> Floats:
    """[L] each layer's own median over the ring; NaN where no value is finite."""
    known = np.where(flight.measured & np.isfinite(values), values, np.nan)
    some = ~np.isnan(known).all(axis=0)
    medians = np.full(values.shape[1], np.nan)
    medians[some] = np.nanmedian(known[:, some], axis=0)
    return medians
