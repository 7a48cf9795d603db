"""Whether a value at a kink may be: between the slopes to either side it is a subgradient, beyond them it is nothing.

Where several kinks meet, a value may be right and still lie outside of both slopes along one entry: of the median of
three equal numbers each slope is 0, and autograd gives 1 to one of them (Clarke's subdifferential is larger than what
one line shows). So a value is called wrong only where the slopes close by say so too.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final

from fallline._backprop._differences import Slope, have_settled

ROOM: Final = 0.02
"""So far, relative to the steeper side, a value may lie outside of both slopes: they are taken beside the kink."""


class Kink(Enum):
    """What the slopes to either side say about a value."""

    BETWEEN = auto()
    OUTSIDE = auto()
    """No slope close by is like it."""
    UNKNOWN = auto()
    """A jump, or several kinks in one."""


def value_at_a_kink(
    value: float, longer: Slope, shorter: Slope, around: Callable[[], tuple[Sequence[float], float]]
) -> Kink:
    """What a value at a kink is.

    Args:
        value: autograd's.
        longer: the slopes to either side by the usual step …
        shorter: … and by a shorter one.
        around: the same derivative at points close by, and the largest entry of the gradients there.

    >>> at_zero = Slope(0.5, 1e-12, 0.0, 1.0)  # relu
    >>> [value_at_a_kink(value, at_zero, at_zero, lambda: ([0.0, 1.0], 1.0)).name for value in (0.0, 1000.0)]
    ['BETWEEN', 'OUTSIDE']
    """
    if not have_settled(longer, shorter):
        return Kink.UNKNOWN
    low, high = sorted((shorter.before, shorter.after))
    room = _room(shorter)
    if lies_between(value, shorter):
        return Kink.BETWEEN
    slopes, largest = around()
    if not slopes:
        return Kink.UNKNOWN
    if high - low > room and all(low - room <= each <= high + room for each in slopes):
        return Kink.OUTSIDE
    steepest = max(largest, abs(low), abs(high))
    return Kink.OUTSIDE if abs(value) > (1 + ROOM) * steepest + room else Kink.UNKNOWN


def lies_between(value: float, found: Slope) -> bool:
    """Whether a value lies between the slopes to either side, as far as one step shows them."""
    room = _room(found)
    return min(found.before, found.after) - room <= value <= max(found.before, found.after) + room


def _room(found: Slope) -> float:
    return ROOM * max(abs(found.before), abs(found.after)) + 8 * found.error
