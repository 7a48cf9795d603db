"""Two optimizers compared seed by seed, and whether what lies between them is more than noise.

The paired difference of logarithms over K seeds with Student's interval for its mean (Student 1908), widened for all
pairs of the table together (Bonferroni); docs/semantics.md#comparing-optimizers.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from fallline._records import Contender, Criterion, Difference, Floats, Mask, RateRuns, Standing

FAMILY = 0.95
"""Confidence of all intervals of a table together."""
ANGLES = 200_001
"""Points of the integral below: the quantile is good to eight digits."""
SAME = 1e-12
"""Logarithms this near to one another, or to 0, are equal but for rounding."""


class Paired(NamedTuple):
    """What two optimizers left, seed by seed, as logarithms (base e): the second's minus the first's.

    Where a run did not arrive a number stands for its own, and the difference is only bounded by what is here.
    """

    criterion: Criterion
    logs: Floats
    """[K]"""
    more: Mask
    """[K] True where the difference may be larger than this."""
    less: Mask
    """[K] True where it may be smaller."""


def confidence_of(contenders: int) -> float:
    """The confidence of one interval so that those of all pairs hold together.

    >>> confidence_of(2), round(confidence_of(4), 4)
    (0.95, 0.9917)
    """
    return 1 - (1 - FAMILY) / max(1, contenders * (contenders - 1) // 2)


@cache
def student_quantile(confidence: float, freedom: int) -> float:
    """t such that Student's distribution with ``freedom`` degrees has ``confidence`` of its mass within ±t.

    With t = √n·tan a the density is proportional to cosⁿ⁻¹ a, which is integrated numerically.

    >>> round(student_quantile(0.95, 4), 4), round(student_quantile(0.99, 1), 2)
    (2.7764, 63.66)
    """
    angles = np.linspace(0.0, math.pi / 2, ANGLES)
    density = np.cos(angles) ** (freedom - 1)
    mass = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2)))
    angle = float(np.interp(confidence, mass / mass[-1], angles))
    return math.sqrt(freedom) * math.tan(angle)


def paired(first: RateRuns, second: RateRuns, *, steps: int, start_excess: Floats, rounding: Floats) -> Paired:
    """The logarithms to be compared.

    Steps to the goal where at least one of the two reaches it in more than half of the seeds, a run that does not
    reach it counting as if it had on the step after its last. Otherwise the excess loss at the end, between rounding
    and what there was at the start (a run that diverged removed nothing). The difference is then bounded on one side:
    it is at least that where the second one's number stands for a larger one, at most that where the first one's does.
    """
    if first.median_steps is not None or second.median_steps is not None:
        logs = [_log_steps(first, steps), _log_steps(second, steps)]
        missed = [np.array([taken is None for taken in runs.steps_to_goal]) for runs in (first, second)]
        return Paired(Criterion.STEPS, np.asarray(logs[1] - logs[0]), more=missed[1], less=missed[0])
    found = [bounded_excess(runs, start_excess, rounding) for runs in (first, second)]
    capped = [runs.diverged | ~(runs.excess_left <= start_excess) for runs in (first, second)]
    exact = [runs.excess_left <= rounding for runs in (first, second)]
    both = exact[0] & exact[1]  # equal as far as can be measured
    return Paired(
        Criterion.EXCESS,
        np.log(found[1]) - np.log(found[0]),
        more=np.asarray(capped[1] | (exact[0] & ~both)),
        less=np.asarray(capped[0] | (exact[1] & ~both)),
    )


def bounded_excess(runs: RateRuns, start_excess: Floats, rounding: Floats) -> Floats:
    """[K] the excess left, between rounding and that of the start."""
    left = np.where(np.isfinite(runs.excess_left) & ~runs.diverged, runs.excess_left, start_excess)
    return np.asarray(np.clip(left, rounding, np.maximum(start_excess, rounding)))


def difference(
    first: int,
    second: int,
    found: Paired,
    *,
    slack: float,
    confidence: float,
    deterministic: bool,
) -> Difference:
    """What lies between two contenders, given by their indices.

    Args:
        found: of :func:`paired`.
        slack: the factor that a neighbouring trial rate makes for either of them; 1 where no rate was chosen.
        confidence: of the interval.
        deterministic: every seed is the same run, so there is no noise of seeds.
    """
    logs, count = found.logs, len(found.logs)
    bounded = bool(found.more.any() or found.less.any())
    same = count > 1 and not bounded and float(np.ptp(logs)) <= SAME
    mean = float(np.mean(logs))
    ends = _interval(logs, confidence)
    standing, reason = _standing(found, mean, ends, math.log(slack), deterministic)
    shown = ends if not (bounded or same) else None
    return Difference(
        first=first,
        second=second,
        criterion=found.criterion,
        ratio=None if found.less.any() else math.exp(mean),
        low=None if shown is None else math.exp(shown[0]),
        high=None if shown is None else _exp(shown[1]),
        standing=standing,
        at_least=bool(found.more.any() and not found.less.any()),
        same=same,
        ahead=int(np.sum((logs > 0) & ~found.less)),
        behind=int(np.sum((logs < 0) & ~found.more)),
        reason=reason,
    )


def _interval(logs: Floats, confidence: float) -> tuple[float, float] | None:
    """Student's, for the mean of the logarithms; None for one."""
    count = len(logs)
    if count < 2:
        return None
    mean = float(np.mean(logs))
    half = student_quantile(confidence, count - 1) * float(np.std(logs, ddof=1)) / math.sqrt(count)
    return mean - half, mean + half


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _standing(
    found: Paired, mean: float, interval: tuple[float, float] | None, slack: float, deterministic: bool
) -> tuple[Standing, str]:
    """The word, and what it rests on."""
    count = len(found.logs)
    unmeasured, whose = (found.less, "first") if found.less.any() or mean >= 0 else (found.more, "second")
    if unmeasured.any():
        return Standing.UNKNOWN, f"the {whose} has no number of its own in {int(unmeasured.sum())} of {count} seeds"
    if float(np.abs(found.logs).max()) <= SAME and not found.more.any():
        return Standing.TIE, "both come to the same number in every seed" if count > 1 else "the same number"
    if interval is None:
        if not deterministic:
            return Standing.UNKNOWN, "one seed says nothing about the noise"
    elif interval[0] <= 0 <= interval[1]:
        return Standing.WITHIN_NOISE, f"the interval over {count} seeds contains 1"
    if abs(mean) <= slack:
        return Standing.WITHIN_NOISE, "the neighbouring rate that was tried makes as much of a difference"
    reason = "one run each, the same every time" if interval is None else f"the interval over {count} seeds excludes 1"
    return (Standing.BETTER if mean > 0 else Standing.WORSE), reason


