"""What sentences about a recording count with: which rows an optimizer measured, middles, names."""

from dataclasses import dataclass

import numpy as np

from fallline._explain._numbers import count
from fallline._records import Floats, GroupInfo, Mask, Recording, RecordingHeader
from fallline._wording import layer_in_words, visible

ENDS = 10
"""The end of a run is its last tenth …"""
FEWEST = 5
"""… but at least so many measurements."""


@dataclass(frozen=True)
class Middle:
    """The middle of what was measured, and where eight of ten lie; docs/semantics.md#in-the-middle."""

    median: float
    low: float
    """A tenth lies below."""
    high: float
    """A tenth lies above."""
    measured: int


def middle(values: Floats, measured: Mask | None = None) -> Middle | None:
    """The middle of the finite ones; None where there are none.

    >>> middle(np.array([1.0, 2.0, 3.0, np.nan])).median
    2.0
    """
    usable = values[np.isfinite(values) & (True if measured is None else measured)]
    if not usable.size:
        return None
    low, median, high = np.quantile(usable, (0.1, 0.5, 0.9)).tolist()
    return Middle(median, low, high, int(usable.size))


def last_part(rows: int) -> slice:
    """The end of ``rows`` measurements: their last tenth, at least five of them.

    >>> last_part(200), last_part(12)
    (slice(180, 200, None), slice(7, 12, None))
    """
    return slice(max(0, rows - max(FEWEST, rows // ENDS)), rows)


def optimizer_names(header: RecordingHeader) -> list[str]:
    """[O] the classes; counted from 1 where several are of one class: ``Adam 1``, ``Adam 2``."""
    names = header.optimizers
    counted = [
        name if names.count(name) == 1 else f"{name} {names[: place + 1].count(name)}"
        for place, name in enumerate(names)
    ]
    return [visible(name) for name in counted]


def of_whom(recording: Recording, optimizer: int) -> str:
    """`` of Adam``; nothing where there is only one optimizer."""
    names = optimizer_names(recording.header)
    return f" of {names[optimizer]}" if len(names) > 1 else ""


def layer_name(header: RecordingHeader, layer: int) -> str:
    """A layer in a table: ``0 (Linear)`` where the name alone would say nothing."""
    info = header.layers[layer]
    return visible(f"{info.name} ({info.kind})" if _is_bare(info.name) else info.name)


def layer_words(header: RecordingHeader, layer: int) -> str:
    """A layer in a sentence: ``layer 0`` where the name is only a number."""
    return layer_in_words(header.layers[layer].name)


def _is_bare(name: str) -> bool:
    return not any(letter.isalpha() for letter in name)


def plain_group(recording: Recording) -> GroupInfo | None:
    """The only group, where a step is θ − η·gradient and nothing else; else None."""
    header = recording.header
    extras = ("momentum", "weight_decay", "nesterov", "maximize")
    if header.optimizers != ("SGD",) or len(header.groups) != 1:
        return None
    return None if any(header.groups[0].options.get(key) for key in extras) else header.groups[0]


def steps_words(first: int, last: int) -> str:
    """``step 3`` or ``steps 3 to 9``.

    >>> steps_words(3, 3), steps_words(500, 1899)
    ('step 3', 'steps 500 to 1,899')
    """
    return f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"


def who_line(header: RecordingHeader) -> str:
    """What was trained by what, in a line."""
    optimizers = " and ".join(optimizer_names(header))
    layers, parameters = count(len(header.layers), "layer"), count(header.parameter_count, "parameter")
    device = f", on {header.surroundings.device}" if header.surroundings.device else ""
    return visible(f"{header.model}: {parameters} in {layers}, trained with {optimizers}{device}")
