"""docs/semantics.md#ends-in-a-minimum."""

import math

import numpy as np
import pytest

from fallline._basins import FAR, SAME, Square, as_low, ended_in, minima_of, settled, sharpest_limit, square_of
from fallline._formulas import NAMED, formula


def test_the_squares_hold_every_minimum_and_the_start() -> None:
    for name, surface in NAMED.items():
        square = square_of(formula(name))
        points = np.array([*surface.minima, surface.start])
        assert (points >= square.low).all(), name
        assert (points <= square.high).all(), name


def test_points_around_a_minimum_end_in_it_and_the_top_between_ends_nowhere() -> None:
    """Himmelblau's maximum near (−0.27, −0.92): the slope is none, and it is no minimum."""
    surface = formula("himmelblau")
    top = np.array([[-0.270845, -0.923039]])
    for _ in range(20):
        top = top - np.linalg.solve(surface.hessian(top[0]), surface.gradient(top)[0])
    minima = np.array(surface.minima)
    ended = ended_in(surface, np.concatenate([minima + 0.3, top]), minima, square_of(surface))
    assert ended.somewhere.tolist() == [True] * 4 + [False]
    assert ended.minimum[:4].tolist() == [0, 1, 2, 3]
    assert not ended.gone.any()


def test_what_has_left_or_is_no_number_ends_nowhere() -> None:
    bowl = formula("(w - 3)^2")
    square = square_of(bowl)
    just_in, just_out = square.middle + FAR * square.side * (1 + np.array([-1e-9, 1e-9]))
    ended = ended_in(bowl, np.array([[just_in], [just_out], [math.nan], [math.inf]]), np.array([[3.0]]), square)
    assert ended.gone.tolist() == [False, True, True, True]
    assert ended.somewhere.tolist() == [True, False, False, False]


@pytest.mark.slow
def test_the_way_down_is_that_of_a_fine_gradient_flow() -> None:
    surface = formula("himmelblau")
    minima, square = np.array(surface.minima), square_of(surface)
    side = np.linspace(square.low, square.high, 12)
    starts = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    at = starts.copy()
    for _ in range(6000):
        at -= 2e-4 * surface.gradient(at)
    flow = np.linalg.norm(at[:, None] - minima, axis=2).argmin(axis=1)
    ended = ended_in(surface, starts, minima, square)
    assert ended.somewhere.all()
    assert (ended.minimum == flow).mean() > 0.95  # a start near a ridge may go either way


def test_settling_needs_no_bowl() -> None:
    """Rosenbrock's valley is followed to its end by Newton steps."""
    surface = formula("rosenbrock")
    rest = settled(surface, np.array([[-1.2, 1.0]]), sharpest_limit(surface, np.array([[1.0, 1.0]])) / 10, 6.0)
    assert rest == pytest.approx(np.ones((1, 2)), abs=1e-6)


def test_minima_that_nobody_listed_are_found_once_each_and_the_lowest_first() -> None:
    surface = formula("(w^2 - 1)^2 + 0.3*w")
    low, _, high = np.sort(np.roots([4, 0, -4, 0.3]).real)
    found = minima_of(surface, np.linspace(-3, 3, 50)[:, None], 6.0)
    assert found[:, 0] == pytest.approx([low, high], abs=1e-6)
    assert minima_of(formula("saddle"), np.zeros((3, 2)), 6.0).shape == (0, 2)


def test_as_low_as_the_lowest_is_to_a_billionth_of_its_size() -> None:
    assert as_low(np.array([5e6, 5e6 + 1e-3, 5e6 + 1e-2])).tolist() == [True, True, False]


def test_a_minimum_is_met_to_a_thousandth_of_the_side() -> None:
    square = Square(0.0, 10.0)
    bowl = formula("(w - 3)^2")
    beside = np.array([[3 + 0.9 * SAME * square.side]]), np.array([[3 + 1.1 * SAME * square.side]])
    assert [bool(ended_in(bowl, np.array([[4.0]]), minima, square).somewhere[0]) for minima in beside] == [True, False]
