"""How long the sharpest direction is followed along a run before another one is looked for.

Another eigenvalue becomes the largest where the two together have moved by the gap between them. What the sharpest
one has moved since the last search is known, and the other is taken to move no faster: so up to half of the gap it can
be followed alone. No theorem says that it does; docs/semantics.md#curvature has what was measured.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from fallline._records import Floats

PART: Final = 0.5
"""Of the gap that may be moved by."""
OVERLOOKED: Final = 0.25
"""Of the tolerance that may be moved by besides, however small the gap."""
SMALLEST_GAP: Final = 1e-3
"""That is counted on."""


@dataclass(frozen=True, eq=False)
class Course:
    """What the last measurement leaves for the next one; moves and gaps are shares of the value."""

    value: float
    vector: Floats
    """[P] in the coordinates of the parameters"""
    gap: float
    """To the next eigenvalue, at the last search."""
    room: float
    """What may be moved by before the next search."""
    last: float
    """What the last measurement moved by, which the next one is expected to move by."""

    @property
    def can_be_followed(self) -> bool:
        """Whether the next measurement needs no search, if it moves by as much as the last one."""
        return self.room > self.last

    @property
    def gap_expected(self) -> float:
        """At the next measurement."""
        return max(self.gap - self.last, SMALLEST_GAP)

    def followed(self, value: float, vector: Floats, moved: float) -> "Course | None":
        """After a measurement without a search; None where it has moved too far for one."""
        room = self.room - moved
        return Course(value, vector, self.gap, room, moved) if room >= 0 else None


def searched(value: float, vector: Floats, gap: float, moved: float, tolerance: float) -> Course:
    """After a measurement with a search.

    >>> course = searched(2.0, np.array([1.0, 0.0]), gap=0.1, moved=0.02, tolerance=0.01)
    >>> round(course.room, 4), course.can_be_followed, round(course.gap_expected, 4)
    (0.0525, True, 0.08)
    """
    return Course(value, vector, gap, PART * gap + OVERLOOKED * tolerance, moved)


def move(value: float, vector: Floats, new_value: float, new_vector: Floats) -> float:
    """From one eigenpair to the next: what the value changed by, and the squared sine between the directions [P].

    >>> round(move(2.0, np.array([1.0, 0.0]), 1.9, np.array([0.8, 0.6])), 4)
    0.4126
    """
    lengths = float(np.linalg.norm(vector) * np.linalg.norm(new_vector))
    if not (new_value > 0 and lengths > 0):
        return np.inf
    cosine = float(vector @ new_vector) / lengths
    return abs(new_value - value) / new_value + max(0.0, 1 - cosine**2)
