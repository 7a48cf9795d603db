"""docs/semantics.md#comparing-optimizers: which starts end in which minimum."""

import numpy as np
import pytest

from fallline._basins import ended_in, square_of
from fallline._compare._basins import has_basins, map_basins
from fallline._compare._contenders import Entry
from fallline._compare._meter import Meter
from fallline._formulas import formula
from fallline._records import Basins

SGD = Entry("sgd", "SGD", "SGD", {})
ADAM = Entry("adam", "Adam", "Adam", {})
LBFGS = Entry("lbfgs", "LBFGS", "LBFGS", {"max_iter": 1})


@pytest.fixture(scope="module")
def himmelblau() -> Basins:
    """Small steps, so that a start flows to where the gradient leads it."""
    return map_basins(formula("himmelblau"), [SGD, ADAM, LBFGS], [0.002, 0.05, 1.0], steps=400, meter=Meter())


def test_only_formulas_of_two_parameters_with_several_minima_have_basins() -> None:
    named = {name: has_basins(formula(name)) for name in ("himmelblau", "rastrigin", "rosenbrock", "saddle", "ravine")}
    assert named == {"himmelblau": True, "rastrigin": True, "rosenbrock": False, "saddle": False, "ravine": False}


@pytest.mark.slow
def test_starts_beside_a_minimum_end_in_it(himmelblau: Basins) -> None:
    for one in himmelblau.maps[:2]:
        assert one.ends_in is not None
        assert one.settled is not None
        for index, (w, b) in enumerate(himmelblau.minima):
            u, v = np.abs(himmelblau.first_axis - w).argmin(), np.abs(himmelblau.second_axis - b).argmin()
            assert one.settled[v, u]
            assert one.ends_in[v, u] == index


@pytest.mark.slow
def test_every_small_step_run_ends_where_a_fine_gradient_flow_does(himmelblau: Basins) -> None:
    surface, one = formula("himmelblau"), himmelblau.maps[0]
    assert one.ends_in is not None
    grid = np.stack(np.meshgrid(himmelblau.first_axis, himmelblau.second_axis), axis=-1)[::8, ::8].reshape(-1, 2)
    at = grid.copy()
    for _ in range(6000):
        at -= 2e-4 * surface.gradient(at)
    ways = np.linalg.norm(at[:, None] - himmelblau.minima, axis=2)
    assert ways.min(axis=1).max() < himmelblau.tolerance
    same = ways.argmin(axis=1) == one.ends_in[::8, ::8].ravel()
    assert same.mean() > 0.9  # a start near a ridge may go either way


@pytest.mark.slow
def test_shares_and_the_rest_are_everything(himmelblau: Basins) -> None:
    for one in himmelblau.maps[:2]:
        assert one.shares is not None
        assert one.settled is not None
        assert one.unsettled == pytest.approx(float(np.mean(~one.settled)))
        assert sum(one.shares) + one.unsettled == pytest.approx(1)
        assert one.ends_in is not None
        assert one.ends_in.shape == (41, 41)
    assert himmelblau.is_global.all()


def test_what_would_take_too_long_is_left_out_with_the_reason(himmelblau: Basins) -> None:
    left_out = himmelblau.maps[2]
    assert left_out.ends_in is None
    assert left_out.settled is None
    assert left_out.shares is None
    assert left_out.unsettled is None
    assert left_out.left_out is not None
    assert "one after the other" in left_out.left_out


@pytest.mark.slow
def test_rastrigin_has_one_lowest_minimum_and_small_steps_stay_where_they_start() -> None:
    basins = map_basins(formula("rastrigin"), [SGD], [1e-4], steps=400, meter=Meter())
    assert basins.is_global.tolist() == [True] + [False] * 120
    one = basins.maps[0]
    assert one.ends_in is not None
    assert one.settled is not None
    near_zero = (np.abs(basins.first_axis) < 0.4).nonzero()[0]
    assert (one.ends_in[np.ix_(near_zero, near_zero)] == 0).all()
    assert one.settled[np.ix_(near_zero, near_zero)].all()
    assert one.shares is not None
    assert one.shares[0] == pytest.approx(1 / 121, abs=0.01)


@pytest.mark.slow
def test_the_map_and_why_mean_the_same_by_ending_in_a_minimum() -> None:
    """Runs that still swing are counted where they would come to rest, by one definition."""
    surface = formula("himmelblau")
    ball = Entry("momentum", "momentum", "SGD", {"momentum": 0.9})
    basins = map_basins(surface, [ball], [0.004], steps=60, meter=Meter(), across=21)
    at = np.stack(np.meshgrid(basins.first_axis, basins.second_axis), axis=-1).reshape(-1, 2)
    speed = np.zeros_like(at)
    for _ in range(60):
        speed = 0.9 * speed + surface.gradient(at)
        at = at - 0.004 * speed
    ended = ended_in(surface, at, basins.minima, square_of(surface))
    one = basins.maps[0]
    assert one.ends_in is not None
    assert one.settled is not None
    assert one.settled.ravel().tolist() == ended.somewhere.tolist()
    assert (one.ends_in.ravel() == ended.minimum)[ended.somewhere].mean() > 0.99  # rounding beside a ridge


def test_a_rate_past_every_limit_ends_nowhere() -> None:
    one = map_basins(formula("himmelblau"), [SGD], [1.0], steps=30, meter=Meter(), across=11).maps[0]
    assert one.unsettled is not None
    assert one.unsettled > 0.95
