"""Slopes along a path: how often they are asked for, what an interruption leaves, what is not finite."""

from typing import Any

import numpy as np
import pytest

import fallline as fl
from fallline._formulas import formula
from fallline._records import Floats, Plane
from fallline._store import RecordedColumn
from fallline._surface._cells import Tally
from fallline._surface._moves import MOST, chosen_moves, most_moves, moves_of, rate_of


class _Counted:
    """A bowl whose gradients are counted; ``layout`` makes it as dear as a model."""

    optimum = floor = rows = None
    parameter_count = 3

    def __init__(self, layout: object = (), stop_at: int | None = None) -> None:
        self.layout, self.stop_at, self.gradients = layout, stop_at, 0

    def loss(self, parameters: Floats) -> Floats:
        return np.asarray((parameters**2).sum(axis=1))

    def gradient(self, parameters: Floats) -> Floats:
        self.gradients += len(parameters)
        if self.stop_at is not None and self.gradients > self.stop_at:
            raise KeyboardInterrupt
        return 2 * parameters

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


PLANE = Plane("random", np.zeros(3), np.eye(3)[:2], ("across", "up"), "", float("nan"))


def _asked(objective: Any, path: Floats) -> Any:
    return moves_of(objective, PLANE, path, objective.loss(path), Tally(None))


@pytest.mark.parametrize("total", [1, 39, 40, 41, 100, 100_000])
def test_moves_are_bounded_and_keep_their_ends(total: int) -> None:
    chosen = chosen_moves(total, 40)
    assert len(chosen) == min(total, 40)
    assert (chosen[0], chosen[-1]) == (0, total - 1)
    assert (np.diff(chosen) > 0).all()


def test_a_model_is_asked_at_a_bounded_number_of_moves() -> None:
    path = np.linspace(0, 1, 3000)[:, None] * np.array([1.0, 2.0, 2.0])
    objective = _Counted()
    found = _asked(objective, path)
    assert objective.gradients == MOST == len(found.at)
    assert found.gradient == pytest.approx(2 * path[found.at, :2])
    assert found.gradient_norm == pytest.approx(6 * np.linspace(0, 1, 3000)[found.at], abs=1e-12)
    assert found.promised == pytest.approx((2 * path[found.at] * (path[found.at + 1] - path[found.at])).sum(axis=1))


@pytest.mark.parametrize(("parameters", "rows", "most"), [(49, 200, 400), (26_000, 1797, 42), (10**6, 10**6, 40)])
def test_a_small_model_is_asked_more_often(parameters: int, rows: int, most: int) -> None:
    objective = _Counted()
    objective.parameter_count, objective.rows = parameters, rows
    assert most_moves(objective) == most


def test_ctrl_c_leaves_no_half_of_it() -> None:
    path = np.linspace(1, 0, 20)[:, None] * np.ones(3)
    assert _asked(_Counted(stop_at=5), path) is None


def test_ctrl_c_along_the_path_keeps_the_surface() -> None:
    bowl = formula("a^2 + b^2")
    plane = fl.plane(bowl, "parameters", at=[0.0, 0.0])
    path = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    stopped = _Stopped(bowl)
    seen = fl.surface(stopped, plane, shape=(31, 31), path=path, exact=True)
    assert seen.complete
    assert seen.moves is None


class _Stopped:
    """Somebody presses Ctrl-C as soon as a gradient is asked for."""

    def __init__(self, objective: Any) -> None:
        self._objective = objective

    def gradient(self, _: Floats) -> Floats:
        raise KeyboardInterrupt

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objective, name)


def test_moves_that_are_not_finite_are_left_out() -> None:
    path = np.array([[1.0, 0, 0], [0.5, 0, 0], [np.nan, 0, 0], [0.2, 0, 0], [0.1, 0, 0]])
    found = _asked(_Counted(), path)
    assert found.at.tolist() == [0, 3]
    assert _asked(_Counted(), path[2:4]) is None


def test_uphill_and_level_moves_have_no_reach() -> None:
    found = _asked(_Counted(), np.array([[1.0, 0, 0], [2.0, 0, 0], [2.0, 0, 0]]))
    assert not found.reach_measured.any()
    assert found.no_reach == ("the step points uphill", "nothing moved")


def test_a_path_of_points_has_no_rate() -> None:
    assert rate_of(np.zeros((3, 2))) is None
    assert rate_of([[0.0, 1.0]]) is None


def test_a_recording_s_rates_and_limits_belong_to_its_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    def series(_: object, column: str) -> RecordedColumn:
        if column == "learning_rate":
            return RecordedColumn(np.arange(6), np.array([[0.6], [0.5], [0.4], [0.3], [0.2], [0.1]]), np.ones(6, bool))
        return RecordedColumn(np.array([1, 4]), np.array([2.0, 1.0]), np.array([True, False]))

    monkeypatch.setattr("fallline._surface._moves.stored_snapshots", lambda _: (-1, 1, 3, 5))
    monkeypatch.setattr("fallline._surface._moves.read_series", series)
    found = rate_of("run.fallline")
    assert found is not None
    np.testing.assert_array_equal(
        found.value, [0.6, 0.4, 0.2, np.nan]
    )  # of the steps 0, 2 and 4; none was made after 5
    np.testing.assert_array_equal(found.limit, [np.nan, 2.0, np.nan, np.nan])
    np.testing.assert_array_equal(found.share, [np.nan, 0.2, np.nan, np.nan])


@pytest.mark.slow
def test_a_run_s_rate_comes_with_its_path() -> None:
    run = fl.fit(formula="a^2 + 4*b^2", learning_rate=0.1, epochs=10)
    found = rate_of(run)
    assert found is not None
    assert run.summary is not None
    assert found.value.tolist() == [0.1] * 11
    assert found.limit.tolist() == [run.summary.stability_limit] * 11
