"""What the closure showed: reach and curvature along the step, on the step's own batch."""

import numpy as np

from fallline._explain._numbers import count, number, percent
from fallline._explain._recording._rows import last_part, middle, plain_group
from fallline._records import Floats, Recording, SameBatchSeries

TIMID = 0.1
HALF_SPENT = 0.5
"""At this reach, and at 2 minus it, a parabola has given three quarters of what the direction had to give."""
LEVEL = 2.0


def reach_verdict(reach: float) -> str:
    """A reach in a few words; docs/semantics.md#reach-of-a-loop.

    >>> reach_verdict(0.05), reach_verdict(0.9), reach_verdict(3.1)
    ('timid', 'about right', 'too long: past the bottom and higher than it began')
    """
    if reach < TIMID:
        return "timid"
    if reach < HALF_SPENT:
        return "short of the bottom"
    if reach <= LEVEL - HALF_SPENT:
        return "about right"
    if reach <= LEVEL:
        return "past the bottom"
    return "too long: past the bottom and higher than it began"


def own_batch_sentences(recording: Recording) -> list[str]:
    """Reach, what went wrong with it, and the share of the limit along the step."""
    batches = recording.batches
    if not len(batches):
        return []
    return [*_reach(batches), *_too_far(batches), *_undefined(batches), *_limit(recording), *_changed(batches)]


def _reach(batches: SameBatchSeries) -> list[str]:
    reach = batches.reach[batches.reach_measured]
    whole = middle(reach)
    if whole is None:
        return []
    said = f"Reach was {number(whole.median, 2)} in the median of {count(whole.measured, 'measured step')}"
    end = middle(reach[last_part(len(reach))])
    since = int(batches.step[batches.reach_measured][last_part(len(reach))][0])
    first, where = reach_verdict(whole.median), ", on the parabola of the step's own batch."
    if end is None or end.measured == whole.measured:
        return [f"{said}: {first}{where}"]
    last, late = (
        reach_verdict(end.median),
        f"{number(end.median, 2)} in the last {end.measured} of them, from step {since:,} on",
    )
    if first == last:
        return [f"{said} and {late}: {first}{where}"]
    return [f"{said} ({first}) and {late} ({last}){where}"]


def _too_far(batches: SameBatchSeries) -> list[str]:
    over = np.flatnonzero(batches.reach_measured & (batches.reach > LEVEL))
    if not over.size:
        return []
    top = int(over[np.argmax(batches.reach[over])])
    if over.size == 1:
        return [
            f"At step {int(batches.step[top]):,} reach was {number(float(batches.reach[top]), 2)}: the loss of its own "
            "batch rose."
        ]
    return [
        f"{count(over.size, 'measured step')} went so far that the loss of their own batch rose (reach above 2), the "
        f"farthest at step {int(batches.step[top]):,} with {number(float(batches.reach[top]), 2)}."
    ]


def _undefined(batches: SameBatchSeries) -> list[str]:
    """Steps without a reach, by reason; those for which neither reason holds are not explained."""
    none = batches.moved & ~batches.reach_measured
    uphill = int(np.count_nonzero(none & (batches.first_order_change > 0)))
    curved = int(np.count_nonzero(none & (batches.first_order_change < 0) & (batches.curvature < 0)))
    told = []
    if uphill:
        told.append(f"{uphill:,} pointed uphill on their own batch")
    if curved:
        told.append(f"{curved:,} had no bottom ahead (negative curvature)")
    if not told:
        return []
    return [f"Of {count(len(batches), 'measured step')}, {' and '.join(told)}: these have no reach."]


@np.errstate(all="ignore")  # what is not finite is data
def limit_shares(recording: Recording) -> Floats | None:
    """[R] rate · curvature / 2 along each measured step of plain SGD, NaN where not known; None for others."""
    batches, steps = recording.batches, recording.steps
    if plain_group(recording) is None or not len(batches):
        return None
    rows = np.searchsorted(steps.step, batches.step)
    held = (rows < len(steps)) & batches.moved
    held[held] = steps.step[rows[held]] == batches.step[held]
    shares = np.full(len(batches), np.nan)
    shares[held] = steps.learning_rate[rows[held], 0] * batches.curvature[held] / 2
    return shares


def _limit(recording: Recording) -> list[str]:
    shares = limit_shares(recording)
    if shares is None:
        return []
    usable = np.flatnonzero(np.isfinite(shares) & (shares > 0))
    end = middle(shares[usable][last_part(usable.size)])
    if end is None:
        return []
    at = usable[last_part(usable.size)]
    curvature = middle(recording.batches.curvature[at])
    if curvature is None:
        return []
    return [
        f"Along the last {count(end.measured, 'measured step')} the curvature was {number(curvature.median)} in the "
        f"median, which makes a limit of 2/curvature = {number(2 / curvature.median)} for plain SGD along them: "
        f"the rate was {percent(end.median)} of it."
    ]


def _changed(batches: SameBatchSeries) -> list[str]:
    """The closure's loss before the step should be the loss that was given; where it was not, that is said."""
    other = int(np.count_nonzero(~batches.as_given & np.isfinite(batches.loss_before)))
    if not other:
        return []
    return [
        f"At {other:,} of {count(len(batches), 'measured step')} the closure's loss before the update was not the "
        "loss that watch.step was given: the two do not compute the same, or not on the same batch."
    ]
