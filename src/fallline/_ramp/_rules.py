"""What the known rules read off a ramp. All of them look along the logarithm of the rate; docs/semantics.md#ramp."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Final

import numpy as np

from fallline._ramp._smooth import fell
from fallline._records import Floats, RampPass, RampRule

FIRST_PART, LAST = 10, 5
"""Of the curve: a tenth of the ramp at its beginning and five points at its end are left out, as in fastai."""
FEWEST = 10
"""Points that a rule needs."""
APART, ALIKE = 15, 0.005
"""Of the slide: points between the two slopes that are compared, and when they are alike."""

SOURCES: Final = {
    RampRule.VALLEY: "fastai: the middle of the longest fall of the smoothed loss",
    RampRule.SLIDE: "fastai, from ESRI: from the right, where slopes 15 points apart differ by 0.005 or less",
    RampRule.MINIMUM: "fastai, from Howard: a tenth of the rate of the lowest smoothed loss",
    RampRule.STEEPEST: "after Smith 2017; fastai, Lightning: where the smoothed loss falls fastest",
}


def valley(rates: Floats, losses: Floats) -> float | None:
    """The middle of the longest falling subsequence, taken as ending at its last point and as wide as it is long.

    >>> valley(np.array([1e-4, 1e-3, 1e-2, 1e-1, 1.0]), np.array([3.0, 2.0, 1.0, 4.0, 9.0]))
    0.0001
    """
    tails: list[float] = []
    longest, end = 0, 0
    for place, loss in enumerate((-losses).tolist()):  # rising, turned over
        length = bisect_left(tails, loss)
        tails[length : length + 1] = [loss]
        if length + 1 > longest:
            longest, end = length + 1, place
    if longest < 2:
        return None
    return float(rates[max(0, end - longest + longest // 3 + longest // 6)])


def slide(rates: Floats, losses: Floats) -> float | None:
    """From the right, the rate 15 points below the first pair of slopes that are alike; None where there is no cliff.

    Slopes are per point, so the rates have to be in even ratios; they are compared in units of the loss.
    """
    slopes = np.gradient(losses)
    differ = np.abs(slopes[APART:] - slopes[:-APART]) > ALIKE
    if len(differ) == 0 or not differ[-1] or differ.all():
        return None
    return float(rates[int(np.flatnonzero(~differ)[-1]) + 1])


def minimum(rates: Floats, losses: Floats) -> float | None:
    """A tenth of the rate with the lowest loss."""
    return float(rates[int(np.argmin(losses))]) / 10


def steepest(rates: Floats, losses: Floats) -> float | None:
    """Where the loss falls fastest along the logarithm of the rate."""
    slopes = np.diff(losses) / np.diff(np.log(rates))
    place = int(np.argmin(slopes))
    return float(rates[place]) if slopes[place] < 0 else None


RULES: Final[dict[RampRule, Callable[[Floats, Floats], float | None]]] = {
    RampRule.VALLEY: valley,
    RampRule.SLIDE: slide,
    RampRule.MINIMUM: minimum,
    RampRule.STEEPEST: steepest,
}


def points(rates: Floats, one: RampPass) -> tuple[Floats, Floats]:
    """The part of a pass that rules look at: rates and smoothed losses, all of them finite."""
    reached = slice(len(rates) // FIRST_PART, max(0, len(one.smoothed) - LAST))
    here, losses = rates[: len(one.smoothed)][reached], one.smoothed[reached]
    finite = np.isfinite(losses)
    return here[finite], losses[finite]


def nothing_to_read(rates: Floats, one: RampPass) -> str | None:
    """Why a pass says nothing to any rule, None where it does."""
    if not np.isfinite(one.losses).any():
        return "no loss is finite"
    here, _ = points(rates, one)
    if len(here) < FEWEST:
        return f"only {len(here)} finite losses are left between the first tenth and the last {LAST}"
    return (
        None
        if fell(one.losses, one.start_losses)
        else "the loss does not fall below that of the same batches at the start"
    )
