"""How far the steps of a loop went, and which way: gradient, update, parameters, layer by layer."""

import numpy as np

from fallline._explain._numbers import listed, multiple, number, part_of, percent
from fallline._explain._recording._rows import FEWEST, last_part, layer_words, middle, of_whom
from fallline._records import Floats, Mask, Recording

STRAIGHT = 0.9999
"""A cosine of at least this is straight downhill."""
ALIKE = 1.5
"""Layers whose ratios differ by less than this factor moved alike."""
MOST_NAMES = 4
MOSTLY = 0.9
"""So large a part of updates that go straight downhill is told as such."""


def move_sentences(recording: Recording) -> list[str]:
    """Gradient, length and direction of the updates of every optimizer, then the layers."""
    told = []
    for optimizer in range(len(recording.header.optimizers)):
        told += [*_measured(recording, optimizer), *_gradient(recording, optimizer)]
        if _nothing_moved(recording, optimizer):
            told.append(f"Nothing moved: every measured update{of_whom(recording, optimizer)} was exactly 0.")
        else:
            told += [*_ratio(recording, optimizer), *_direction(recording, optimizer)]
    return [*told, *_layers(recording), *_silent(recording)]


def _measured(recording: Recording, optimizer: int) -> list[str]:
    """At how many updates norms were taken, where a budget has spaced them."""
    steps = recording.steps
    updates, measured = (int(np.count_nonzero(each[:, optimizer])) for each in (steps.updates, steps.measured))
    if not 0 < measured < updates or recording.header.instruments.budget is None:
        return []
    steps_of = f"at {measured:,} of {updates:,} updates"
    return [f"Gradient, update and parameters{of_whom(recording, optimizer)} were measured {steps_of}."]


def _nothing_moved(recording: Recording, optimizer: int) -> bool:
    measured = recording.steps.measured[:, optimizer]
    return bool(measured.any() and (recording.steps.update_norm[measured, optimizer] == 0).all())


def _gradient(recording: Recording, optimizer: int) -> list[str]:
    steps = recording.steps
    measured = steps.measured[:, optimizer]
    norm = steps.gradient_norm[:, optimizer]
    typical = middle(norm, measured)
    if typical is None:
        return []
    rows = np.flatnonzero(measured & np.isfinite(norm))
    top = int(rows[np.argmax(norm[rows])])
    said = f"The gradient norm{of_whom(recording, optimizer)} was {number(typical.median)} in the median"
    if norm[top] > typical.median:
        said = f"{said}, and at its largest {number(float(norm[top]))}, at step {int(steps.step[top]):,}"
    broken = np.flatnonzero(measured & ~np.isfinite(norm))
    if broken.size:
        said = f"{said}; at step {int(steps.step[broken[0]]):,} it was no longer finite"
    return [f"{said}."]


def _ratio(recording: Recording, optimizer: int) -> list[str]:
    steps = recording.steps
    typical = middle(steps.update_ratio[:, optimizer], steps.measured[:, optimizer])
    if typical is None:
        return []
    low, high = multiple(typical.low), multiple(typical.high)
    spread = "" if low == high else f" (between {low} and {high} in eight of ten)"
    return [
        f"A step{of_whom(recording, optimizer)} moved the parameters by {part_of(typical.median, 'their own length')} "
        f"in the median{spread}."
    ]


def _direction(recording: Recording, optimizer: int) -> list[str]:
    steps = recording.steps
    cosine, measured = steps.downhill_cosine[:, optimizer], steps.measured[:, optimizer]
    typical = middle(cosine, measured)
    if typical is None:
        return []
    whose = of_whom(recording, optimizer)
    known = cosine[measured & np.isfinite(cosine)]
    if (known >= STRAIGHT).all():
        return [f"The updates{whose} pointed straight downhill, against the gradient that was consumed."]
    uphill = int(np.count_nonzero(known < 0))
    against = f"; {percent(uphill / len(known))} of them pointed uphill" if uphill else ""
    straight = float((known >= STRAIGHT).mean())
    if straight >= MOSTLY:
        return [f"Of the updates{whose} {percent(straight)} pointed straight downhill{against}."]
    return [
        f"The updates{whose} had a cosine of {number(typical.median, 2)} with downhill in the median "
        f"(1 is straight downhill, 0 across){against}."
    ]


def _layers(recording: Recording) -> list[str]:
    """Which layer moves most for its size, and which least."""
    ratios = layer_ratios(recording)
    known = np.flatnonzero(np.isfinite(ratios))
    if known.size < 2 or not ratios[known].any():
        return []
    most, least = int(known[np.argmax(ratios[known])]), int(known[np.argmin(ratios[known])])
    high, low = multiple(float(ratios[most])), multiple(float(ratios[least]))
    if ratios[most] < ALIKE * ratios[least]:
        span = high if low == high else f"{low} to {high}"
        return [f"For their size all layers moved alike, {span} a step in the median."]
    return [
        f"For its size, {layer_words(recording.header, most)} moved most ({high} a step in the median) and "
        f"{layer_words(recording.header, least)} least ({low})."
    ]


def layer_ratios(recording: Recording) -> Floats:
    """[L] the median update-to-parameter ratio of each layer, NaN where there is none.

    A measured step counts as often as there are steps up to the next one, so that a start that was measured more
    densely has no more weight than the rest.
    """
    layers = recording.layers
    weight = np.diff(layers.step, append=layers.step[-1:] + 1).astype(np.float64)
    with np.errstate(all="ignore"):
        every = layers.update_norm / layers.parameter_norm
    return np.array(
        [_weighted_median(every[:, k], weight, layers.measured[:, k]) for k in range(every.shape[1])], dtype=np.float64
    )


def _weighted_median(values: Floats, weight: Floats, measured: Mask) -> float:
    usable = np.flatnonzero(measured & np.isfinite(values))
    if not usable.size:
        return float("nan")
    order = usable[np.argsort(values[usable], kind="stable")]
    below = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(below, below[-1] / 2)]])


def _silent(recording: Recording) -> list[str]:
    """Layers that no gradient reaches any more: exactly 0 at the whole end of their own measured steps."""
    layers = recording.layers
    by_end: dict[tuple[int, int], list[str]] = {}
    for layer in range(len(recording.header.layers) if len(layers) else 0):
        rows = np.flatnonzero(layers.measured[:, layer])
        end = rows[last_part(len(rows))]
        if len(end) >= FEWEST and (layers.gradient_norm[end, layer] == 0).all():
            place = (len(end), int(layers.step[end[0]]))
            by_end.setdefault(place, []).append(layer_words(recording.header, layer))
    return [
        f"The gradient of {_names(names)} was exactly 0 at the last {measured:,} measured steps, from step {since:,} "
        "on: nothing is learned there."
        for (measured, since), names in by_end.items()
    ]


def _names(names: list[str]) -> str:
    return (
        listed(names)
        if len(names) <= MOST_NAMES
        else f"{listed(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
    )
