"""Textbook surfaces: minima are marked and framed, levels tell basins apart, a fall for ever is drawn."""

from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._fit import objective_of
from fallline._surface import Grid
from fallline._view._contours import Spacing, contour_levels
from fallline._view._drawn import spacing_of
from fallline._view._path import Path
from fallline._view._payload import build_payload


def _of(formula: str, **settings: Any) -> tuple[Any, Any, dict[str, Any]]:
    run = fl.fit(formula=formula, epochs=60, **settings)
    objective = objective_of(run)
    return run, objective, build_payload(run, objective)


@pytest.mark.slow
def test_himmelblau_shows_its_four_minima() -> None:
    run, objective, payload = _of("himmelblau")
    main = payload["windows"][0]
    minima = np.array(payload["plane"]["minima_uv"])
    assert len(minima) == 4
    assert ((minima[:, 0] > main["x"][0]) & (minima[:, 0] < main["x"][1])).all()
    assert ((minima[:, 1] > main["y"][0]) & (minima[:, 1] < main["y"][1])).all()
    assert payload["floor"] == {"loss": pytest.approx(0.0, abs=1e-12), "kind": "optimum"}
    assert payload["data"] is None
    assert spacing_of(Path.of(run, objective)) is Spacing.RINGS
    apart = [level for level in main["levels"] if len(level["fill"]) == 4]
    assert len(apart) >= 2  # rings that part all four basins


@pytest.mark.slow
def test_rastrigin_frames_the_basins_around_the_end_and_the_lowest() -> None:
    _, _, payload = _of("rastrigin")
    main, bowl = payload["windows"][0], payload["bowls"][0]
    held = [
        uv
        for uv in payload["plane"]["minima_uv"]
        if main["x"][0] < uv[0] < main["x"][1] and main["y"][0] < uv[1] < main["y"][1]
    ]
    assert 6 <= len(held) <= 40
    assert [0.0, 0.0] in held
    assert bowl["x"] == pytest.approx(np.linspace(*main["x"], 41))  # not widened: there is no other wall
    assert bowl["cut"] == pytest.approx(np.max(bowl["loss"]), rel=1e-4)


@pytest.mark.slow
def test_a_saddle_is_framed_where_its_path_begins() -> None:
    run, objective, payload = _of("saddle", learning_rate=0.2)
    path = Path.of(run, objective)
    assert path.runs_away
    assert spacing_of(path) is Spacing.LOSSES
    main = payload["windows"][0]
    assert max(abs(edge) for edge in (*main["x"], *main["y"])) < 10.0
    assert abs(payload["frames"]["end"][-1][1]) > 1_000.0
    assert payload["floor"]["kind"] == "lowest seen"
    assert payload["floor"]["loss"] > -100.0
    losses = [level["loss"] for level in main["levels"]]
    assert len(losses) >= 6
    assert min(losses) < 0.0 < max(losses)


@pytest.mark.slow
def test_a_bowl_keeps_quarters() -> None:
    run, objective, payload = _of("ravine")
    assert spacing_of(Path.of(run, objective)) is Spacing.QUARTERS
    excess = [level["excess"] for level in payload["windows"][0]["levels"]]
    assert np.allclose(np.divide(excess[:-1], excess[1:]), 4.0)
    assert payload["plane"]["minima_uv"] == []


@pytest.mark.parametrize(("spacing", "power"), [(Spacing.RINGS, 2), (Spacing.LOSSES, 1)])
def test_even_levels_are_even(spacing: Spacing, power: int) -> None:
    axis = np.linspace(-1.0, 1.0, 201)
    grid = Grid(axis, axis, axis[None, :] ** 2 + axis[:, None] ** 2)
    excess = np.array([level.excess for level in contour_levels(grid, 0.0, 1.0, spacing)])
    even = excess[: 12 if spacing is Spacing.RINGS else 13] ** (1 / power)
    assert np.allclose(np.diff(even), np.diff(even)[0])
    assert (np.diff(excess) < 0).all()


def test_a_flat_surface_has_no_levels() -> None:
    axis = np.linspace(-1.0, 1.0, 21)
    for spacing in Spacing:
        assert contour_levels(Grid(axis, axis, np.zeros((21, 21))), 0.0, 1.0, spacing) == []


def test_a_curved_valley_is_never_stretched() -> None:
    _, _, payload = _of("rosenbrock", learning_rate=1e-4)
    main = payload["windows"][0]
    path = np.array(payload["frames"]["end_uv"])
    assert np.ptp(path[:, 1]) < 0.09 * (main["x"][1] - main["x"][0])  # a table's picture would be stretched here
    assert main["equal"]
