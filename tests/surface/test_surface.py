"""The loss on a plane: rows are the second axis, the origin is the loss, overflow is a value."""

import numpy as np
import pytest

from fallline._planes import parameter_plane, path_plane, points
from fallline._quadratic import Quadratic
from fallline._records import Moments
from fallline._surface import _grid, grid_loss, plane_loss, smooth_grid_loss, stacked_loss

MOMENTS = Moments(np.array([[4.0, 1.0], [1.0, 2.0]]), np.array([1.0, -2.0]), 0.5)


def test_values_are_row_second_axis_column_first_axis() -> None:
    quadratic = Quadratic(MOMENTS)
    grid = grid_loss(quadratic, parameter_plane(0, 1, ("w", "b")), x=(-1.0, 3.0), y=(0.0, 7.0), shape=(5, 8))
    assert grid.loss.shape == (8, 5)
    for row, column in [(0, 0), (7, 4), (3, 1)]:
        at = [[grid.x[column], grid.y[row]]]
        assert grid.loss[row, column] == pytest.approx(float(quadratic.loss(at)[0]))
    assert (grid.x[0], grid.x[-1], grid.y[0], grid.y[-1]) == (-1.0, 3.0, 0.0, 7.0)


def test_a_surface_at_its_origin_is_the_loss() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    quadratic = Quadratic(Moments(root @ root.T, rng.normal(size=4), 0.1))
    plane = path_plane(rng.normal(size=(9, 4)))
    grid = grid_loss(quadratic, plane, x=(-1.0, 1.0), y=(-2.0, 2.0), shape=(3, 5))
    assert grid.loss[2, 1] == pytest.approx(float(quadratic.loss(plane.origin)[0]), rel=1e-12)


def test_a_turned_window_reads_the_same_points() -> None:
    quadratic, plane = Quadratic(MOMENTS), parameter_plane(0, 1, ("w", "b"))
    matrix, origin = np.array([[0.6, 0.8], [-0.8, 0.6]]), np.array([0.3, 0.4])
    grid = grid_loss(quadratic, plane, x=(0.0, 1.0), y=(0.0, 2.0), shape=(2, 3), turn=(matrix, origin))
    uv = origin + matrix.T @ [1.0, 2.0]  # undoes window = matrix · (uv − origin)
    assert np.allclose(matrix @ (uv - origin), [1.0, 2.0])
    assert grid.loss[2, 1] == pytest.approx(float(quadratic.loss(points(plane, uv[None]))[0]))


def test_chunks_give_what_one_pass_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    quadratic = Quadratic(MOMENTS)
    vectors = np.random.default_rng(0).normal(size=(101, 2))
    whole = stacked_loss(quadratic, vectors)
    monkeypatch.setattr("fallline._surface._grid._CHUNK", 7)
    assert np.array_equal(stacked_loss(quadratic, vectors), whole)


def test_overflow_is_infinity() -> None:
    assert stacked_loss(Quadratic(MOMENTS), np.array([[1e300, 0.0]]))[0] == np.inf


class Softplus:
    """A smooth loss that is no polynomial; with ``kink`` an absolute value."""

    parameter_count = 2

    def __init__(self, kink: bool = False) -> None:
        self.kink = kink

    def loss(self, parameters: np.ndarray, /) -> np.ndarray:
        w, b = parameters[:, 0], parameters[:, 1]
        return np.asarray(np.abs(w - 0.123) + b**2 if self.kink else np.logaddexp(0, 2 * w + b) + 0.1 * (w - b) ** 2)

    def gradient(self, parameters: np.ndarray, /) -> np.ndarray:
        raise NotImplementedError


def test_a_smooth_surface_is_interpolated_within_its_promise() -> None:
    plane = parameter_plane(0, 1, ("w", "b"))
    turn = (np.array([[0.6, 0.8], [-0.8, 0.6]]), np.array([0.3, 0.4]))
    for turned in (None, turn):
        exact = grid_loss(Softplus(), plane, x=(-4.0, 3.0), y=(-2.0, 5.0), shape=(40, 31), turn=turned)
        smooth = smooth_grid_loss(
            Softplus(), plane, x=(-4.0, 3.0), y=(-2.0, 5.0), shape=(40, 31), floor=0.0, turn=turned
        )
        assert smooth is not None
        assert np.array_equal(smooth.x, exact.x)
        assert np.abs(smooth.loss / exact.loss - 1).max() < 0.02


