"""docs/semantics.md#comparing-optimizers: which rates are tried."""

import math

import numpy as np
import pytest

from fallline._compare._trials import (
    AROUND,
    EDGES,
    Scores,
    around_best,
    at_edges,
    best_of,
    good_rates,
    good_span,
    grid,
    rounds_of,
    slack_of,
)

INF = math.inf


def scores(rates: list[float], steps: list[float], excess: list[float] | None = None) -> Scores:
    return Scores(np.array(rates), np.array(steps), np.array([1.0] * len(rates) if excess is None else excess))


@pytest.mark.parametrize("trials", range(3, 60))
def test_every_trial_is_spent(trials: int) -> None:
    rounds = rounds_of(trials)
    assert rounds.grid >= 3
    assert rounds.grid + AROUND * rounds.around + EDGES * rounds.edges == trials


def test_the_grid_spans_four_decades_in_even_ratios() -> None:
    rates = grid(0.3, 16)
    assert rates[-1] == pytest.approx(0.3)
    assert rates[-1] / rates[0] == pytest.approx(1e4)
    assert np.ptp(rates[1:] / rates[:-1]) < 1e-9


def test_the_best_rate_has_the_fewest_steps_then_the_least_excess_then_is_the_smallest() -> None:
    assert best_of(scores([1, 2, 3], [5, 4, 4], [0, 0.3, 0.2])) == 2
    assert best_of(scores([1, 2, 3], [4, 4, 4], [0.1, 0.1, 0.1])) == 0
    assert best_of(scores([1, 2, 3], [INF, INF, INF], [0.5, 0.1, INF])) == 1


def test_good_is_at_most_three_times_the_fewest_steps() -> None:
    found = scores([1, 2, 3, 4, 5], [31, 30, 10, 20, INF])
    assert good_rates(found).tolist() == [False, True, True, True, False]
    assert good_span(found) == (1, 3)
    assert good_span(scores([1, 2], [INF, INF])) is None


def test_the_good_interval_is_unbroken() -> None:
    assert good_span(scores([1, 2, 3, 4, 5], [12, INF, 10, 11, 40])) == (2, 3)


def test_rates_around_the_best_lie_between_its_neighbours() -> None:
    rates = around_best(scores([1, 8, 64], [9, 5, 9]), 4, 8.0)
    assert rates == pytest.approx([2, 4, 16, 32])


@pytest.mark.parametrize(("best", "expected"), [(0, [1 / 2, 1 / 4, 1 / 8, 1 / 16]), (2, [8, 16, 32, 64])])
def test_where_the_best_is_an_end_the_search_goes_outward(best: int, expected: list[float]) -> None:
    steps = [9.0, 9.0, 9.0]
    steps[best] = 5.0
    assert around_best(scores([1, 2, 4], steps), 4, 2.0) == pytest.approx(expected)


def test_the_ends_of_the_good_interval_are_halved() -> None:
    found = scores([1, 4, 16, 64], [100, 10, 12, INF])
    assert at_edges(found, 4.0) == pytest.approx([2, 32])
    open_below = scores([1, 4, 16], [12, 10, INF])
    assert at_edges(open_below, 4.0) == pytest.approx([1 / 4, 8])


def test_without_a_good_interval_its_trials_go_to_the_best_rate() -> None:
    assert len(at_edges(scores([1, 2, 4], [INF] * 3, [0.5, 0.1, 0.5]), 2.0)) == EDGES


def test_rates_beyond_an_end_stay_within_what_pytorch_can_multiply_by() -> None:
    rates = around_best(scores([1e28, 1e29], [9, 5]), 4, 10.0)
    assert len(set(rates)) == 4
    assert 1e29 < min(rates) <= max(rates) < 1e30


def test_slack_is_what_the_better_neighbour_makes() -> None:
    found = scores([1, 2, 3], [15, 10, 12])
    assert slack_of(found, unreached=101, excess_bounds=(0, 1)) == pytest.approx(1.2)
    assert slack_of(scores([1, 2], [INF, 10]), unreached=101, excess_bounds=(0, 1)) == pytest.approx(10.1)
    by_excess = scores([1, 2, 3], [INF] * 3, [0.4, 0.1, INF])
    assert slack_of(by_excess, unreached=101, excess_bounds=(1e-15, 1.0)) == pytest.approx(4.0)
