"""The story of an alarm as its page tells it: what set it off, what broke first, the last steps, the causes.

The sentences are ``fallline explain``'s. Shapes: D steps of the flight recorder, L layers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fallline._explain import (
    VERDICTS,
    alarm_sentences,
    alarm_title,
    flight_values,
    layer_name,
    loss_is_logarithmic,
    remedy_sentences,
    shown_layers,
    usual,
)
from fallline._records import Alarm, Flight, Floats, Mask, Recording
from fallline._view._recording_bins import encoded
from fallline._view._recording_layers import cells
from fallline._view._typeset import typeset

MOST_CELLS = 250_000
"""Of all flights together."""
_QUANTITIES = 3
_FEWEST_COLUMNS = 24
"""Of a flight: where all layers would leave room for fewer, those that grew least are left out."""
_FEWEST_CELLS = 2_000
"""Where not even so many are left, an alarm keeps its words only, and says so."""


def alarms_payload(recording: Recording) -> list[dict[str, Any]]:
    """Every alarm's story, the first alarm first; it is the first ones that get the room for their flights."""
    told = []
    room = MOST_CELLS
    for alarm in recording.alarms:
        window = _window(recording, alarm, room)
        room -= 0 if window is None else len(window.layers) * window.steps * _QUANTITIES
        told.append(_story(recording, alarm, window))
    return told


@dataclass(frozen=True)
class _Window:
    """What of a flight travels."""

    layers: list[int]
    steps: int
    """The last so many."""


def _window(recording: Recording, alarm: Alarm, room: int) -> _Window | None:
    """As much of the flight as there is room for; None where there is none, or nothing was kept."""
    steps, layers = alarm.flight.measured.shape
    if steps == 0 or (room < _FEWEST_CELLS and steps * layers * _QUANTITIES > room):
        return None
    most = max(1, room // (_QUANTITIES * min(steps, _FEWEST_COLUMNS)))
    kept = list(range(layers))
    if layers > most:
        kept, _ = shown_layers(recording, alarm, flight_values(alarm)[1], alarm.flight.measured, most)
    return _Window(kept, min(steps, max(1, room // (_QUANTITIES * max(1, len(kept))))))


def _story(recording: Recording, alarm: Alarm, window: _Window | None) -> dict[str, Any]:
    return {
        "step": alarm.step,
        "title": alarm_title(alarm),
        "sentences": [typeset(each) for each in alarm_sentences(recording, alarm)],
        "evidence": [
            {"label": each.cause.value, "kind": VERDICTS[each.found], "sentence": typeset(each.text)}
            for each in alarm.evidence
        ],
        "remedies": [typeset(each) for each in remedy_sentences(alarm)],
        "words": _left_out(alarm.flight, window),
        "flight": None if window is None else _flight(recording, alarm, window),
    }


def _left_out(flight: Flight, window: _Window | None) -> list[str]:
    """What of the flight the page has no room for."""
    steps, layers = flight.measured.shape
    if steps == 0:
        return []
    if window is None:
        return [f"The page has no room for the last {steps:,} steps before this alarm; the run file holds them."]
    said = []
    if window.steps < steps:
        said.append(f"Of the {steps:,} steps that the flight recorder kept, the last {window.steps:,} are drawn.")
    if len(window.layers) < layers:
        said.append(f"Of {layers:,} layers the {len(window.layers):,} that grew most are drawn.")
    return [*said, "The run file holds all of them."] if said else []


def _flight(recording: Recording, alarm: Alarm, window: _Window) -> dict[str, Any]:
    kept = slice(len(alarm.flight.step) - window.steps, None)
    flight, header = alarm.flight, recording.header
    step, loss, known = flight.step[kept], flight.loss[kept], flight.loss_measured[kept]
    each = np.arange(len(step))
    kinds: tuple[tuple[str, str, Floats], ...] = (
        ("gradient", "gradient norm", flight.gradient_norm),
        ("update", "update norm", flight.update_norm),
        ("parameters", "parameter norm", flight.parameter_norm),
    )
    names = [header.layers[layer].name for layer in window.layers]
    return {
        "labels": [layer_name(header, layer) for layer in window.layers],
        "told": [f"{header.layers[layer].name} ({header.layers[layer].kind})" for layer in window.layers],
        "row": names.index(alarm.first_layer) if alarm.first_layer in names else None,
        "first": encoded(step.astype(np.float64)),
        "last": encoded(step.astype(np.float64)),
        "size": 1,
        "loss": {**cells(loss[:, None], known[:, None], each), "log": loss_is_logarithmic(loss[known])},
        "shown": flight_values(alarm)[0],
        "quantities": [
            {
                "id": name,
                "title": title,
                **cells(values[kept][:, window.layers], flight.measured[kept][:, window.layers], each),
                "usual": encoded(_usual(values[:, window.layers], flight.measured[:, window.layers])),
            }
            for name, title, values in kinds
        ],
    }


def _usual(values: Floats, measured: Mask) -> Floats:
    """[L] what is usual for each layer (:func:`fallline._explain.usual`); NaN where that is not known."""
    known = [usual(values[:, layer], measured[:, layer]) for layer in range(values.shape[1])]
    return np.array([np.nan if one is None else one for one in known])
