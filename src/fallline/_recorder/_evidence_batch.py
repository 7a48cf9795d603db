"""Evidence for one bad batch: the loss jumped at one step, and the update before it did not do that."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from fallline._recorder._broken import Broken
from fallline._recorder._evidence_course import Course, course_of
from fallline._recorder._first_steps import GREAT, SOON, own_lengths
from fallline._records import Cause, Evidence, SameBatchSeries
from fallline._wording import number

ORDINARY: Final = 2.0
"""An update is ordinary up to so many times its median, or up to the largest one before, in every layer."""
LEAP: Final = 10.0
"""A gradient of more than so many times any before has not grown by the steps: it is of another batch, or a cliff."""
FEWEST: Final = 4
"""Updates before it that an ordinary one is told by."""


def bad_batch(broken: Broken, batches: Sequence[SameBatchSeries]) -> Evidence:
    """Found where a calm loss jumped at one step, and it was not the update before that lifted it.

    That update is judged by its own batch's loss after it, where that was measured; else it must have been an ordinary
    one. What the steps on such a batch do afterwards is its consequence. Whether the losses come back is not known yet
    at an alarm: a mark in the record tells when they do.
    """
    return Evidence(Cause.BAD_BATCH, *_told(broken, batches))


def _told(broken: Broken, batches: Sequence[SameBatchSeries]) -> tuple[bool | None, str]:
    flight, out = broken.flight, broken.loss_out
    if not flight.loss_measured[-1]:
        return None, f"The loss of step {broken.step:,} is not known."
    if not out[-1]:
        return False, f"The loss of step {broken.step:,} was {number(flight.loss[-1])}, in its recent range."
    course = course_of(broken)
    if course is None:
        return None, "No loss of the last steps was in a range that a jump could be seen from."
    if gradient_leapt(broken):
        return None, _with_the_gradient(broken, course)
    if not course.leapt:
        rise = f"from {number(flight.loss[course.began])} at step {flight.step[course.began]:,}"
        return False, f"The loss did not jump at one step: it rose {rise} to {number(flight.loss[-1])}."
    return _at_one_step(broken, course, batches)


def gradient_leapt(broken: Broken) -> bool:
    """True where the loss began to rise after an ordinary update, with a gradient many times any before.

    On a parabola a gradient grows like the root of the loss: this one is of another batch, or of a cliff in the loss.
    """
    course = course_of(broken)
    if course is None or course.leapt or course.began + 1 == len(broken.flight.step):
        return False
    flight, row = broken.flight, course.began + 1
    whole = np.asarray(flight.measured.all(axis=1))
    with np.errstate(all="ignore"):
        gradient = np.linalg.norm(flight.gradient_norm, axis=1)
    before = gradient[:row][whole[:row] & np.isfinite(gradient[:row])]
    if len(before) < FEWEST or not whole[row] or not gradient[row] > LEAP * before.max():
        return False
    return _the_update_before(broken, course.began)[0] is True


def _with_the_gradient(broken: Broken, course: Course) -> str:
    flight, row = broken.flight, course.began + 1
    said = f"At step {flight.step[row]:,}, after an ordinary update, the gradient became more than {LEAP:g} times any"
    said += f" before, and the loss rose from {number(flight.loss[course.began])} to {number(flight.loss[row])}"
    return f"{said}: the batch of that step can do that, and so can a cliff in the loss."


def _at_one_step(broken: Broken, course: Course, batches: Sequence[SameBatchSeries]) -> tuple[bool | None, str]:
    """Of a jump of the loss: the batch, or the step before it?"""
    flight = broken.flight
    loss = float(flight.loss[course.onset])
    jump = f"The loss jumped from {number(flight.loss[course.before])} to {number(loss)}"
    jump += f" at one step, {flight.step[course.onset]:,}"
    after = _after_its_own_step(int(flight.step[course.before]), batches)
    if after is not None:
        told = f"the batch before it had {number(after)} after its own step"
        if np.isfinite(after) and after <= broken.ceiling:
            return True, f"{jump}, and {told}: the batch did it."
        return False, f"{jump}, but {told}: the step did it."
    found, update = _the_update_before(broken, course.before)
    if found is not True:
        return found, f"{jump}{update}."
    if np.isfinite(loss):
        return True, f"{jump}{update}."
    return None, _in_the_forward_pass(broken, course, f"{jump}{update}")


def _in_the_forward_pass(broken: Broken, course: Course, jump: str) -> str:
    """A loss that is not finite after an ordinary update: of what can do that a record shows nothing."""
    flight, row = broken.flight, course.before
    sound = bool(np.isfinite(flight.parameter_norm[row][flight.measured[row]]).all())
    kept = " of finite parameters" if sound else ""
    said = f"{jump}{kept}: it broke in the forward pass of that step. The rows of that batch can do that; a logarithm,"
    return f"{said} a root or a division in the loss; or overflow."


def _after_its_own_step(step: int, batches: Sequence[SameBatchSeries]) -> float | None:
    """The loss of a step's batch after the step, None where it was not measured."""
    found = [float(each.loss_after[k]) for each in batches for k in np.flatnonzero(each.step == step)]
    return found[-1] if found else None


def _the_update_before(broken: Broken, row: int) -> tuple[bool | None, str]:
    """Whether the update of the row before a jump was an ordinary one, in every layer, and a clause that says so."""
    flight = broken.flight
    lengths = own_lengths(flight)[max(0, row + 1 - SOON) : row + 1]
    if lengths.max() >= GREAT:
        at = int(flight.step[row + 1 - len(lengths) + int(lengths.argmax())])
        return (
            False,
            f", but the update of step {at:,} was {number(float(lengths.max()), 3)} times as long as the parameters",
        )
    update = flight.update_norm
    known = flight.measured & np.isfinite(update)
    seen = [k for k in np.flatnonzero(flight.measured[row]) if known[:row, k].sum() >= FEWEST]
    if not seen or len(seen) < flight.measured[row].sum():
        return None, "; whether the update before it was an ordinary one was not measured"
    worst, layer, largest = 0.0, int(seen[0]), 0.0
    for k in seen:
        before = update[:row, k][known[:row, k]]
        usual = float(np.median(before))
        with np.errstate(all="ignore"):
            over = float(update[row, k] / max(ORDINARY * usual, before.max()))
            if not over <= worst:
                worst, layer, largest = over, int(k), float(update[row, k] / usual)
    size = f"{number(largest, 3)} times its median in {broken.layers[layer]}"
    if not worst <= 1:
        return False, f", but the update before it was not an ordinary one: {size}"
    return True, f", after an ordinary update (at most {size})"
