"""docs/semantics.md#curvature: how long the sharpest direction is followed alone."""

import math

import numpy as np
import pytest

from fallline._curvature._course import move, searched

EAST, NORTH_EAST = np.array([2.0, 0.0]), np.array([1.0, 1.0])


def test_it_is_followed_until_it_has_moved_by_half_of_the_gap() -> None:
    course = searched(1.0, EAST, gap=0.1, moved=0.01, tolerance=0)
    for _ in range(4):
        assert course.can_be_followed
        course = course.followed(1.0, EAST, 0.012)
        assert course is not None
    assert not course.can_be_followed
    assert course.followed(1.0, EAST, 0.012) is None


def test_next_to_another_eigenvalue_it_is_not_followed_at_all() -> None:
    assert not searched(1.0, EAST, gap=0.001, moved=0.01, tolerance=0.01).can_be_followed
    assert searched(1.0, EAST, gap=0.001, moved=0.002, tolerance=0.01).can_be_followed


def test_nor_after_the_first_measurement_whose_moves_are_not_known_yet() -> None:
    assert not searched(1.0, EAST, gap=1.0, moved=math.inf, tolerance=0.01).can_be_followed


def test_a_move_is_of_the_value_and_of_the_direction_whatever_its_sign_and_length() -> None:
    assert move(2.0, EAST, 2.0, -3 * EAST) == 0
    assert move(2.0, EAST, 4.0, EAST) == pytest.approx(0.5)
    assert move(2.0, EAST, 2.0, NORTH_EAST) == pytest.approx(0.5)
    assert move(2.0, EAST, -1.0, EAST) == math.inf
