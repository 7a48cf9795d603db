"""When an instrument measures: by step counts alone, so that a record can be repeated bit for bit."""

from typing import Final

DENSITY: Final = 16
"""Measurements for each doubling of the step, once past the first ``2 * DENSITY`` steps, which all are measured."""
WIDEST: Final = 1024
"""No gap is longer than this many steps."""


def interval(step: int, density: int = DENSITY, widest: int = WIDEST) -> int:
    """How many steps apart the measurements are around ``step``: a power of two, no more than ``widest``.

    >>> [interval(step) for step in (0, 31, 32, 64, 1_000, 10_000, 1_000_000)]
    [1, 1, 2, 4, 32, 512, 1024]
    """
    return min(widest, 1 << max(0, (step // density).bit_length() - 1))


def is_due(step: int, every: int | None = None, density: int = DENSITY) -> bool:
    """True where ``step`` is measured: every ``every``-th one, or by the schedule.

    >>> [step for step in range(70) if is_due(step)][-6:]
    [56, 58, 60, 62, 64, 68]
    """
    return step % (interval(step, density) if every is None else every) == 0


def following(step: int, density: int = DENSITY) -> int:
    """The first step after ``step`` that is measured.

    >>> following(0), following(30), following(64), following(1_000_000)
    (1, 31, 68, 1000448)
    """
    gap = interval(step, density)
    return step + gap - step % gap
