"""Evidence for a step past the limit: reach, and the share of the stability limit along the step."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._curvature import provable_limit
from fallline._recorder._broken import Broken
from fallline._recorder._rows import Row
from fallline._records import Cause, Evidence, RecordingHeader, SameBatchSeries
from fallline._wording import count, number, percent, short

LEVEL = 2.0
"""The reach of a step that ends as high as it began."""
LATEST = 3
"""Of the steps measured shortly before the alarm, so many speak."""


class Measured(NamedTuple):
    """One step measured on its own batch."""

    step: int
    loss_before: float
    loss_after: float
    reach: float | None
    """None where it is not defined."""
    curvature: float | None
    """Along the step; None where nothing moved."""


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
        )
        for each in batches
        for k in np.flatnonzero(each.step < step)
    ]


def past_the_limit(
    broken: Broken, rows: Sequence[Row], batches: Sequence[SameBatchSeries], header: RecordingHeader
) -> Evidence:
    """Found where one of the last three steps measured in the ring ended past the other wall, or past the limit.

    Of SGD and its relatives the share of the limit is at least learning rate · curvature along the step / (2 and what
    momentum adds): the curvature along any step is at most the largest one.
    """
    return Evidence(Cause.PAST_THE_LIMIT, *_told(broken, rows, measured_before(broken.step, batches), header))


def _told(
    broken: Broken, rows: Sequence[Row], measured: Sequence[Measured], header: RecordingHeader
) -> tuple[bool | None, str]:
    if not measured:
        return None, "No step was measured on its own batch before the alarm; watch.step(loss, closure) measures it."
    recent = [each for each in measured if each.step >= broken.flight.step[0]]
    if not recent:
        return None, _too_long_ago(broken, measured)
    rates = {row.step: row.rates for row in rows}
    latest = [(each, share_along(each, rates[each.step], header)) for each in recent[-LATEST:] if each.step in rates]
    over = [(each, share) for each, share in latest if _is_past(each, share)]
    if over:
        return True, _past(broken, *over[-1], recent)
    return _within(broken, recent, [share.value for _, share in latest if share is not None])


def share_along(each: Measured, rates: Sequence[float], header: RecordingHeader) -> Share | None:
    """The least that any group's learning rate was of its limit; None where there is no provable one.

    Args:
        each: a measured step.
        rates: [G] at that step.
        header: names the optimizers and what their groups hold.
    """
    if each.curvature is None:
        return None
    found = []
    for rate, group in zip(rates, header.groups, strict=True):
        limit = provable_limit(header.optimizers[group.optimizer], group.options, each.curvature)
        if limit is None:
            return None
        found.append(Share(float(rate) / limit.value, float(rate), each.curvature))
    return min(found, default=None)


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
        said.append(f"reach was {number(each.reach)} {when}")
        over = sum(one.reach is not None and one.reach > LEVEL for one in recent)
        said.append(f"it was above 2 at {over:,} of {count(len(recent), 'step')} measured in the ring")
    if share is not None and share.value > 1:
        told = f"the learning rate {short(share.rate)} was at least {percent(share.value)} of the stability limit"
        said.append(f"{told} (curvature along the step {number(share.curvature)})" + ("" if said else f" {when}"))
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _within(broken: Broken, recent: Sequence[Measured], shares: Sequence[float]) -> tuple[bool | None, str]:
    ring = f"the last {count(len(broken.flight.step), 'step')}"
    reached = [each.reach for each in recent if each.reach is not None]
    said = [f"reach was at most {number(max(reached))}"] if reached else []
    if shares:
        said.append(f"the learning rate at most {percent(max(shares))} of the stability limit along the step")
    if not said:
        return None, f"Reach was not defined at the {count(len(recent), 'step')} measured in {ring}."
    text = " and ".join(said)
    return False, f"{text[0].upper()}{text[1:]} in {ring} ({len(recent):,} measured)."


def _too_long_ago(broken: Broken, measured: Sequence[Measured]) -> str:
    none = f"None of the last {count(len(broken.flight.step), 'step')} was measured on its own batch"
    known = [(each.step, each.reach) for each in measured if each.reach is not None]
    if not known:
        return f"{none}."
    step, reach = known[-1]
    return f"{none}; the last reach is {number(reach)}, {count(broken.step - step, 'step')} before the alarm."