def order(runs: Sequence[RateRuns], steps: int, start_excess: Floats, rounding: Floats) -> tuple[int, ...]:
    """Indices, the best first: by the geometric mean of the steps to the goal, then of the excess left.

    Those that diverge in a seed come after those that do in none. Where nobody reaches the goal in more than half of
    the seeds, by the excess alone.
    """
    by_steps = any(one.median_steps is not None for one in runs)

    def key(index: int) -> tuple[bool, float, float, int]:
        diverges = bool(runs[index].diverged.any())
        left = float(np.mean(np.log(bounded_excess(runs[index], start_excess, rounding))))
        return (diverges, float(np.mean(_log_steps(runs[index], steps))) if by_steps else 0.0, left, index)

    return tuple(sorted(range(len(runs)), key=key))


def _log_steps(runs: RateRuns, steps: int) -> Floats:
    """[K] log of the steps to the goal; a run that does not reach it counts as if on the step after its last."""
    return np.asarray(np.log([steps + 1 if taken is None else taken for taken in runs.steps_to_goal]))


def against_the_leader(
    contenders: Sequence[Contender],
    runs: Sequence[RateRuns],
    steps: int,
    start_excess: Floats,
    rounding: Floats,
    deterministic: bool,
    *,
    tuned: bool,
) -> tuple[tuple[int, ...], tuple[Difference, ...]]:
    """The ranking, and the leader compared with each of the others; ``tuned`` where each has a rate of its own."""
    ranking = order(runs, steps, start_excess, rounding)
    leader = ranking[0]
    found = []
    for other in ranking[1:]:
        pair = paired(runs[leader], runs[other], steps=steps, start_excess=start_excess, rounding=rounding)
        slack = max(contenders[leader].slack, contenders[other].slack) if tuned else 1.0
        confidence = confidence_of(len(runs))
        found.append(difference(leader, other, pair, slack=slack, confidence=confidence, deterministic=deterministic))
    return ranking, tuple(found)