def test_a_kink_or_an_overflow_is_not_interpolated() -> None:
    plane = parameter_plane(0, 1, ("w", "b"))
    box = {"x": (-1.0, 1.0), "y": (-1.0, 1.0), "shape": (9, 7)}
    assert smooth_grid_loss(Softplus(kink=True), plane, **box, floor=0.0) is None
    huge = {"x": (-1e300, 1e300), "y": (-1.0, 1.0), "shape": (9, 7)}
    assert smooth_grid_loss(Quadratic(MOMENTS), plane, **huge, floor=0.0) is None


def test_interpolation_of_a_polynomial_is_exact_also_at_its_nodes() -> None:
    quadratic, plane = Quadratic(MOMENTS), parameter_plane(0, 1, ("w", "b"))
    exact = grid_loss(quadratic, plane, x=(-1.0, 3.0), y=(0.0, 7.0), shape=(5, 8))
    smooth = smooth_grid_loss(quadratic, plane, x=(-1.0, 3.0), y=(0.0, 7.0), shape=(5, 8), floor=0.5)
    assert smooth is not None
    assert np.allclose(smooth.loss, exact.loss, rtol=1e-12)


def wide_quadratic(parameters: int, spread: float = 1e4) -> Quadratic:
    rng = np.random.default_rng(parameters)
    turned = np.linalg.qr(rng.normal(size=(parameters, parameters)))[0]
    hessian = turned @ np.diag(np.geomspace(spread, 1.0, parameters)) @ turned.T
    return Quadratic(Moments(hessian=hessian, optimum=rng.normal(size=parameters), optimum_loss=0.5))


@pytest.mark.parametrize("zoom", [1.0, 1e-5])
def test_a_plane_through_a_quadratic_has_the_losses_of_its_points(zoom: float) -> None:
    quadratic = wide_quadratic(7)
    path = quadratic.optimum + np.random.default_rng(1).normal(size=(20, 7))
    plane = path_plane(path, quadratic.optimum)
    uv = zoom * np.random.default_rng(2).normal(size=(300, 2))
    direct = quadratic.excess(points(plane, uv))
    assert plane_loss(quadratic, plane, uv) - 0.5 == pytest.approx(direct, rel=1e-9, abs=1e-15)
    flat = Quadratic(Moments(hessian=np.zeros((7, 7)), optimum=np.zeros(7), optimum_loss=2.0))
    assert plane_loss(flat, plane, uv).tolist() == [2.0] * 300
    assert not np.isfinite(plane_loss(quadratic, plane, np.array([[1e200, 0.0], [np.nan, 1.0]]))).any()


def test_many_parameters_are_drawn_without_their_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    quadratic = wide_quadratic(40)
    plane = path_plane(np.random.default_rng(3).normal(size=(9, 40)))
    x, y = (-1.0, 2.0), (0.0, 1.0)
    asked = []

    class Plain:
        """The same loss, of which nothing else is known."""

        parameter_count = 40

        def loss(self, vectors: np.ndarray) -> np.ndarray:
            asked.append(vectors.size)
            return quadratic.loss(vectors)

    monkeypatch.setattr(_grid, "_NUMBERS", 4000)
    pieces = grid_loss(Plain(), plane, x=x, y=y, shape=(31, 31)).loss
    assert max(asked) <= 4000
    assert sum(asked) == 31 * 31 * 40
    counted = len(asked)
    monkeypatch.setattr(Quadratic, "loss", Plain.loss)  # not one vector is made for it
    assert grid_loss(quadratic, plane, x=x, y=y, shape=(31, 31)).loss == pytest.approx(pieces, rel=1e-12)
    assert len(asked) == counted
