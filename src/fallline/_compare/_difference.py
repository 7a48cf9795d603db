"""Two optimizers compared seed by seed, and whether what lies between them is more than noise.

The paired difference of logarithms over K seeds with Student's interval for its mean (Student 1908), widened for all
pairs of the table together (Bonferroni); docs/semantics.md#comparing-optimizers.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._records import Contender, Criterion, Difference, Floats, RateRuns, Standing

FAMILY = 0.95
"""Confidence of all intervals of a table together."""
ANGLES = 200_001
"""Points of the integral below: the quantile is good to eight digits."""


class Paired(NamedTuple):
    """What two optimizers left, seed by seed, as logarithms (base e): the second's minus the first's."""

    criterion: Criterion
    logs: Floats
    """[K]"""
    at_least: bool


def confidence_of(contenders: int) -> float:
    """The confidence of one interval so that those of all pairs hold together.

    >>> confidence_of(2), round(confidence_of(4), 4)
    (0.95, 0.9917)
    """
    return 1 - (1 - FAMILY) / max(1, contenders * (contenders - 1) // 2)


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
    reach it counting as if it had on the step after its last: the difference is then at least that. Otherwise the
    excess loss at the end, between rounding and what there was at the start (a run that diverged removed nothing).
    """
    if first.median_steps is not None or second.median_steps is not None:
        logs = [_log_steps(first, steps), _log_steps(second, steps)]
        missed = first.reached < len(first.steps_to_goal) or second.reached < len(second.steps_to_goal)
        return Paired(Criterion.STEPS, np.asarray(logs[1] - logs[0]), missed)
    excess = [np.log(bounded_excess(runs, start_excess, rounding)) for runs in (first, second)]
    return Paired(Criterion.EXCESS, np.asarray(excess[1] - excess[0]), bool((first.diverged | second.diverged).any()))


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
    mean = float(np.mean(logs))
    low = high = None
    if count > 1:
        half = student_quantile(confidence, count - 1) * float(np.std(logs, ddof=1)) / math.sqrt(count)
        low, high = mean - half, mean + half
    standing, reason = _standing(logs, mean, (low, high), math.log(slack), deterministic)
    return Difference(
        first=first,
        second=second,
        criterion=found.criterion,
        ratio=math.exp(mean),
        low=None if low is None else math.exp(low),
        high=None if high is None else _exp(high),
        standing=standing,
        at_least=found.at_least,
        reason=reason,
    )


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _standing(
    logs: Floats, mean: float, interval: tuple[float | None, float | None], slack: float, deterministic: bool
) -> tuple[Standing, str]:
    """The word, and what it rests on."""
    low, high = interval
    if not logs.any():
        return Standing.TIE, "both come to the same number in every seed" if len(logs) > 1 else "the same number"
    if low is None or high is None:
        if not deterministic:
            return Standing.UNKNOWN, "one seed says nothing about the noise"
    elif low <= 0 <= high:
        return Standing.WITHIN_NOISE, f"the interval over {len(logs)} seeds contains 1"
    if abs(mean) <= slack:
        return Standing.WITHIN_NOISE, "the neighbouring rate that was tried makes as much of a difference"
    reason = "one run each, the same every time" if low is None else f"the interval over {len(logs)} seeds excludes 1"
    return (Standing.BETTER if mean > 0 else Standing.WORSE), reason


def order(runs: Sequence[RateRuns], steps: int, start_excess: Floats, rounding: Floats) -> tuple[int, ...]:
    """Indices, the best first: by the geometric mean of the steps to the goal, then of the excess left.

    Where nobody reaches the goal in more than half of the seeds, by the excess alone.
    """
    by_steps = any(one.median_steps is not None for one in runs)

    def key(index: int) -> tuple[float, float, int]:
        left = float(np.mean(np.log(bounded_excess(runs[index], start_excess, rounding))))
        return (float(np.mean(_log_steps(runs[index], steps))) if by_steps else 0.0, left, index)

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
