"""The limit of plain SGD along a measured step, where it shows one; docs/semantics.md#curvature-along-the-step."""

from dataclasses import dataclass

import numpy as np

from fallline._explain._numbers import count, listed, number, part_of
from fallline._explain._recording._rows import last_part, middle, plain_group
from fallline._reach import on_a_parabola
from fallline._records import Floats, Mask, Recording

SAME_GRADIENT = 0.01
"""An update is −rate · gradient of its batch where its product with that gradient is so, to this part."""
ROUNDING = 1000
"""Of a parameter's last place: of an update that is not longer its length is not known to a part in a thousand."""
UNITS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


@dataclass(frozen=True, eq=False)
class AlongSteps:
    """What the measured steps of plain SGD say of their limit, each by one of these; shapes [R]."""

    share: Floats
    """rate · curvature / 2; NaN where it is not known."""
    altered: Mask
    """The update was not −rate · gradient of that batch: clipped, accumulated, several updates."""
    unlike: Mask
    """Slopes and losses of the step are not those of one parabola."""
    straight: Mask
    """The curvature was not above 0, or the reach is not defined."""

    @property
    def known(self) -> Mask:
        """Where there is a limit."""
        return np.isfinite(self.share)


@np.errstate(all="ignore")  # what is not finite is data
def along_steps(recording: Recording) -> AlongSteps | None:
    """None where the optimizer is not plain SGD, or nothing was measured on its own batch."""
    batches, steps = recording.batches, recording.steps
    if plain_group(recording) is None or not len(batches):
        return None
    rows = np.minimum(np.searchsorted(steps.step, batches.step), max(0, len(steps) - 1))
    held = batches.moved & (steps.step[rows] == batches.step) & steps.measured[rows, 0]
    rate, length = steps.learning_rate[rows, 0], steps.update_norm[rows, 0]
    held &= length > ROUNDING * _unit(recording) * steps.parameter_norm[rows, 0]
    own = np.abs(batches.first_order_change + length**2 / rate) <= SAME_GRADIENT * length**2 / rate
    own &= steps.updates[rows, 0] == 1
    straight = held & own & (~batches.reach_measured | ~(batches.curvature > 0))
    fits = on_a_parabola(rate * batches.curvature, batches.reach)
    share = np.where(held & own & ~straight & fits, rate * batches.curvature / 2, np.nan)
    return AlongSteps(share, held & ~own, held & own & ~straight & ~fits, straight)


def limit_sentences(recording: Recording) -> list[str]:
    """The limit along the last measured steps; where fewer than half of them show one, that is said first."""
    along = along_steps(recording)
    if along is None:
        return []
    end = last_part(len(along.share))
    known = np.flatnonzero(along.known[end]) + end.start
    measured = end.stop - end.start
    none = _why_none(along, end)
    if not known.size:
        return [f"The last {count(measured, 'measured step')} show no limit of the rate: {none}."] if none else []
    said = _limit(recording, along, known, measured)
    if 2 * known.size > measured:
        return [said]
    return [f"Most of the last {count(measured, 'measured step')} show no limit of the rate: {none}.", said]


def _limit(recording: Recording, along: AlongSteps, known: np.ndarray, measured: int) -> str:
    share, curvature = middle(along.share[known]), middle(recording.batches.curvature[known])
    if share is None or curvature is None:
        raise ValueError("a known share is finite, and so is its curvature")
    which = f"the last {count(measured, 'measured step')}" if measured > 1 else "the only measured step"
    which = which if known.size == measured else f"{known.size:,} of {which}"
    return (
        f"Along {which} the curvature was {number(curvature.median)} in the median, which makes a limit of "
        f"2/curvature = {number(2 / curvature.median)} for plain SGD along them: the rate was "
        f"{part_of(share.median, 'it')}."
    )


def why_no_limit(along: AlongSteps, row: int) -> str:
    """Why a measured step shows no limit, in words; empty where it shows one, or where that is not known."""
    return _why_none(along, slice(row, row + 1), each=False)


def _why_none(along: AlongSteps, rows: slice, *, each: bool = True) -> str:
    reasons = (
        (along.altered, "the update was not the rate times that batch's own gradient (clipped or accumulated)"),
        (along.unlike, "no parabola fits (its slopes and its losses are not those of one)"),
        (along.straight, "no bottom was ahead, so there is no limit"),
    )
    found = [(int(np.count_nonzero(mask[rows])), words) for mask, words in reasons]
    told = [f"at {times:,} {words}" if each else words for times, words in found if times]
    return listed(told) if told else ""


def _unit(recording: Recording) -> float:
    """The coarsest rounding unit of the parameters."""
    return max((UNITS.get(one.dtype, 0.0) for one in recording.header.parameters), default=0.0)
