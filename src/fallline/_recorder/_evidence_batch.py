"""Evidence for one bad batch: the loss jumped at one step alone, and the update before it did not do that."""

from collections.abc import Sequence

import numpy as np

from fallline._recorder._broken import Broken
from fallline._recorder._first_to_break import QUANTITIES
from fallline._records import Cause, Evidence, SameBatchSeries
from fallline._wording import count, number

ORDINARY = 2.0
"""An update is ordinary up to so many times its median, in every layer."""


def bad_batch(broken: Broken, batches: Sequence[SameBatchSeries]) -> Evidence:
    """Found where the loss jumped at the alarm's step alone, and it was not the update before that lifted it.

    That update is judged by its own batch's loss after it, where that was measured; else it must have been an ordinary
    one. Whether the losses come back is not known yet at an alarm: a mark in the record tells when they do.
    """
    return Evidence(Cause.BAD_BATCH, *_told(broken, batches))


def _told(broken: Broken, batches: Sequence[SameBatchSeries]) -> tuple[bool | None, str]:
    flight, out = broken.flight, broken.loss_out
    rows = np.flatnonzero(flight.loss_measured)
    if not len(rows) or rows[-1] != len(flight.step) - 1:
        return None, f"The loss of step {broken.step:,} is not known."
    if not out[-1]:
        return False, f"The loss of step {broken.step:,} was {number(flight.loss[-1])}, in its recent range."
    inside = np.flatnonzero(~out[rows])
    if not len(inside):
        return None, "No loss of the last steps was in a range that a jump could be seen from."
    outside = len(rows) - 1 - int(inside[-1])
    if outside > 1:
        return False, f"The loss was out of its range for {count(outside, 'step')}, not at one."
    return _at_one_step(broken, int(rows[-2]), batches)


def _at_one_step(broken: Broken, row: int, batches: Sequence[SameBatchSeries]) -> tuple[bool | None, str]:
    """Of a jump from the loss at ``row`` to that of the alarm: the batch, or the step before it?"""
    flight = broken.flight
    jump = f"The loss jumped from {number(flight.loss[row])} to {number(flight.loss[-1])} at one step"
    after = _after_its_own_step(int(flight.step[row]), batches)
    if after is None:
        return _by_the_update(broken, row, jump)
    told = f"the batch before it had {number(after)} after its own step"
    if np.isfinite(after) and after <= broken.ceiling:
        return True, f"{jump}, and {told}: the batch did it."
    return False, f"{jump}, but {told}: the step did it."


def _after_its_own_step(step: int, batches: Sequence[SameBatchSeries]) -> float | None:
    """The loss of a step's batch after the step, None where it was not measured."""
    found = [float(each.loss_after[k]) for each in batches for k in np.flatnonzero(each.step == step)]
    return found[-1] if found else None


def _by_the_update(broken: Broken, row: int, jump: str) -> tuple[bool | None, str]:
    norms, update = broken.norms, QUANTITIES.index("update")
    seen = np.flatnonzero(norms.measured[row] & norms.known[update] & (norms.usual[update] > 0))
    if not len(seen):
        return None, f"{jump}; whether the update before it was an ordinary one was not measured."
    ratios = norms.values[update, row, seen] / norms.usual[update, seen]
    largest = int(np.argmax(np.where(np.isfinite(ratios), ratios, np.inf)))
    name = broken.layers[int(seen[largest])]
    size = f"{number(float(ratios[largest]), 3)} times its median in {name}"
    if not ratios[largest] <= ORDINARY:
        return False, f"{jump}, but the update before it was not an ordinary one: {size}."
    return True, f"{jump}, after an ordinary update (at most {size})."
