"""From what the rules and the curvature say to an answer that short real runs bear out; docs/semantics.md#ramp."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from fallline._ramp._intervals import interval_of, middle_of
from fallline._ramp._rules import RULES, SOURCES, nothing_to_read, points
from fallline._records import (
    CurvatureAnswer,
    Floats,
    LimitKind,
    RampPass,
    RampTrial,
    RateInterval,
    Recommendation,
    RuleAnswer,
)
from fallline._wording import count, written

FACTOR = 3.0
TRIES = 4
"""Rates that are tried, each a third of the one before, until the runs at one descend."""
MOST_CLIMBS = 6
"""Rates that are tried above a first one, each three times the one before, as long as the runs are faster there."""
APART = 100.0
"""Rules whose rates differ by so many times say little: that is told, and the real runs decide."""
FASTER, NO_HIGHER = 0.01, 0.01
"""Of the fall: by how much the mean loss of a run has to be lower, and how much higher it may end."""
NAMES = ((1 / FACTOR, "a third of it"), (1.0, "the answer"), (FACTOR, "three times it"))
GIVEN_UP = "tried and given up"
FINDS_NOTHING = "the rule finds no such place on this curve"
RunTrial = Callable[[str, float], RampTrial]


def ask_rules(rates: Floats, passes: Sequence[RampPass]) -> tuple[RuleAnswer, ...]:
    """What each rule says of each pass."""
    silent = [nothing_to_read(rates, one) for one in passes]
    told = []
    for rule, read in RULES.items():
        found = [
            None if reason is not None else read(*points(rates, one))
            for one, reason in zip(passes, silent, strict=True)
        ]
        reasons = [reason or FINDS_NOTHING for reason, rate in zip(silent, found, strict=True) if rate is None]
        told.append(RuleAnswer(rule, SOURCES[rule], tuple(found), interval_of(found), reasons[0] if reasons else ""))
    return tuple(told)


class Candidate(NamedTuple):
    """A rate to try, how it scatters, and what it rests on."""

    interval: RateInterval
    reason: str


def cap_of(curvature: CurvatureAnswer, *, full_batch: bool) -> float | None:
    """Half of the limit where that is provable and all rows are one batch; None where it is no bound."""
    if not full_batch or curvature.kind is not LimitKind.PROVABLE or curvature.half is None:
        return None
    return curvature.half.low


class Settled(NamedTuple):
    """What became of it."""

    answer: Recommendation | None
    advice: str
    trials: tuple[RampTrial, ...]
    given_up: tuple[RampTrial, ...]


def candidate(rules: Sequence[RuleAnswer], curvature: CurvatureAnswer, *, full_batch: bool) -> Candidate | None:
    """The middle of what the rules say, at most half of a limit that holds; where they are silent, that half."""
    seeds = zip(*(each.rates for each in rules), strict=True)
    middles = [middle_of(told) for of_seed in seeds if (told := [rate for rate in of_seed if rate is not None])]
    said = interval_of(middles)
    half = curvature.half
    if said is None:
        if half is None:
            return None
        return Candidate(half, "no rule finds a rate on the curves; half the stability limit at the start is taken")
    spoke = [each.rule.value for each in rules if each.interval is not None]
    reason = f"the middle of what {_listed(spoke)} say, over {count(said.seeds, 'seed')}{_disagreement(rules)}"
    if len(spoke) == 1:
        reason = f"what {spoke[0]} alone says, over {count(said.seeds, 'seed')}"
    cap = cap_of(curvature, full_batch=full_batch)
    if cap is not None and half is not None and said.middle > cap:
        low = min(said.low, half.low)
        held = RateInterval(low, half.low, max(half.low, low), said.seeds)
        return Candidate(held, f"half the stability limit, which lies below {reason} ({written(said.middle)})")
    return Candidate(said, reason)


def _disagreement(rules: Sequence[RuleAnswer]) -> str:
    """That the rules are far apart; nothing where they are not."""
    rates = [each.interval.middle for each in rules if each.interval is not None]
    low, high = min(rates), max(rates)
    if high <= APART * low:
        return ""
    return f" (they lie far apart, from {written(low)} to {written(high)}, so that it is little more than a first try)"


def settle(found: Candidate | None, why_none: str, run: RunTrial, cap: float | None) -> Settled:
    """Try the rate; thirds of it until the runs at one descend, three times it as long as the runs are faster there.

    ``cap``: half of a limit that holds; nothing above it is taken.
    """
    if found is None:
        return Settled(None, f"No safe answer: {why_none}.", (), ())
    runs = _Runs(run)
    start = rate = _three_digits(found.interval.middle)
    given_up: list[RampTrial] = []
    while len(given_up) < TRIES and not runs.at(rate).descends:
        given_up.append(replace(runs.at(rate), name=GIVEN_UP))
        rate = _three_digits(rate / FACTOR)
    if len(given_up) == TRIES:
        advice = (
            f"No safe answer: {written(start)} would be {found.reason}, but real runs at it, and at thirds of it down "
            f"to {written(given_up[-1].learning_rate)}, do not end lower with every seed."
        )
        return Settled(None, advice, (), tuple(given_up))
    climbs = 0
    while climbs < MOST_CLIMBS and (cap is None or FACTOR * rate <= cap):
        above = _three_digits(FACTOR * rate)
        if not is_faster(runs.at(above), runs.at(rate)):
            break
        if cap is None and not runs.at(_three_digits(FACTOR * above)).descends:
            break  # where no limit is known, the next one has to hold as well
        rate, climbs = above, climbs + 1
    trials = tuple(replace(runs.at(_three_digits(rate * factor)), name=name) for factor, name in NAMES)
    reason = _reason(found, start, rate, given_up, trials)
    low, middle, high = found.interval.low, found.interval.middle, found.interval.high
    answer = Recommendation(rate, rate * low / middle, rate * high / middle, reason)
    return Settled(answer, reason, trials, tuple(given_up))


def is_faster(above: RampTrial, here: RampTrial) -> bool:
    """Whether the runs at a higher rate were lower on their way with every seed, and ended no higher."""
    if not (above.descends and here.descends):
        return False
    fall = here.before - here.after
    way = [float(np.mean(run)) for trial in (above, here) for run in trial.losses]
    higher, lower = np.split(np.array(way), 2)
    return bool(np.all(above.after <= here.after + NO_HIGHER * fall) and np.all(higher < lower - FASTER * fall))


class _Runs:
    """Each rate is run once."""

    def __init__(self, run: RunTrial) -> None:
        self._run = run
        self._done: dict[float, RampTrial] = {}

    def at(self, rate: float) -> RampTrial:
        if rate not in self._done:
            self._done[rate] = self._run(NAMES[1][1], rate)
        return self._done[rate]


def why_nothing(rules: Sequence[RuleAnswer], passes: Sequence[RampPass]) -> str:
    """Why there is nothing to try."""
    if all(len(each.losses) and not _any_finite(each.losses) for each in passes):
        return "the loss is not finite from the first batch on, at any rate"
    return next((each.why for each in rules if each.why), "no rule finds a rate on the curves")


def _any_finite(losses: Floats) -> bool:
    return any(abs(loss) < float("inf") for loss in losses.tolist())


def _reason(
    found: Candidate, start: float, rate: float, given_up: Sequence[RampTrial], trials: Sequence[RampTrial]
) -> str:
    told = found.reason[0].upper() + found.reason[1:]
    if given_up:
        rates = _listed([written(each.learning_rate) for each in given_up])
        told += f"; at {rates} the real runs did not end lower, so it is a third of the last of these"
    elif rate > start:
        told += f", is {written(start)}; real runs at {written(rate)} were faster with every seed, so it is that"
    above = trials[-1]
    if not above.descends:
        return f"{told}. Three times it does not descend."
    return f"{told}. Three times it descends as well{', faster' if is_faster(above, trials[1]) else ', no faster'}."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _three_digits(rate: float) -> float:
    return float(f"{rate:.3g}")
