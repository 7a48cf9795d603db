"""Which windows a run gets, and that their scales are what they say."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fallline._planes import parameter_plane
from fallline._view._path import Path
from fallline._view._payload import build_payload
from fallline._view._windows import Window
from view.payload_runs import TEXT, descend, logistic, textbook, textbook_data


def windows_of(run: Any, objective: Any) -> dict[str, dict[str, Any]]:
    return {window["id"]: window for window in build_payload(run, objective, TEXT)["windows"]}


def inside(window: dict[str, Any], uv: list[float]) -> bool:
    x, y = uv
    return bool(window["x"][0] < x < window["x"][1] and window["y"][0] < y < window["y"][1])


def test_the_textbook_main_window_holds_everything_in_equal_units() -> None:
    run, quadratic = textbook()
    payload = build_payload(run, quadratic, TEXT)
    main = payload["windows"][0]
    assert main["id"] == "main"
    assert main["equal"]
    assert main["stretch"] == pytest.approx(1.0)
    assert all(inside(main, uv) for uv in [*payload["frames"]["end_uv"], payload["plane"]["minimum_uv"]])
    assert inside(main, list(run.header.start))
    assert main["labels"] == ["w", "b"]


@pytest.mark.parametrize("start", [(-0.0075, 0.5364), (4.2, 0.5)])
def test_the_uphill_arrow_and_the_minimum_have_room(start: tuple[float, float]) -> None:
    features, target = textbook_data()
    run, quadratic = descend(features, target, start=start)
    main = windows_of(run, quadratic)["main"]
    low, high = main["x"]
    first, lowest, side = start[0], float(quadratic.optimum[0]), high - low
    free, beyond = (first - low, high - lowest) if first < lowest else (high - first, lowest - low)
    assert free / side >= 0.18
    assert beyond / side >= 0.12


def test_the_bowl_has_two_walls_in_the_steep_direction_and_the_window_s_own_length_along_the_valley() -> None:
    run, quadratic = textbook()
    payload = build_payload(run, quadratic, TEXT)
    (bowl,) = payload["bowls"]
    main, (w, _) = payload["windows"][0], quadratic.optimum
    assert bowl["x"][0] == pytest.approx(main["x"][0])
    assert (bowl["y"][0], bowl["y"][-1]) == pytest.approx(tuple(main["y"]))
    assert main["x"][1] - w < 0.2 * (bowl["x"][-1] - w)
    middle = int(np.abs(np.array(bowl["y"]) - quadratic.optimum[1]).argmin())
    assert bowl["loss"][middle][-1] >= 0.95 * bowl["cut"]
    assert bowl["x"][-1] - w <= w - bowl["x"][0] + 1e-9


def test_a_round_bowl_has_a_wall_all_around() -> None:
    x = np.array([[-1.0], [1.0]])
    run, quadratic = descend(x, np.array([-8.0, 4.0]), start=(0.0, 1.0), rate=0.2, steps=20)
    (bowl,) = build_payload(run, quadratic, TEXT)["bowls"]
    for axis, lowest in zip(("x", "y"), quadratic.optimum, strict=True):
        below, above = lowest - bowl[axis][0], bowl[axis][-1] - lowest
        assert 0.7 < below / above < 1.4


def test_the_inset_magnifies_the_valley_floor() -> None:
    run, quadratic = textbook()
    payload = build_payload(run, quadratic, TEXT)
    windows = {window["id"]: window for window in payload["windows"]}
    main, inset = windows["main"], windows["inset"]
    for axis in ("x", "y"):
        assert np.diff(main[axis]) / np.diff(inset[axis]) == pytest.approx(inset["magnification"])
    assert inset["magnification"] >= 3
    assert inset["equal"] == main["equal"]
    assert inside(inset, payload["plane"]["minimum_uv"])
    floor, start = payload["floor"]["loss"], run.header.start_loss
    low = [
        uv
        for uv, loss in zip(payload["frames"]["end_uv"], payload["frames"]["full_loss"], strict=True)
        if loss - floor < 0.01 * (start - floor)
    ]
    assert len(low) > 100
    assert all(inside(inset, uv) for uv in low)


def test_a_squeezed_picture_is_stretched_and_says_so() -> None:
    raw = 200 + 14 * np.random.default_rng(0).normal(size=(60, 1))
    main = windows_of(*descend(raw, 50 * raw[:, 0] - 5800, start=(0.0, 0.5), rate=1e-5, steps=50))["main"]
    assert not main["equal"]
    assert main["stretch"] == pytest.approx(np.diff(main["y"])[0] / np.diff(main["x"])[0])
    assert main["stretch"] > 50


def test_a_straight_path_of_three_parameters_gets_sides_of_one_size() -> None:
    corners = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    run, quadratic = descend(corners, corners @ [0.3, 0.7] + 0.1, start=(1.7, -0.9, 2.3), rate=0.07, steps=40)
    payload = build_payload(run, quadratic, TEXT)
    second = [uv[1] for uv in payload["frames"]["end_uv"]]
    assert 0 < max(map(abs, second)) < 1e-12  # rounding alone, which no axis may be scaled to
    for window in payload["windows"]:
        assert window["equal"]
        assert window["labels"] == ["path direction 1 (100 %)", "path direction 2 (0 %)"]


def test_a_diverging_run_keeps_its_frame_and_gets_wider_ones() -> None:
    run, quadratic = textbook(rate=0.031)
    payload = build_payload(run, quadratic, TEXT)
    windows = {window["id"]: window for window in payload["windows"]}
    main = windows["main"]
    assert "inset" not in windows
    assert inside(main, list(run.header.start))
    assert inside(main, payload["plane"]["minimum_uv"])
    assert inside(main, payload["frames"]["end_uv"][3])
    assert not inside(main, payload["frames"]["end_uv"][-1])
    for name, factor in (("wide", 10), ("wider", 100)):
        assert windows[name]["magnification"] == pytest.approx(1 / factor)
        assert np.diff(windows[name]["x"]) / np.diff(main["x"]) == pytest.approx(factor)
        assert np.mean(windows[name]["x"]) == pytest.approx(np.mean(main["x"]))
    assert [bowl["window"] for bowl in payload["bowls"]] == ["main", "wide", "wider"]


def test_a_path_that_leaves_main_only_gets_one_wider_window() -> None:
    windows = windows_of(*textbook(rate=0.031, steps=20))
    assert "wide" in windows
    assert "wider" not in windows


def test_a_run_inside_its_frame_gets_no_wider_window() -> None:
    assert "wide" not in windows_of(*textbook())


def test_valley_axes_turn_the_picture_onto_the_eigenvectors() -> None:
    run, quadratic = textbook()
    valley = windows_of(run, quadratic)["valley"]
    matrix = np.array(valley["transform"]["matrix"])
    turned = matrix @ quadratic.moments.hessian @ matrix.T
    assert np.linalg.det(matrix) == pytest.approx(1.0)
    assert abs(turned[0, 1]) < 1e-6 * turned[1, 1]
    assert turned[1, 1] == pytest.approx(quadratic.eigenvalues[0])
    assert valley["transform"]["origin"] == pytest.approx(quadratic.optimum.tolist())
    placed = (np.array(run.columns.parameters) - quadratic.optimum) @ matrix.T
    assert all(inside(valley, uv) for uv in placed.tolist())


def test_a_round_bowl_has_no_valley_and_no_stretch() -> None:
    x = np.array([[-1.0], [1.0]])
    windows = windows_of(*descend(x, np.array([0.0, 4.0]), start=(0.0, 0.0), rate=0.2, steps=20))
    assert "valley" not in windows
    assert windows["main"]["equal"]


@pytest.mark.slow
def test_a_logistic_run_has_valley_axes() -> None:
    assert "valley" in windows_of(*logistic())


def test_place_is_the_transform_of_the_document() -> None:
    turn = (np.array([[0.6, 0.8], [-0.8, 0.6]]), np.array([1.0, 2.0]))
    window = Window("valley", (-1.0, 1.0), (-1.0, 1.0), ("a", "b"), 1.0, turn)
    assert window.place(np.array([[2.0, 2.0]]))[0] == pytest.approx([0.6, -0.8])
    assert window.holds(np.array([[2.0, 2.0], [3.0, 2.0]])).tolist() == [True, False]


def test_bowls_are_row_y_column_x_and_cut_above_the_start() -> None:
    run, quadratic = textbook()
    (bowl,) = build_payload(run, quadratic, TEXT)["bowls"]
    loss = np.array(bowl["loss"])
    assert loss.shape == (33, 41) == (len(bowl["y"]), len(bowl["x"]))
    for row, column in [(0, 40), (32, 0), (5, 17)]:
        exact = float(quadratic.loss([[bowl["x"][column], bowl["y"][row]]])[0])
        assert loss[row, column] == pytest.approx(exact, rel=1e-5)
    assert run.header.start_loss < bowl["cut"] < 1.2 * run.header.start_loss


def test_the_path_of_a_diverging_run_is_framed_by_its_first_steps() -> None:
    run, quadratic = textbook(rate=1.0, steps=30)
    path = Path.of(run, quadratic)
    assert path.diverged
    assert np.array_equal(path.framed, [run.header.start])


def test_the_lowest_loss_seen_is_the_floor_where_there_is_no_optimum() -> None:
    run, _ = textbook(steps=20)
    _, objective = logistic(steps=1)  # a loss that knows neither its optimum nor its floor
    path = Path.of(replace(run, moments=None), objective)
    assert path.floor == run.columns.full_loss.min()
    assert np.array_equal(path.lowest, run.columns.parameters[-1])
    assert parameter_plane(0, 1, ("w", "b")).kind == "parameters"
