"""Contours lie on their level, areas are inside it, simplification keeps to its tolerance."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallline._planes import coordinates, points
from fallline._quadratic import Quadratic
from fallline._records import Moments
from fallline._surface import Grid
from fallline._view._contours import contour_levels, resolvable
from fallline._view._frame import plane_of
from fallline._view._path import Path
from fallline._view._payload import build_payload
from fallline._view._simplify import simplified
from view.payload_runs import TEXT, descend, logistic, textbook

PIXELS = 600.0
TOLERANCE = 1.0  # pixel of a 600 px picture: a third for simplifying, the rest for straight lines between grid nodes


def cases() -> dict[str, tuple[Any, Any]]:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(50, 3)) @ [[1.0, 0.7, 0.0], [0.0, 1.0, 0.2], [0.0, 0.0, 1.0]]
    several = descend(features, features @ [1.0, -2.0, 0.5] + 3.0, start=(0.1, 0.2, 0.3, 0.4), rate=0.1, steps=60)
    raw = 200 + 14 * rng.normal(size=(80, 1))
    unscaled = descend(raw, 50 * raw[:, 0] - 5800, start=(0.0, 0.5), rate=1e-5, steps=50)
    return {
        "textbook": textbook(),
        "diverging": textbook(rate=0.031),
        "several": several,
        "unscaled": unscaled,
        "logistic": logistic(),
    }


@pytest.mark.parametrize("name", list(cases()))
def test_contours_lie_on_their_level_within_a_pixel(name: str) -> None:
    run, objective = cases()[name]
    payload = build_payload(run, objective, TEXT)
    plane = plane_of(run, Path.of(run, objective))
    for window in payload["windows"]:
        unit = np.array([window["x"][1] - window["x"][0], window["y"][1] - window["y"][0]]) / PIXELS
        for level in window["levels"]:
            for line in level["lines"]:
                uv = unplaced(np.reshape(line, (-1, 2)), window)
                assert pixels_off(objective, plane, uv, level["loss"], unit, window) <= TOLERANCE


def unplaced(placed: np.ndarray, window: dict[str, Any]) -> np.ndarray:
    if window["transform"] is None:
        return placed
    matrix, origin = np.array(window["transform"]["matrix"]), np.array(window["transform"]["origin"])
    return placed @ matrix + origin


def pixels_off(
    objective: Any, plane: Any, uv: np.ndarray, level: float, unit: np.ndarray, window: dict[str, Any]
) -> float:
    """Largest distance to the level, to second order: the level must be crossed within a pixel, straight up or down."""
    at = points(plane, uv)
    slope = coordinates_of(plane, objective.gradient(at), window) * unit  # loss per pixel
    direction = slope / np.linalg.norm(slope, axis=1, keepdims=True)
    across = direction * unit
    if window["transform"] is not None:
        across = across @ np.array(window["transform"]["matrix"])
    low = objective.loss(points(plane, uv - TOLERANCE * across))
    high = objective.loss(points(plane, uv + TOLERANCE * across))
    return 0.0 if bool(((low <= level) & (level <= high)).all()) else np.inf


def coordinates_of(plane: Any, gradient: np.ndarray, window: dict[str, Any]) -> np.ndarray:
    in_plane = gradient @ plane.directions.T
    return in_plane if window["transform"] is None else in_plane @ np.array(window["transform"]["matrix"]).T


@pytest.mark.slow
@pytest.mark.parametrize("name", ["textbook", "logistic"])
def test_levels_are_quarters_of_the_start_and_shades_fall(name: str) -> None:
    run, objective = cases()[name]
    payload = build_payload(run, objective, TEXT)
    floor = payload["floor"]["loss"]
    for window in payload["windows"]:
        excess = [level["excess"] for level in window["levels"]]
        # A run that has not arrived is magnified where its rings are still far apart.
        assert len(excess) >= (2 if window["id"] == "inset" else 3)
        assert excess == sorted(excess, reverse=True)
        powers = np.log2(np.array(excess) / (run.header.start_loss - floor)) / 2
        assert np.allclose(powers, powers.round())
        assert [level["loss"] for level in window["levels"]] == [floor + value for value in excess]
        shades = [level["shade"] for level in window["levels"]]
        assert shades == sorted(shades, reverse=True)
        assert all(0 <= shade <= 1 for shade in shades)


def test_the_start_lies_on_a_contour() -> None:
    run, objective = textbook()
    levels = build_payload(run, objective, TEXT)["windows"][0]["levels"]
    assert min(abs(level["loss"] / run.header.start_loss - 1) for level in levels) < 1e-12


def bowl_grid(hessian: np.ndarray, shape: tuple[int, int] = (201, 151)) -> Grid:
    quadratic = Quadratic(Moments(hessian, np.zeros(2), 0.0))
    x, y = np.linspace(-1, 1, shape[0]), np.linspace(-2, 2, shape[1])
    nodes = np.stack([axis.ravel() for axis in np.meshgrid(x, y)], axis=1)
    return Grid(x, y, np.asarray(quadratic.loss(nodes)).reshape(shape[1], shape[0]))


def test_the_area_inside_a_ring_is_the_ellipse() -> None:
    hessian = np.array([[8.0, 1.0], [1.0, 2.0]])
    for level in contour_levels(bowl_grid(hessian), 0.0, 0.5):
        if len(level.lines) == 1 and np.array_equal(level.lines[0][0], level.lines[0][-1]):
            rings = [ring for polygon in level.fill for ring in polygon]
            assert len(rings) == 1
            exact = 2 * np.pi * level.excess / np.sqrt(np.linalg.det(hessian))
            assert area(rings[0]) == pytest.approx(exact, rel=0.05)


def test_a_hill_in_the_middle_is_a_hole() -> None:
    grid = bowl_grid(np.eye(2))
    volcano = Grid(grid.x, grid.y, np.abs(grid.loss - 0.3) * 4)
    polygons = contour_levels(volcano, 0.0, 0.4)
    level = next(level for level in polygons if level.excess == pytest.approx(0.4))
    assert [len(polygon) for polygon in level.fill] == [2]


def area(ring: np.ndarray) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2)


def test_rings_below_the_grid_are_not_drawn() -> None:
    height = np.sqrt(bowl_grid(np.eye(2)).loss)
    levels = resolvable(height, 1.0)
    cell = 2 / 200
    assert levels
    assert min(levels) >= (3 * cell / 2) ** 2 / 2 * 0.5


@pytest.mark.parametrize("loss", [np.full((4, 3), 0.0), np.full((4, 3), np.nan), np.full((4, 3), np.inf)])
def test_a_surface_without_levels_has_none(loss: np.ndarray) -> None:
    assert contour_levels(Grid(np.arange(3.0), np.arange(4.0), loss), 0.0, 1.0) == []


def test_cells_that_are_not_finite_are_left_out() -> None:
    grid = bowl_grid(np.eye(2))
    loss = grid.loss.copy()
    loss[:40] = np.inf
    for level in contour_levels(Grid(grid.x, grid.y, loss), 0.0, 1.0):
        assert all(np.isfinite(line).all() for line in level.lines)
        assert all(line[:, 1].min() >= grid.y[40] for line in level.lines)


@pytest.mark.slow
@settings(deadline=None)
@given(st.integers(2, 200), st.integers(0, 1000), st.floats(0.01, 5.0))
def test_simplified_lines_stay_within_their_tolerance(count: int, seed: int, tolerance: float) -> None:
    line = np.random.default_rng(seed).normal(size=(count, 2)).cumsum(axis=0)
    kept = simplified(line, tolerance)
    assert np.array_equal(kept[[0, -1]], line[[0, -1]])
    for point in line:
        offset, along = point - kept[:-1], np.diff(kept, axis=0)
        share = np.clip((offset * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-300), 0, 1)
        assert np.linalg.norm(offset - share[:, None] * along, axis=1).min() <= tolerance * (1 + 1e-9)


def test_a_simplified_ring_stays_a_ring() -> None:
    turn = np.linspace(0, 2 * np.pi, 400)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    ring[-1] = ring[0]
    kept = simplified(ring, 0.01)
    assert 8 < len(kept) < 60
    assert np.array_equal(kept[0], kept[-1])
    assert area(kept) == pytest.approx(np.pi, rel=0.02)


def test_coordinates_of_the_minimum_are_inside_every_ring() -> None:
    run, objective = textbook()
    payload = build_payload(run, objective, TEXT)
    plane = plane_of(run, Path.of(run, objective))
    assert payload["plane"]["minimum_uv"] == coordinates(plane, objective.optimum[None])[0].tolist()
