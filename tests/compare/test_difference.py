"""docs/semantics.md#comparing-optimizers: when a difference is more than noise."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from fallline._compare._difference import Paired, confidence_of, difference, order, paired, student_quantile
from fallline._records import Criterion, Difference, RateRuns, Standing

STEPS = 100


def runs(
    *steps: int | None, left: tuple[float, ...] | None = None, diverged: tuple[bool, ...] | None = None
) -> RateRuns:
    """One optimizer's runs over some seeds."""
    count = len(steps)
    excess = np.array(left if left is not None else [0.001 if taken is not None else 0.5 for taken in steps])
    gone = np.array(diverged if diverged is not None else [False] * count)
    return RateRuns(0.1, np.ones((count, 2)), np.zeros((2, 1)), None, excess, excess, steps, gone)


def compared(first: RateRuns, second: RateRuns, *, slack: float = 1.0, deterministic: bool = False) -> Difference:
    count = len(first.steps_to_goal)
    found = paired(first, second, steps=STEPS, start_excess=np.ones(count), rounding=np.full(count, 1e-15))
    return difference(0, 1, found, slack=slack, confidence=0.95, deterministic=deterministic)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99, 0.9976])
@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 30])
def test_students_quantile_against_scipy(confidence: float, freedom: int) -> None:
    assert student_quantile(confidence, freedom) == pytest.approx(stats.t.ppf((1 + confidence) / 2, freedom), rel=1e-6)


def test_intervals_hold_for_all_pairs_together() -> None:
    assert [1 - confidence_of(n) for n in (2, 3, 7)] == pytest.approx([0.05, 0.05 / 3, 0.05 / 21])
    assert all(fewer < more for fewer, more in pairwise(confidence_of(n) for n in range(2, 13)))


def test_the_interval_is_students_of_the_paired_logarithms() -> None:
    first, second = runs(10, 12, 9, 11, 10), runs(20, 30, 17, 21, 26)
    d = np.log([20 / 10, 30 / 12, 17 / 9, 21 / 11, 26 / 10])
    low, high = stats.t.interval(0.95, 4, loc=d.mean(), scale=stats.sem(d))
    found = compared(first, second)
    assert found.criterion is Criterion.STEPS
    assert (found.ratio, found.low, found.high) == pytest.approx((math.exp(d.mean()), math.exp(low), math.exp(high)))
    assert found.standing is Standing.BETTER
    assert compared(second, first).standing is Standing.WORSE


def test_an_optimizer_against_itself_is_a_tie() -> None:
    assert compared(runs(10, 12, 9), runs(10, 12, 9)).standing is Standing.TIE


def test_a_difference_that_changes_sign_is_within_the_noise() -> None:
    found = compared(runs(10, 20, 10, 20), runs(19, 11, 21, 10))
    assert found.standing is Standing.WITHIN_NOISE
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 < found.high


def test_pairing_finds_what_unpaired_scatter_would_hide() -> None:
    """Each seed's start makes tenfold differences; within a seed the second always takes a fifth more."""
    first = runs(10, 30, 100, 20, 60)
    second = replace(first, steps_to_goal=(12, 36, 120, 24, 72))
    assert compared(first, second).standing is Standing.BETTER


def test_less_than_a_neighbouring_rate_makes_is_noise_of_the_choice() -> None:
    first, second = runs(100, 102, 98, 101, 99), runs(105, 107, 103, 106, 104)
    assert compared(first, second, slack=1.0).standing is Standing.BETTER
    found = compared(first, second, slack=1.06)
    assert found.standing is Standing.WITHIN_NOISE
    assert "neighbouring rate" in found.reason
    assert compared(first, second, slack=1.04).standing is Standing.BETTER


def test_a_run_that_does_not_arrive_counts_as_on_the_next_step() -> None:
    found = compared(runs(10, 10, 10), runs(None, 20, None))
    assert found.at_least
    assert found.ratio == pytest.approx((101 * 20 * 101 / 1000) ** (1 / 3))
    assert (found.low, found.high) == (None, None)  # never an interval over numbers that stand for others
    assert (found.ahead, found.behind) == (3, 0)


def test_who_never_arrives_is_behind_who_always_does() -> None:
    found = compared(runs(10, 11, 10, 9, 10), runs(*[None] * 5))
    assert found.standing is Standing.BETTER
    assert found.at_least
    assert (found.low, found.high) == (None, None)


def test_no_direction_where_the_first_itself_missed_the_goal() -> None:
    """The mirrored case: in the last seed the second is ahead, by nobody knows how much."""
    found = compared(runs(10, 10, 10, 10, None), runs(*[100] * 5))
    assert found.standing is Standing.UNKNOWN
    assert not found.at_least
    assert (found.ratio, found.low, found.high) == (None, None, None)
    assert (found.ahead, found.behind) == (4, 1)
    assert "1 of 5" in found.reason
    turned = compared(runs(*[100] * 5), runs(10, 10, 10, 10, None))
    assert (turned.ahead, turned.behind) == (1, 4)
    assert turned.standing not in (Standing.BETTER, Standing.WORSE)


