"""What the pieces of a comparison decide on their own."""

import math

import numpy as np
import pytest

from fallline._compare._judge import floor_of, judge, rounding_of
from fallline._compare._settings import seeds_of
from fallline._compare._starts import distance_to_go, make_starts
from fallline._errors import OptionError
from fallline._problem import given_problem
from fallline._records import FloorKind

STEPS = np.arange(4, dtype=np.int64)


def test_the_goal_is_reached_from_where_the_loss_stays_below_it() -> None:
    losses = np.array([[[10.0, 0.05, 5.0, 0.05], [10.0, 5.0, 0.05, 0.05]]])
    assert judge(losses, goal=0.99, floor=0.0, measured_at=STEPS).steps.tolist() == [[3.0, 2.0]]


def test_each_seed_is_measured_against_its_own_start() -> None:
    losses = np.array([[[100.0, 1.5, 0.9, 0.9], [10.0, 1.5, 0.9, 0.9]]])
    assert judge(losses, goal=0.9, floor=0.0, measured_at=STEPS).steps.tolist() == [[1.0, 2.0]]


def test_measured_steps_are_reported_not_their_indices() -> None:
    losses = np.array([[[10.0, 5.0, 0.05, 0.05]]])
    assert judge(losses, goal=0.99, floor=0.0, measured_at=7 * STEPS).steps.tolist() == [[14.0]]


@pytest.mark.parametrize("tail", [[math.nan, math.nan], [math.inf, math.inf], [20.0, 30.0], [math.inf, 0.0]])
def test_a_run_that_diverged_reaches_nothing(tail: list[float]) -> None:
    judged = judge(np.array([[[10.0, 0.01, *tail]]]), goal=0.99, floor=0.0, measured_at=STEPS)
    assert judged.diverged.tolist() == [[True]]
    assert judged.steps.tolist() == [[math.inf]]


def test_the_floor_is_the_optimum_or_the_lowest_loss_seen() -> None:
    seen = [np.array([5.0, math.nan, -math.inf]), np.array([3.0, math.inf])]
    assert floor_of(1.0, seen) == (1.0, FloorKind.OPTIMUM)
    assert floor_of(None, seen) == (3.0, FloorKind.LOWEST_SEEN)


def test_rounding_follows_the_larger_of_floor_and_start() -> None:
    eps = np.finfo(np.float64).eps
    assert rounding_of(np.array([1.0, 100.0]), -10.0) == pytest.approx([40 * eps, 400 * eps])


def test_seeds_that_choose_are_others_than_those_that_are_shown() -> None:
    for seeds, seed in ((5, 3), ([4, 9, 2], 0), (1, -7)):
        shown, tuning = seeds_of(seeds, seed)
        assert len(shown) == len(tuning)
        assert not set(shown) & set(tuning)


@pytest.mark.parametrize("seeds", [0, -1, 2.5, True, "3", [], [1, 1], [1.5], 10_000])
def test_seeds_that_cannot_be_used(seeds: object) -> None:
    with pytest.raises(OptionError):
        seeds_of(seeds, 0)


def test_the_way_to_go_is_to_the_nearest_minimum() -> None:
    himmelblau = given_problem(formula="himmelblau")
    assert distance_to_go(himmelblau, np.array([[3.0, 2.5]])) == pytest.approx(0.5)
    assert distance_to_go(given_problem(formula="saddle"), np.array([[7.0, 1.0]])) == 7.0
    assert distance_to_go(given_problem(formula="(w - 3)^2"), np.array([[3.0]])) == 3.0


def test_a_start_given_in_part_leaves_the_rest_to_the_seed() -> None:
    starts = make_starts(given_problem(), {"w": 1.0}, (0, 1), (2, 3))
    assert not starts.same
    assert starts.shown[:, 0].tolist() == [1.0, 1.0]
    assert starts.shown[0, 1] != starts.shown[1, 1]
    assert make_starts(given_problem(), {"w": 1.0, "b": 0.5}, (0, 1), (2, 3)).same


def test_one_seed_draws_one_point_whatever_the_others_are() -> None:
    problem = given_problem(formula="rosenbrock")
    first = make_starts(problem, None, (4, 5, 6), (7,)).shown
    second = make_starts(problem, None, (1, 6, 5), (7,)).shown
    assert first[1].tobytes() == second[2].tobytes()
    assert first[2].tobytes() == second[1].tobytes()
