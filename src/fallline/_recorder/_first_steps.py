"""An explosion in the first steps, before any range is known; docs/semantics.md#recent-range."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from fallline._recorder._ring import flight_of
from fallline._recorder._rows import Owners, Row
from fallline._records import Flight, Floats

FIRST_STEPS: Final = 128
"""Losses among which a start is judged."""
GREAT: Final = 0.5
"""An update is a great one where half of the layers or more moved by at least so much of their own length."""
TIMES: Final = 5.0
"""How many times the highest loss before a great update a loss after it has to be …"""
SOON: Final = 5
"""… at most so many steps after it;"""
THRICE: Final = 3.0
"""or so many times, by several losses in a row."""
ROW: Final = 3
"""So many."""

Moved = Callable[[Sequence[int]], int | None]
"""Of these steps, oldest first, the first whose update was a great one; None where none was."""


class Start(NamedTuple):
    """What a loss that has shot up is held against."""

    highest: float
    """The highest loss before."""
    times: float
    """How many times that it is above."""


class FirstSteps:
    """Sees the first losses, and tells where one shoots up after an update about as long as the parameters.

    Args:
        moved: asked only where a loss is so much above an earlier one.
    """

    def __init__(self, moved: Moved) -> None:
        self.calm_below = -np.inf
        """A loss up to this one is nothing to look at."""
        self._moved = moved
        self._highest = -np.inf
        self._before: deque[tuple[int, float]] = deque(maxlen=SOON)
        """Of the last steps: the step, and the highest loss up to it."""
        self._lately: deque[float] = deque(maxlen=ROW - 1)
        self._left = FIRST_STEPS

    @property
    def over(self) -> bool:
        """True where the first losses are through."""
        return self._left <= 0

    def shot_up_from(self, step: int, loss: float) -> Start | None:
        """Take a finite loss; what it was before the update that made it shoot up, None where none did."""
        found = self._after_one(loss) or self._in_a_row(loss)
        self._highest = max(self._highest, loss)
        self._before.append((step, self._highest))
        self._lately.append(loss)
        if self._left == FIRST_STEPS:
            self.calm_below = THRICE * loss if loss > 0 else -np.inf
        self._left -= 1
        return found

    def _after_one(self, loss: float) -> Start | None:
        low = {step: highest for step, highest in self._before if highest > 0 and loss > TIMES * highest}
        step = self._moved(list(low)) if low else None
        return None if step is None else Start(low[step], TIMES)

    def _in_a_row(self, loss: float) -> Start | None:
        if len(self._before) < ROW:
            return None
        highest = self._before[-ROW][1]
        if not 0 < THRICE * highest < min(loss, *self._lately):
            return None
        moved = self._moved([step for step, _ in list(self._before)[-ROW:]])
        return None if moved is None else Start(highest, THRICE)


def great_update(rows: Sequence[Row], owners: Owners, steps: Sequence[int]) -> int | None:
    """The first of these steps with a great update; None where none of them had one."""
    chosen = [row for row in rows if row.step in set(steps)]
    if not chosen:
        return None
    lengths = own_lengths(flight_of(chosen, owners))
    return next((row.step for row, length in zip(chosen, lengths, strict=True) if length >= GREAT), None)


def own_lengths(flight: Flight) -> Floats:
    """[D] how many times its own length half of the layers or more moved by; 0 where that was not measured.

    A layer of zeros has no length, and is left out.
    """
    known = flight.measured & np.isfinite(flight.parameter_norm) & (flight.parameter_norm > 0)
    with np.errstate(all="ignore"):
        lengths = np.where(known, flight.update_norm / flight.parameter_norm, np.nan)
    return np.array([_upper_half(row[here]) for row, here in zip(lengths, known, strict=True)])


def _upper_half(lengths: Floats) -> float:
    """What at least half of them reach."""
    ordered = np.sort(np.nan_to_num(lengths, nan=np.inf))[::-1]
    return float(ordered[(len(ordered) - 1) // 2]) if len(ordered) else 0.0
