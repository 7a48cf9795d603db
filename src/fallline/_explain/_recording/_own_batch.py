"""What the closure showed: reach and curvature along the step, on the step's own batch."""

from dataclasses import dataclass

import numpy as np

from fallline._explain._numbers import count, listed, reach_number
from fallline._explain._recording._limit_along import limit_sentences
from fallline._explain._recording._reach_words import LEVEL, reach_verdict
from fallline._explain._recording._rows import last_part
from fallline._records import Mask, Recording, SameBatchSeries

MOST_TROUBLED = 0.2
"""Where a larger part of the measured steps has no reach, or one above 2, no word is said of the middle of the rest."""
WHERE = ", on the parabola of the step's own batch"


@dataclass(frozen=True)
class Stretch:
    """Reach over some of the measured steps; docs/semantics.md#reach-of-a-loop."""

    first: int
    """The step of the first one."""
    measured: int
    defined: int
    over: int
    """How many went above 2."""
    median: float | None
    """Of those that have one."""

    @property
    def troubled(self) -> bool:
        """True where the median does not stand for the stretch."""
        return self.measured - self.defined + self.over > MOST_TROUBLED * self.measured


def stretch_of(batches: SameBatchSeries, rows: slice) -> Stretch:
    """Reach over these rows."""
    known = batches.reach_measured[rows]
    reach = batches.reach[rows][known]
    return Stretch(
        first=int(batches.step[rows][0]),
        measured=len(known),
        defined=int(known.sum()),
        over=int(np.count_nonzero(reach > LEVEL)),
        median=float(np.median(reach)) if reach.size else None,
    )


def own_batch_sentences(recording: Recording) -> list[str]:
    """Reach, what went wrong with it, and the share of the limit along the step."""
    if not len(recording.batches):
        return []
    return [*reach_sentences(recording.batches), *limit_sentences(recording), *_changed(recording.batches)]


def reach_sentences(batches: SameBatchSeries) -> list[str]:
    """The middle of all that was measured and of its end; where many are troubled that is said first."""
    whole, end = stretch_of(batches, slice(0, len(batches))), stretch_of(batches, last_part(len(batches)))
    wrong = [*_undefined(batches), *_too_far(batches)]
    if whole.median is None:
        return wrong
    said = _middle(whole, end)
    return [*wrong, *said] if whole.troubled else [*said, *wrong]


def _middle(whole: Stretch, end: Stretch) -> list[str]:
    median = whole.median if whole.median is not None else 0.0
    of = count(whole.measured, "measured step")
    if whole.defined < whole.measured:
        of = f"the {whole.defined:,} of {of} that have one"
    said = f"Reach was {reach_number(median)} in the median of {of}"
    word = "" if whole.troubled else f": {reach_verdict(median)}{WHERE}"
    if end.measured == whole.measured:
        return [f"{said}{word}."]
    since = f"the last {end.measured:,} measured, from step {end.first:,} on"
    if end.median is None or 2 * end.defined <= end.measured:
        none = end.measured - end.defined
        return [f"{said}{word}.", f"Of {since}, {none:,} {'has' if none == 1 else 'have'} no reach."]
    late = f"{reach_number(end.median)} in {since}"
    if whole.troubled or end.troubled:
        late_word = "" if end.troubled else f": {reach_verdict(end.median)}"
        over = f"; {end.over:,} of these went above 2" if end.troubled and end.over else ""
        return [f"{said}{word}.", f"It was {late}{late_word}{over}."]
    if reach_verdict(median) == reach_verdict(end.median):
        return [f"{said} and {late}{word}."]
    return [f"{said} ({reach_verdict(median)}) and {late} ({reach_verdict(end.median)}){WHERE}."]


def _too_far(batches: SameBatchSeries) -> list[str]:
    over = np.flatnonzero(batches.reach_measured & (batches.reach > LEVEL))
    if not over.size:
        return []
    top = int(over[np.argmax(batches.reach[over])])
    step, reach = f"step {int(batches.step[top]):,}", reach_number(float(batches.reach[top]))
    if over.size == 1:
        return [f"At {step} reach was {reach}: the loss of its own batch rose."]
    return [
        f"{over.size:,} of {count(len(batches), 'measured step')} went so far that the loss of their own batch rose "
        f"(reach above 2), the farthest at {step} with {reach}."
    ]


def _undefined(batches: SameBatchSeries) -> list[str]:
    """Steps without a reach, by reason; those for which no reason holds are not explained."""
    none = ~batches.reach_measured
    if not none.any():
        return []
    change, came = batches.first_order_change, batches.real_change
    broken = ~(np.isfinite(change) & np.isfinite(came))
    reasons: tuple[tuple[Mask, str], ...] = (
        (~batches.moved, "did not move anything"),
        (batches.moved & broken, "had a number that is not finite"),
        (batches.moved & ~broken & (change > 0), "pointed uphill on their own batch"),
        (batches.moved & ~broken & (change < 0) & (batches.curvature < 0), "had no bottom ahead (negative curvature)"),
    )
    told = [f"{int(np.count_nonzero(none & why)):,} {words}" for why, words in reasons if (none & why).any()]
    others = int(np.count_nonzero(none & ~np.logical_or.reduce([why for why, _ in reasons])))
    told += [f"{others:,} had a slope or a curvature below rounding"] if others else []
    missing = int(np.count_nonzero(none))
    fate = "none has a reach" if missing == len(batches) else "these have no reach"
    return [f"Of {count(len(batches), 'measured step')}, {listed(told)}: {fate}."]


def _changed(batches: SameBatchSeries) -> list[str]:
    """The closure's loss before the step should be the loss that was given; where it was not, that is said."""
    other = int(np.count_nonzero(~batches.as_given & np.isfinite(batches.loss_before)))
    if not other:
        return []
    return [
        f"At {other:,} of {count(len(batches), 'measured step')} the closure's loss before the update was not the "
        "loss that watch.step was given: the two do not compute the same, or not on the same batch."
    ]
