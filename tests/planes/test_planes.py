"""Cuts through parameter space: coordinates and points are inverse, directions orthonormal, every path has a plane."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fallline._planes import Plane, coordinates, distance, parameter_plane, path_plane, points

COORDINATES = st.floats(-1e6, 1e6)
PATHS = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(2, 20)), elements=st.floats(-100, 100, width=32)
)


def orthonormal(plane: Plane) -> bool:
    return np.allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)


@pytest.mark.slow
@settings(deadline=None)
@given(PATHS)
def test_any_path_has_an_orthonormal_plane(path: np.ndarray) -> None:
    assert orthonormal(path_plane(path))


@pytest.mark.slow
@settings(deadline=None)
@given(PATHS, hnp.arrays(np.float64, (7, 2), elements=COORDINATES))
def test_coordinates_undo_points(path: np.ndarray, uv: np.ndarray) -> None:
    plane = path_plane(path)
    there = points(plane, uv)
    assert np.allclose(coordinates(plane, there), uv, rtol=1e-9, atol=1e-9)
    assert np.all(distance(plane, there) <= 1e-9 * (1 + np.abs(uv).max()))


@pytest.mark.slow
@settings(deadline=None)
@given(PATHS)
def test_shadow_and_distance_make_up_the_point(path: np.ndarray) -> None:
    plane = path_plane(path)
    shadow = points(plane, coordinates(plane, path))
    assert np.allclose(np.linalg.norm(path - shadow, axis=1), distance(plane, path), atol=1e-9)


def test_two_parameters_are_their_own_coordinates_exactly() -> None:
    plane = parameter_plane(0, 1, ("w", "b"))
    vectors = np.array([[0.1, 0.2], [np.inf, 1.0], [1e300, np.nan]])
    assert np.array_equal(coordinates(plane, vectors), vectors, equal_nan=True)
    assert plane.explained_variance == 1.0
    assert np.array_equal(distance(plane, vectors), np.zeros(3))


def test_a_parameter_plane_of_many_holds_the_others() -> None:
    plane = parameter_plane(2, 0, ("w_a", "w_b", "b"), through=np.array([5.0, 6.0, 7.0]))
    assert np.array_equal(points(plane, np.array([[1.0, 2.0]])), [[2.0, 6.0, 1.0]])
    assert np.array_equal(distance(plane, np.array([[0.0, 9.0, 0.0]])), [3.0])
    assert "w_b" in plane.note


@pytest.mark.parametrize(("i", "j"), [(0, 0), (0, 2), (-1, 0)])
def test_a_parameter_plane_needs_two_parameters(i: int, j: int) -> None:
    with pytest.raises(ValueError, match="two different parameters"):
        parameter_plane(i, j, ("w", "b"))


def test_a_flat_path_lies_in_its_plane() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(6, 2)))[0].T
    path = 3.0 + rng.normal(size=(40, 2)) @ basis
    plane = path_plane(path)
    assert np.abs(distance(plane, path)).max() < 1e-12
    assert plane.explained_variance == pytest.approx(1.0, abs=1e-12)


def test_directions_hold_as_much_as_the_singular_vectors_do() -> None:
    path = np.random.default_rng(1).normal(size=(50, 5)) * [5.0, 3.0, 1.0, 0.3, 0.1]
    plane = path_plane(path)
    expected = np.linalg.svd(path - path[-1])[2][:2]
    assert np.allclose(np.abs(plane.directions @ expected.T), np.eye(2), atol=1e-9)
    assert all(row[np.abs(row).argmax()] > 0 for row in plane.directions)


def test_explained_variance_of_three_equal_spreads_is_two_thirds() -> None:
    path = np.concatenate([np.eye(3), -np.eye(3)])
    assert path_plane(path, origin=np.zeros(3)).explained_variance == pytest.approx(2 / 3)


def test_rows_that_are_not_finite_are_left_out() -> None:
    path = np.array([[3.0, 1.0, 0.0], [1.0, 0.0, 0.5], [np.nan, 0.0, 0.0], [np.inf, 0.0, 0.0]])
    with_rest, without = path_plane(path), path_plane(path[:2])
    assert np.array_equal(with_rest.directions, without.directions)
    assert np.array_equal(with_rest.origin, [1.0, 0.0, 0.5])


@pytest.mark.parametrize(
    "path",
    [
        np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]),
        np.ones((4, 3)),
        np.full((2, 3), np.nan),
        np.empty((0, 3)),
        np.array([[0.0, 0.0, 1e300], [0.0, 1e300, 0.0]]),
    ],
    ids=["line", "point", "nothing finite", "empty", "huge"],
)
def test_a_path_without_two_directions_still_has_a_plane(path: np.ndarray) -> None:
    plane = path_plane(path)
    assert orthonormal(plane)
    assert plane.explained_variance == pytest.approx(1.0)


def test_one_parameter_has_no_plane() -> None:
    with pytest.raises(ValueError, match="at least two"):
        path_plane(np.ones((3, 1)))


def test_distance_of_a_huge_vector_does_not_overflow() -> None:
    plane = path_plane(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    assert distance(plane, np.array([[0.0, 0.0, 1e300]])) == pytest.approx([1e300])


def test_a_path_plane_s_axes_say_how_much_of_the_path_lies_along_them() -> None:
    path = np.array([[10.0, 0.0, 0.0], [-10.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, -2.0, 0.0]])
    plane = path_plane(path, origin=np.zeros(3))
    assert plane.axes == ("path direction 1 (96 %)", "path direction 2 (4 %)")
    assert path_plane(np.ones((4, 3))).axes == ("path direction 1 (0 %)", "path direction 2 (0 %)")
    assert path_plane(path * [1.0, 0.01, 1.0], origin=np.zeros(3)).axes[1] == "path direction 2 (<1 %)"


@pytest.mark.parametrize("far", [0.0, 1e6])
def test_rounding_off_a_straight_path_is_no_second_direction(far: float) -> None:
    along = np.array([1.0, 2.0, 3.0]) / np.sqrt(14.0)
    path = far + np.linspace(1.0, 0.1, 12)[:, None] ** 3 * along
    path[1::2] += np.spacing(path[1::2]) * [1.0, -2.0, 1.0]
    plane = path_plane(path, origin=np.full(3, far))
    assert orthonormal(plane)
    assert plane.axes == ("path direction 1 (100 %)", "path direction 2 (0 %)")
    axis = np.eye(3)[0] - plane.directions[0] * plane.directions[0, 0]
    assert np.allclose(plane.directions[1], axis / np.linalg.norm(axis))  # completed by a coordinate axis, not by noise


def test_a_slight_second_direction_is_kept() -> None:
    path = np.array([[1.0, 0.0, 0.0], [0.5, 1e-5, 0.0], [0.0, 0.0, 0.0]])
    plane = path_plane(path)
    assert abs(plane.directions[1, 1]) == pytest.approx(1.0, abs=1e-6)
    assert plane.axes[1] == "path direction 2 (<1 %)"


def test_the_first_path_direction_holds_more_of_its_variance_wherever_the_origin_is() -> None:
    """Seen from far below, most of the path's second moment is its distance from there."""
    path = np.stack([np.linspace(-1, 1, 9), np.linspace(0, 0.1, 9) ** 2, np.full(9, 5.0)], axis=1)
    plane = path_plane(path, origin=np.zeros(3))
    assert plane.axes == ("path direction 1 (100 %)", "path direction 2 (<1 %)")
    assert abs(plane.directions[0, 0]) == pytest.approx(1.0, abs=1e-2)
    assert orthonormal(plane)
