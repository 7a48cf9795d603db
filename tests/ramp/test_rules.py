"""The rules against curves drawn by hand, whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallline._ramp._answer import Candidate, RunTrial, ask_rules, candidate, settle
from fallline._ramp._intervals import interval_of, middle_of
from fallline._ramp._rules import minimum, nothing_to_read, points, slide, steepest, valley
from fallline._ramp._smooth import KEPT, Smoother, fell, smoothed
from fallline._records import (
    CurvatureAnswer,
    Floats,
    LimitKind,
    RampEnd,
    RampPass,
    RampRule,
    RampTrial,
    RateInterval,
)

RATES = np.geomspace(1e-6, 1.0, 61)
"""Ten to a decade."""
CLIFF = np.concatenate((np.full(20, 3.0), np.linspace(3.0, 1.0, 21)[1:], [1.2, 2.0, 5.0], np.full(18, 50.0)))
"""Flat to 10⁻⁴, down to 1 at 10⁻², then up."""
NO_CURVATURE = CurvatureAnswer((None,), (None,), None, None, "none was measured", None)


def a_pass(losses: Floats, seed: int = 0) -> RampPass:
    return RampPass(seed, losses, smoothed(losses.tolist()), np.full(len(losses), losses[0]), RampEnd.HIGHEST_RATE)


def test_the_minimum_is_a_tenth_of_the_lowest() -> None:
    assert minimum(RATES, CLIFF) == pytest.approx(RATES[39] / 10)


def test_the_steepest_is_along_the_logarithm_of_the_rate() -> None:
    """Along the rate itself it lies most of a decade too low."""
    bowl = 3 - np.exp(-((np.log10(RATES) + 2) ** 2))
    found = steepest(RATES, bowl)
    expected = 10 ** (-2 - np.sqrt(0.5))  # where the slope of exp(-u²) is largest
    assert found == pytest.approx(expected, rel=0.3)
    linear = RATES[int(np.argmin(np.diff(bowl) / np.diff(RATES)))]
    assert abs(np.log10(linear / expected)) > 0.5
    assert steepest(RATES, RATES) is None


def test_the_valley_is_the_middle_of_the_longest_fall() -> None:
    """21 falling points ending at place 39: ten points (a third, and half of that) behind 39 − 21."""
    assert valley(RATES, CLIFF) == pytest.approx(RATES[39 - 21 + 7 + 3])
    assert valley(RATES, RATES) is None
    assert valley(RATES, np.ones(61)) is None


def in_its_own_words(rates: Floats, losses: Floats) -> float | None:
    """The longest falling subsequence by the table of lengths, as it is usually written."""
    lengths = [1] * len(losses)
    longest, begin = 1, 0
    for place in range(len(losses)):
        for before in range(place):
            if losses[place] < losses[before]:
                lengths[place] = max(lengths[place], lengths[before] + 1)
        if lengths[place] > longest:
            longest, begin = lengths[place], place - lengths[place]
    return None if longest < 2 else float(rates[max(0, begin + longest // 3 + longest // 6)])


@pytest.mark.slow
@given(st.lists(st.integers(-5, 5), min_size=10, max_size=40))
def test_the_valley_is_that_of_the_table_of_lengths(losses: list[int]) -> None:
    rates = np.geomspace(1e-5, 1, len(losses))
    values = np.array(losses, dtype=float)
    assert valley(rates, values) == in_its_own_words(rates, values)


def test_the_slide_is_left_of_the_cliff() -> None:
    """Slopes 15 apart are alike for the last time at places 0 and 15 of a plain that ends in a cliff."""
    plain = np.concatenate((np.ones(30), 1 + np.arange(1, 12) ** 2.0))
    slopes = np.gradient(plain)
    place = max(k for k in range(len(plain) - 15) if abs(slopes[k + 15] - slopes[k]) <= 0.005)
    assert slide(RATES[:41], plain) == RATES[place + 1]
    assert slide(RATES, np.ones(61)) is None  # no cliff
    assert slide(RATES[:12], CLIFF[:12]) is None  # too few points


def test_scaling_the_loss_moves_no_rule_but_the_slide() -> None:
    for rule in (valley, minimum, steepest):
        assert rule(RATES, 2.0**-10 * CLIFF) == rule(RATES, CLIFF)


def test_points_that_are_not_finite_are_left_out_and_never_suggested() -> None:
    losses = CLIFF.copy()
    losses[[10, 30, 39]] = [np.nan, np.inf, np.nan]
    one = a_pass(losses)
    rates, values = points(RATES, one)
    assert np.isfinite(values).all()
    assert not {RATES[10], RATES[30], RATES[39]} & set(rates)
    for told in ask_rules(RATES, [one]):
        assert told.rates[0] is None or told.rates[0] not in (RATES[10], RATES[30], RATES[39])


def test_the_first_tenth_and_the_last_five_are_left_out() -> None:
    rates, _ = points(RATES, a_pass(CLIFF))
    assert rates[[0, -1]].tolist() == [RATES[6], RATES[55]]


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        (np.full(3, np.nan), "no loss is finite"),
        (np.full(61, 2.0), "does not fall"),
        (np.linspace(1.0, 9.0, 61), "does not fall"),
        (CLIFF[:12], "only 1 finite losses"),
        (2 + 0.1 * np.sin(np.arange(61) * 12.9898) * 43758.5453 % 0.1, "does not fall"),
    ],
)
def test_a_curve_without_a_fall_says_nothing(losses: Floats, why: str) -> None:
    assert why in (nothing_to_read(RATES, a_pass(losses)) or "")
    assert all(told.interval is None and why in told.why for told in ask_rules(RATES, [a_pass(losses)]))


def test_a_fall_is_told_from_scatter() -> None:
    two = np.full(100, 2.0)
    draws = [np.random.default_rng(seed).normal(size=100) for seed in range(40)]
    assert not any(fell(two + 0.1 * draw, two) for draw in draws)
    assert all(fell(two + 0.1 * draw - np.linspace(0, 0.5, 100), two) for draw in draws)


def test_an_easy_batch_is_no_fall_and_a_hard_one_hides_none() -> None:
    """Batches that differ tenfold: a twentieth of each is seen, because each is beside itself."""
    batches = 2 + 10 * np.random.default_rng(0).random(100)
    assert not fell(batches, batches)
    assert fell(batches * np.linspace(1, 0.95, 100), batches)


def test_the_smoothed_loss_is_a_mean_whose_weights_add_up_to_one() -> None:
    values = [3.0, 1.0, 4.0]
    weights = np.array([KEPT**2, KEPT, 1.0])
    assert smoothed(values)[-1] == pytest.approx(np.average(values, weights=weights))
    assert np.allclose(smoothed([5.0] * 20), 5.0)
    with_gap = smoothed([3.0, np.nan, 1.0])
    assert np.isnan(with_gap[1])
    assert with_gap[2] == smoothed([3.0, 1.0])[1]


def test_an_explosion_is_four_times_the_lowest_or_three_times_the_fall() -> None:
    smoother = Smoother()
    for loss in (2.0, 1.0):
        lowest = smoother.add(loss)
    assert not smoother.exploded(3.9 * lowest)
    assert smoother.exploded(4.1 * lowest)
    deep = Smoother()
    deep.add(0.0)
    deep.add(-10.0)
    assert not deep.exploded(0.0)
    assert deep.exploded(100.0)


def test_intervals_are_from_lowest_to_highest_with_the_middle_in_the_logarithm() -> None:
    assert interval_of([None, None]) is None
    assert interval_of([0.1]) == RateInterval(0.1, 0.1, 0.1, 1)
    assert middle_of([1e-4, 1e-2]) == pytest.approx(1e-3)


def trial(name: str, rate: float, after: float, way: float = 1.0) -> RampTrial:
    return RampTrial(name, rate, (np.array([way]),), np.array([1.0]), np.array([after]), descends=after < 1)


def fast_below(best: float, most: float = 1.0) -> RunTrial:
    """Runs that are the faster the nearer to ``best`` from below, and diverge above ``most``."""

    def run(name: str, rate: float) -> RampTrial:
        if rate > most:
            return trial(name, rate, np.inf)
        return trial(name, rate, 0.1, way=float(abs(np.log(rate / best))))

    return run


def test_the_answer_is_the_middle_of_what_the_rules_say() -> None:
    rules = ask_rules(RATES, [a_pass(CLIFF), a_pass(CLIFF, 1)])
    said = [each.rates[0] for each in rules if each.rates[0] is not None]
    found = candidate(rules, NO_CURVATURE, full_batch=False)
    assert found is not None
    assert found.interval.middle == pytest.approx(middle_of(said))
    settled = settle(found, "", fast_below(found.interval.middle), None)
    assert settled.answer is not None
    assert settled.answer.value == pytest.approx(found.interval.middle, rel=0.01)
    assert [each.name for each in settled.trials] == ["a third of it", "the answer", "three times it"]
    assert [each.learning_rate / settled.answer.value for each in settled.trials] == pytest.approx([1 / 3, 1, 3], 0.01)


def test_a_first_try_far_too_low_is_climbed_away_from() -> None:
    """A network that is half trained: the rules read noise, and the real runs know better."""
    found = Candidate(RateInterval(1e-6, 1e-6, 1e-6, 1), "the middle")
    settled = settle(found, "", fast_below(1.0), None)
    assert settled.answer is not None
    assert settled.answer.value == pytest.approx(1e-6 * 3**6, rel=0.02)
    near = settle(Candidate(RateInterval(0.02, 0.02, 0.02, 1), "the middle"), "", fast_below(1.0), None)
    assert near.answer is not None
    assert near.answer.value == pytest.approx(0.18, rel=0.02)  # three times the next, 1.62, would diverge


def test_rules_that_lie_far_apart_are_told() -> None:
    none = ask_rules(RATES, [a_pass(CLIFF)])
    apart = [
        replace(each, rates=(rate,), interval=RateInterval(rate, rate, rate, 1))
        for each, rate in zip(none, (1e-6, 1e-5, 1e-3, 0.1), strict=True)
    ]
    found = candidate(apart, NO_CURVATURE, full_batch=False)
    assert found is not None
    assert "they lie far apart, from 1×10⁻⁶ to 0.1" in found.reason
    close = candidate(apart[:2], NO_CURVATURE, full_batch=False)
    assert close is not None
    assert "far apart" not in close.reason


def test_half_of_a_limit_that_holds_is_not_exceeded() -> None:
    half = RateInterval(1e-5, 1e-5, 1e-5, 1)
    curvature = CurvatureAnswer((2e-5,), (1e5,), LimitKind.PROVABLE, half, "", 10)
    rules = ask_rules(RATES, [a_pass(CLIFF)])
    full = candidate(rules, curvature, full_batch=True)
    batches = candidate(rules, curvature, full_batch=False)
    assert full is not None
    assert batches is not None
    assert full.interval.middle == 1e-5
    assert batches.interval.middle > 1e-5
    settled = settle(full, "", fast_below(1.0), 1e-5)
    assert settled.answer is not None
    assert settled.answer.value == 1e-5


def test_a_rate_whose_runs_do_not_descend_is_divided_and_no_rate_that_was_not_run_is_named() -> None:
    found = candidate(ask_rules(RATES, [a_pass(CLIFF)]), NO_CURVATURE, full_batch=False)
    assert found is not None
    first = found.interval.middle
    settled = settle(found, "", fast_below(1.0, most=first / 4), None)
    assert settled.answer is not None
    assert settled.answer.value == pytest.approx(first / 9, rel=0.02)
    assert [each.name for each in settled.given_up] == ["tried and given up"] * 2
    assert "did not end lower" in settled.advice


def test_no_safe_answer_is_an_answer() -> None:
    found = candidate(ask_rules(RATES, [a_pass(CLIFF)]), NO_CURVATURE, full_batch=False)
    settled = settle(found, "", fast_below(1.0, most=1e-30), None)
    assert settled.answer is None
    assert settled.trials == ()
    assert len(settled.given_up) == 4
    assert settled.advice.startswith("No safe answer")
    nothing = settle(None, "the loss does not fall", fast_below(1.0), None)
    assert nothing.advice == "No safe answer: the loss does not fall."


def test_a_faster_rate_is_taken_only_where_every_seed_was_faster() -> None:
    found = candidate(ask_rules(RATES, [a_pass(CLIFF)]), NO_CURVATURE, full_batch=False)
    assert found is not None
    settled = settle(found, "", fast_below(10 * found.interval.middle), None)
    assert settled.answer is not None
    assert settled.answer.value == pytest.approx(9 * found.interval.middle, rel=0.02)
    assert "were faster with every seed" in settled.advice


def test_every_rule_names_its_source() -> None:
    rules = ask_rules(RATES, [a_pass(CLIFF)])
    assert [each.rule for each in rules] == list(RampRule)
    assert all("fastai" in each.source for each in rules)


def test_a_faster_rate_is_not_taken_at_the_brink() -> None:
    """Where no limit is known, three times the faster rate has to descend as well."""
    found = candidate(ask_rules(RATES, [a_pass(CLIFF)]), NO_CURVATURE, full_batch=False)
    assert found is not None
    first = found.interval.middle
    settled = settle(found, "", fast_below(10 * first, most=4 * first), None)
    assert settled.answer is not None
    assert settled.answer.value == pytest.approx(first, rel=0.01)
    assert settled.advice.endswith("Three times it descends as well, faster.")
    held = settle(found, "", fast_below(10 * first, most=4 * first), 3.5 * first)
    assert held.answer is not None
    assert held.answer.value == pytest.approx(3 * first, rel=0.02)
