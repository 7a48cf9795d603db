"""How the loss came to be out of its range: at one step, or rising over several; for the evidence of every cause."""

from typing import Final, NamedTuple

import numpy as np

from fallline._recorder._broken import Broken

RISING: Final = 0.25
"""A loss has begun to rise where it is above so much of the way from its median to the ceiling."""
CALM: Final = 0.5
"""It leapt where the losses before were below so much of that way."""
LOOK_BACK: Final = 3
"""Steps before the rise that may have brought it about; what was before a healthy stretch did not."""


class Course(NamedTuple):
    """The last losses before an alarm, by rows of the ring."""

    onset: int
    """From here on the loss was out of its range, up to the alarm."""
    before: int
    """The last loss that was in it."""
    began: int
    """Here the loss began to rise."""
    leapt: bool
    """True where the losses before the onset were low in their range: it jumped at one step."""


def course_of(broken: Broken) -> Course | None:
    """Of the losses up to the alarm; None where the last is not known or in its range, or none was in it before."""
    flight, out = broken.flight, broken.loss_out
    rows = np.flatnonzero(flight.loss_measured)
    inside = np.flatnonzero(~out[rows])
    if not len(rows) or rows[-1] != len(flight.step) - 1 or not out[-1] or not len(inside):
        return None
    last = int(inside[-1])
    sound = flight.loss[rows[inside]]
    usual = float(np.median(sound))
    height = broken.ceiling - usual
    with np.errstate(invalid="ignore"):
        risen = sound > usual + (RISING * height if np.isfinite(height) else 0.0)
        high = sound > usual + (CALM * height if np.isfinite(height) else np.inf)
    low = np.flatnonzero(~risen)
    began = int(rows[inside[low[-1]]]) if len(low) else int(rows[0])
    return Course(int(rows[last + 1]), int(rows[last]), began, not bool(high[-1]))


def looked_at_from(broken: Broken) -> int:
    """The first step that may have brought the alarm about: shortly before a loss or a norm began to rise."""
    course = course_of(broken)
    began = min(broken.first.row, len(broken.flight.step) - 1 if course is None else course.began)
    return int(broken.flight.step[max(0, began - LOOK_BACK)])
