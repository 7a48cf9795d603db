"""The story of an alarm: what broke first, how it grew, and what speaks for and against each known cause."""

import math

import numpy as np

from fallline._explain._numbers import count, listed, reach_number, rough
from fallline._explain._recording._reach_words import reach_verdict
from fallline._explain._recording._rows import layer_words
from fallline._recorder import several_layers
from fallline._records import Alarm, Cause, Evidence, Floats, Recording
from fallline._wording import visible

QUANTITIES = {"gradient": "gradient", "update": "update", "parameters": "parameters", "loss": "loss"}
REMEDIES = {
    Cause.PAST_THE_LIMIT: "a smaller learning rate",
    Cause.EXPLODING_LAYER: "clipping the gradient norm",
    Cause.BAD_BATCH: "a look at the rows of that batch",
    Cause.OVERFLOW: "loss scaling, or bfloat16",
}
"""What to try first where a cause was found."""
VERDICTS: dict[bool | None, str] = {True: "found", False: "not found", None: "not measured"}


def alarm_title(alarm: Alarm) -> str:
    """``Alarm at step 4,312: the loss is not finite``."""
    return f"Alarm at step {alarm.step:,}: {alarm.trigger.value}"


def alarm_sentences(recording: Recording, alarm: Alarm) -> list[str]:
    """What broke first and when, its growth, the last reach before, and where to look."""
    return [*_first(recording, alarm), *_reach(alarm), *_kept(alarm)]


def _first(recording: Recording, alarm: Alarm) -> list[str]:
    if alarm.first_quantity is None and alarm.first_layer is None:
        return ["What broke first cannot be told from what was recorded."]
    if alarm.first_quantity not in {None, "loss"} and alarm.first_layer is None:
        which = several_layers(alarm)
        when = "at that step" if alarm.first_step == alarm.step else f"at step {alarm.first_step:,}"
        return [f"{which[0].upper()}{which[1:]} left their range at once, {when}: none of them went first."]
    if alarm.first_quantity == "loss" or alarm.first_layer is None:
        thing = "The loss"
    else:
        thing = f"The {alarm.first_quantity or 'gradient'} of {_named(recording, alarm.first_layer)}"
    when = "at that step" if alarm.first_step == alarm.step else f"at step {alarm.first_step:,}"
    said = f"{thing} broke first, {when}"
    if alarm.growth is not None and math.isfinite(alarm.growth):
        said = f"{said}; it had become {rough(alarm.growth)} times its recent median"
    return [f"{said}."]


def _named(recording: Recording, name: str) -> str:
    for index, layer in enumerate(recording.header.layers):
        if layer.name == name:
            return layer_words(recording.header, index)
    return visible(name)


def _reach(alarm: Alarm) -> list[str]:
    if alarm.reach is None or alarm.reach_step is None:
        return []
    before = alarm.step - alarm.reach_step
    ago = "at that step" if before == 0 else f"{count(before, 'step')} before, at step {alarm.reach_step:,}"
    return [f"The last measured reach was {reach_number(alarm.reach)} ({reach_verdict(alarm.reach)}), {ago}."]


def _kept(alarm: Alarm) -> list[str]:
    if alarm.snapshot_step is None:
        return []
    if alarm.snapshot_step < 0:
        return ["The parameters from before the first step are kept in the run file."]
    return [f"The parameters after step {alarm.snapshot_step:,}, from before it broke, are kept in the run file."]


def evidence_words(evidence: Evidence) -> str:
    """One cause in a line: ``Found: one bad batch. …``.

    >>> from fallline._records import Cause
    >>> evidence_words(Evidence(Cause.BAD_BATCH, None, "No closure was given."))
    'Not measured: one bad batch. No closure was given.'
    """
    return visible(f"{VERDICTS[evidence.found].capitalize()}: {evidence.cause.value}. {evidence.text}")


def evidence_sentences(alarm: Alarm) -> list[str]:
    """The causes found, those not measured, those not found; then what to try first for the causes found."""
    order = {True: 0, None: 1, False: 2}
    told = [evidence_words(one) for one in sorted(alarm.evidence, key=lambda one: order[one.found])]
    return [*told, *remedy_sentences(alarm)]


def remedy_sentences(alarm: Alarm) -> list[str]:
    """What to try first for the causes found; nothing where none was found."""
    first = [REMEDIES[one.cause] for one in alarm.evidence if one.found and one.cause in REMEDIES]
    return [f"To try first: {listed(first)}."] if first else []


def flight_values(alarm: Alarm) -> tuple[str, Floats]:
    """The quantity that broke first, by name, and its values [D, L] in the ring; NaN where not measured."""
    flight = alarm.flight
    kinds = {"update": flight.update_norm, "parameters": flight.parameter_norm}
    name = alarm.first_quantity if alarm.first_quantity in kinds else "gradient"
    return name, kinds.get(name, flight.gradient_norm)


def usual(values: Floats, measured: np.ndarray) -> float | None:
    """The middle of what stood in the earlier half of the ring, of finite values; None where there are none."""
    half = max(1, len(values) // 2)
    calm = values[:half][measured[:half] & np.isfinite(values[:half])]
    return float(np.median(calm)) if calm.size else None