def test_a_seed_in_which_both_miss_says_nothing() -> None:
    found = compared(runs(10, 10, 10, None), runs(30, 31, 29, None))
    assert found.standing is Standing.UNKNOWN
    assert (found.ahead, found.behind) == (3, 0)


def test_the_first_that_diverged_gives_no_direction_either() -> None:
    gone = runs(None, None, left=(math.inf, 0.1), diverged=(True, False))
    found = compared(gone, runs(None, None, left=(0.5, 0.5)))
    assert found.standing is Standing.UNKNOWN
    assert found.ratio is None
    assert not found.at_least


def test_where_every_seed_gives_the_same_factor_there_is_no_interval() -> None:
    found = compared(runs(10, 20, 30), runs(20, 40, 60))
    assert found.same
    assert found.standing is Standing.BETTER
    assert (found.ratio, found.low, found.high) == (pytest.approx(2.0), None, None)
    assert not compared(runs(10, 20, 30), runs(20, 40, 61)).same


def test_where_most_do_not_arrive_the_excess_left_is_compared() -> None:
    found = compared(runs(None, None, 50, left=(0.1, 0.2, 0.01)), runs(None, None, None, left=(0.2, 0.4, 0.02)))
    assert found.criterion is Criterion.EXCESS
    assert found.ratio == pytest.approx(2.0)


def test_a_run_that_diverged_has_removed_nothing() -> None:
    gone = runs(None, None, left=(math.nan, math.inf), diverged=(True, True))
    found = compared(runs(None, None, left=(0.5, 0.5)), gone)
    assert found.ratio == pytest.approx(2.0)
    assert found.at_least


def test_a_difference_of_rounding_is_a_tie() -> None:
    left = (0.1, 0.3, 0.7)
    nearly = tuple(value * (1 + 4e-16) for value in left)
    found = compared(runs(None, None, None, left=left), runs(None, None, None, left=nearly))
    assert found.standing is Standing.TIE


def test_excess_below_rounding_is_rounding() -> None:
    assert compared(runs(None, None, left=(0.0, 1e-20)), runs(None, None, left=(1e-17, 0.0))).standing is Standing.TIE


def test_one_seed_says_nothing_unless_every_seed_is_the_same_run() -> None:
    assert compared(runs(10), runs(20)).standing is Standing.UNKNOWN
    assert compared(runs(10), runs(20), deterministic=True).standing is Standing.BETTER
    assert compared(runs(10), runs(10)).standing is Standing.TIE
    assert compared(runs(10), runs(20)).low is None


def test_the_order_is_by_steps_and_then_by_what_is_left() -> None:
    slow, quick, near, far = (
        runs(50, 60),
        runs(5, 6),
        runs(None, None, left=(0.2, 0.2)),
        runs(None, None, left=(0.9, 0.9)),
    )
    tight = runs(5, 6, left=(1e-9, 1e-9))
    found = order([slow, far, quick, near, tight], STEPS, np.ones(2), np.full(2, 1e-15))
    assert found == (4, 2, 0, 3, 1)


def test_who_diverges_in_a_seed_is_ranked_after_who_does_not() -> None:
    lucky = runs(2, None, left=(0.01, np.inf), diverged=(False, True))
    steady = runs(50, 60, left=(0.02, 0.02))
    assert order([lucky, steady], STEPS, np.ones(2), np.full(2, 1e-15)) == (1, 0)


def test_intervals_cover_as_often_as_they_say() -> None:
    """Normal differences of mean log 2: the interval that is shown misses 2 in about 5 % of 1,000 tables."""
    rng = np.random.default_rng(0)
    missed = 0
    for d in rng.normal(math.log(2), 0.7, size=(1_000, 5)):
        nothing = np.zeros(5, dtype=np.bool_)
        found = difference(0, 1, Paired(Criterion.STEPS, d, nothing, nothing), slack=1.0, confidence=0.95,
                           deterministic=False)  # fmt: skip
        assert found.low is not None
        assert found.high is not None
        missed += not found.low <= 2 <= found.high
    assert 30 < missed < 72


def test_an_interval_that_barely_contains_1_is_noise() -> None:
    found = compared(runs(100, 100, 100, 100), runs(100, 101, 104, 103))
    assert found.low is not None
    assert 0.9 < found.low < 1
    assert found.standing is Standing.WITHIN_NOISE
    assert compared(runs(100, 100, 100, 100), runs(102, 101, 103, 102)).standing is Standing.BETTER
