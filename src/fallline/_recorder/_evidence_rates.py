"""Evidence for a step past the limit where no reach was measured: rates, lengths of updates, and growth together."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from fallline._recorder._broken import Broken
from fallline._recorder._evidence_course import course_of
from fallline._recorder._first_steps import GREAT, SOON, THRICE, own_lengths
from fallline._recorder._gauge import SUMS
from fallline._recorder._rows import Row
from fallline._records import Floats
from fallline._wording import count, number, rough, short

RAISED: Final = 2.0
"""A rate is raised where it becomes more than so many times what it was, from one step to the next."""
TOGETHER: Final = 5
"""Steps in a row at which loss, gradient and update have to have grown together."""


def too_long_by_rates(broken: Broken, rows: Sequence[Row]) -> str | None:
    """What shows that the steps were too long, without a measurement on their own batch; None where nothing does."""
    return _rate_raised(broken, rows) or _longer_than_the_parameters(broken) or _grew_together(broken, rows)


def _rate_raised(broken: Broken, rows: Sequence[Row]) -> str | None:
    """A group's rate raised in one step, and what broke did so within a few steps: at that update, or after it."""
    broke = _broke_at(broken)
    for row in range(min(broke, len(rows) - 1), max(0, broke - SOON), -1):
        rates, before = rows[row].rates, rows[row - 1].rates
        for group, (rate, earlier) in enumerate(zip(rates, before, strict=True)):
            if 0 < RAISED * earlier < rate and _is_longer(broken, row):
                at = f"at step {rows[row].step:,}"
                said = f"The rate of group {group:,} was raised from {short(earlier)} to {short(rate)} {at}"
                before_it = f"{count(broke - row, 'step')} before it broke"
                return f"{said}, {before_it if broke > row else 'the step at which it broke'}."
    return None


def _is_longer(broken: Broken, row: int) -> bool:
    """True where the update of this row was longer than the one before, in all layers together, by RAISED or more.

    Also where one of the two was not measured.
    """
    update, measured = broken.flight.update_norm, broken.flight.measured
    both = measured[row] & measured[row - 1]
    if not both.any():
        return True
    with np.errstate(all="ignore"):
        longer = np.linalg.norm(update[row, both]) > RAISED * np.linalg.norm(update[row - 1, both])
    return bool(longer) or not bool(np.isfinite(update[row, both]).all())


def _longer_than_the_parameters(broken: Broken) -> str | None:
    """The loss shot up to a multiple of what it was, shortly after an update about as long as the parameters."""
    flight, course = broken.flight, course_of(broken)
    if course is None:
        return None
    begin = max(0, course.onset - SOON)
    lengths = own_lengths(flight)[begin:-1]
    great = np.flatnonzero(lengths >= GREAT)
    before = flight.loss[: course.onset][flight.loss_measured[: course.onset]]
    loss = float(flight.loss[-1])
    if not len(great) or not before.max() > 0 or not (loss > THRICE * before.max() or not np.isfinite(loss)):
        return None
    row, length = begin + int(great[-1]), number(float(lengths[great[-1]]), 3)
    whose = "the layer's parameters" if len(broken.layers) == 1 else "the parameters, in half of the layers or more"
    said = f"The update of step {flight.step[row]:,} was {length} times as long as {whose}"
    return f"{said}; the loss went from {number(float(before[-1]))} to {number(loss)}."


def _grew_together(broken: Broken, rows: Sequence[Row]) -> str | None:
    """Loss, gradient and update grew step after step at one constant rate, though every update went downhill."""
    flight = broken.flight
    if len(rows[-1].updates) != 1 or not flight.measured.any(axis=1).all() or not flight.loss_measured.all():
        return None
    with np.errstate(all="ignore"):
        gradient, update = (
            np.sqrt(np.square(np.where(flight.measured, each, 0.0)).sum(axis=1))
            for each in (flight.gradient_norm, flight.update_norm)
        )
        grown = _grows(flight.loss) & _grows(gradient) & _grows(update) & (_slopes(rows)[:-1] < 0)
    steps = int(np.flatnonzero(~np.append(False, grown)[::-1])[0])
    if steps < TOGETHER or len({row.rates for row in rows[-steps - 1 :]}) > 1:
        return None
    first, last = float(flight.loss[-steps - 1]), float(flight.loss[-1])
    if not first > 0 or not last > THRICE * first:
        return None
    said = f"Loss, gradient and update grew together for {count(steps, 'step')}, the loss {rough(last / first)}-fold"
    return f"{said}, while every update went downhill by its tangent and the rate was the same."


def _broke_at(broken: Broken) -> int:
    """The row at which anything broke first."""
    course = course_of(broken)
    last = len(broken.flight.step) - 1
    return min(broken.first.row, last if course is None else course.onset)


def _grows(values: Floats) -> np.ndarray:
    """[D − 1] True where a value is above the one before."""
    return np.asarray(np.isfinite(values[1:]) & (values[1:] > values[:-1]))


def _slopes(rows: Sequence[Row]) -> Floats:
    """[D] gradient · update of every row; NaN where it was not measured."""
    with np.errstate(all="ignore"):
        return np.array(
            [
                np.nan if row.readings[0] is None else float(np.reshape(row.readings[0], (SUMS, -1))[3].sum())
                for row in rows
            ]
        )
