"""Evidence for a step past the limit: reach, and the share of the stability limit along the step."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._curvature import provable_limit
from fallline._reach import on_a_parabola
from fallline._recorder._broken import Broken
from fallline._recorder._evidence_course import course_of, looked_at_from
from fallline._recorder._evidence_rates import too_long_by_rates
from fallline._recorder._gauge import SUMS
from fallline._recorder._rows import Row
from fallline._records import Cause, Evidence, RecordingHeader, SameBatchSeries
from fallline._wording import count, number, part_of, reach_number, short

LEVEL = 2.0
"""The reach of a step that ends as high as it began."""
LATEST = 3
"""Of the steps measured shortly before the alarm, so many speak."""


SAME_GRADIENT = 0.01
"""The consumed gradient is the batch's own where their products with the update differ by at most this part."""


class Measured(NamedTuple):
    """One step measured on its own batch."""

    step: int
    loss_before: float
    loss_after: float
    reach: float | None
    """None where it is not defined."""
    curvature: float | None
    """Along the step; None where nothing moved."""
    slope: float
    """The batch's own gradient · update."""


class Share(NamedTuple):
    """How much of the stability limit a learning rate was, at least."""

    value: float
    rate: float
    curvature: float


def measured_before(step: int, batches: Sequence[SameBatchSeries]) -> list[Measured]:
    """Every measurement of a step before ``step``, in order."""
    return [
        Measured(
            int(each.step[k]),
            float(each.loss_before[k]),
            float(each.loss_after[k]),
            float(each.reach[k]) if each.reach_measured[k] else None,
            float(each.curvature[k]) if each.moved[k] and np.isfinite(each.curvature[k]) else None,
            float(each.first_order_change[k]),
        )
        for each in batches
        for k in np.flatnonzero(each.step < step)
    ]


def past_the_limit(
    broken: Broken,
    rows: Sequence[Row],
    batches: Sequence[SameBatchSeries],
    header: RecordingHeader,
    *,
    jumped: bool,
) -> Evidence:
    """Found where one of the last three steps measured since the loss began to rise went too far; else by its rates.

    Of SGD and its relatives the share of the limit is at least learning rate · curvature along the step / (2 and what
    momentum adds): the curvature along any step is at most the largest one. It is only told where one parabola fits the
    step, and the gradient that the optimizer consumed was the batch's own.

    Args:
        broken: the flight that ended in the alarm.
        rows: of the ring.
        batches: the latest measurements on a step's own batch, oldest first.
        header: of the recording.
        jumped: True where a batch, or a cliff in the loss, did it: the steps from there on are its consequence.
    """
    measured = measured_before(broken.step, batches)
    return Evidence(Cause.PAST_THE_LIMIT, *_told(broken, rows, measured, header, jumped))


def _told(
    broken: Broken, rows: Sequence[Row], measured: Sequence[Measured], header: RecordingHeader, jumped: bool
) -> tuple[bool | None, str]:
    since = looked_at_from(broken)
    course = course_of(broken)
    leap = len(broken.flight.step) - 1 if course is None else course.onset if course.leapt else course.began + 1
    until = int(broken.flight.step[leap]) if jumped else broken.step
    recent = [each for each in measured if since <= each.step < until]
    kept = {row.step: row for row in rows}
    latest = [(each, share_along(each, kept[each.step], header)) for each in recent[-LATEST:] if each.step in kept]
    over = [(each, share) for each, share in latest if _is_past(each, share)]
    if over:
        return True, _past(broken, *over[-1], recent)
    too_long = None if jumped else too_long_by_rates(broken, rows)
    if too_long is not None:
        return True, too_long
    if recent:
        return _within(broken, recent, [share.value for _, share in latest if share is not None])
    if not measured:
        return None, "No step was measured on its own batch before the alarm; watch.step(loss, closure) measures it."
    return None, _too_long_ago(broken, measured)


def share_along(each: Measured, row: Row, header: RecordingHeader) -> Share | None:
    """The least that any group's learning rate was of its limit; None where it has none that this step shows.

    Args:
        each: a measured step.
        row: of that step.
        header: names the optimizers and what their groups hold.
    """
    if each.curvature is None or not _shows_a_limit(each, each.curvature, row):
        return None
    found = []
    for rate, group in zip(row.rates, header.groups, strict=True):
        limit = provable_limit(header.optimizers[group.optimizer], group.options, each.curvature)
        if limit is None:
            return None
        found.append(Share(float(rate) / limit.value, float(rate), each.curvature))
    return min(found, default=None)


def _shows_a_limit(each: Measured, curvature: float, row: Row) -> bool:
    """Neither clipped nor accumulated, and on a parabola: docs/semantics.md#curvature-along-the-step."""
    with np.errstate(all="ignore"):
        readings = [np.reshape(one, (SUMS, -1)).sum(axis=1) for one in row.readings if one is not None]
    if each.reach is None or len(readings) < len(row.readings) or any(updates != 1 for updates in row.updates):
        return False
    with np.errstate(all="ignore"):
        _, squared_update, _, consumed = np.sum(readings, axis=0).tolist()
    if not abs(consumed - each.slope) <= SAME_GRADIENT * abs(each.slope) or not each.slope < 0:
        return False
    by_slopes = curvature * squared_update / -each.slope
    return bool(on_a_parabola(np.array([by_slopes]), np.array([each.reach]))[0])


def _is_past(each: Measured, share: Share | None) -> bool:
    blown = bool(np.isfinite(each.loss_before) and not np.isfinite(each.loss_after))
    return blown or (each.reach is not None and each.reach > LEVEL) or (share is not None and share.value > 1)


def _past(broken: Broken, each: Measured, share: Share | None, recent: Sequence[Measured]) -> str:
    when = f"at step {each.step:,}, {count(broken.step - each.step, 'step')} before the alarm"
    said = []
    if not np.isfinite(each.loss_after):
        blown = f"from {number(each.loss_before)} to {number(each.loss_after)}"
        said.append(f"the loss of its own batch went {blown} {when}")
    elif each.reach is not None:
        said.append(f"reach was {reach_number(each.reach, 4)} {when}")
        over = sum(one.reach is not None and one.reach > LEVEL for one in recent)
        said.append(f"it was above 2 at {over:,} of {count(len(recent), 'step')} measured just before")
    if share is not None and share.value > 1:
        told = f"the learning rate {short(share.rate)} was at least {part_of(share.value, 'the stability limit')}"
        said.append(f"{told} (curvature along the step {number(share.curvature)})" + ("" if said else f" {when}"))
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _within(broken: Broken, recent: Sequence[Measured], shares: Sequence[float]) -> tuple[bool | None, str]:
    ring = f"the last {count(broken.step - recent[0].step, 'step')} before the alarm"
    reached = [each.reach for each in recent if each.reach is not None]
    said = [f"reach was at most {reach_number(max(reached), 4)}"] if reached else []
    if shares:
        said.append(f"the learning rate at most {part_of(max(shares), 'the stability limit')} along the step")
    if not said:
        return None, f"Reach was not defined at the {count(len(recent), 'step')} measured in {ring}."
    text = " and ".join(said)
    return False, f"{text[0].upper()}{text[1:]} in {ring} ({len(recent):,} measured)."


def _too_long_ago(broken: Broken, measured: Sequence[Measured]) -> str:
    none = "None of the last steps before it broke was measured on its own batch"
    known = [(each.step, each.reach) for each in measured if each.reach is not None]
    if not known:
        return f"{none}."
    step, reach = known[-1]
    return f"{none}; the last reach is {reach_number(reach, 4)}, {count(broken.step - step, 'step')} before the alarm."
