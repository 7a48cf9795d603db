"""docs/semantics.md#comparing-optimizers: which starts end in which minimum."""

import numpy as np
import pytest

from fallline._compare._basins import has_basins, map_basins, nearest_minimum
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


def test_starts_beside_a_minimum_end_in_it(himmelblau: Basins) -> None:
    for one in himmelblau.maps[:2]:
        assert one.ends_in is not None
        assert one.settled is not None
        for index, (w, b) in enumerate(himmelblau.minima):
            u, v = np.abs(himmelblau.first_axis - w).argmin(), np.abs(himmelblau.second_axis - b).argmin()
            assert one.settled[v, u]
            assert one.ends_in[v, u] == index


def test_every_small_step_run_ends_where_a_fine_gradient_flow_does(himmelblau: Basins) -> None:
    surface, one = formula("himmelblau"), himmelblau.maps[0]
    assert one.ends_in is not None
    grid = np.stack(np.meshgrid(himmelblau.first_axis, himmelblau.second_axis), axis=-1)[::8, ::8].reshape(-1, 2)
    at = grid.copy()
    for _ in range(6000):
        at -= 2e-4 * surface.gradient(at)
    index, settled = nearest_minimum(at[None], himmelblau.minima, himmelblau.tolerance)
    same = index == one.ends_in[::8, ::8].ravel()
    assert settled.all()
    assert same.mean() > 0.9  # a start near a ridge may go either way


def test_shares_and_the_rest_are_everything(himmelblau: Basins) -> None:
    for one in himmelblau.maps[:2]:
        assert sum(one.shares) + one.unsettled == pytest.approx(1)
        assert one.ends_in is not None
        assert one.ends_in.shape == (41, 41)
    assert himmelblau.is_global.all()


def test_what_would_take_too_long_is_left_out_with_the_reason(himmelblau: Basins) -> None:
    left_out = himmelblau.maps[2]
    assert left_out.ends_in is None
    assert left_out.settled is None
    assert "one after the other" in left_out.left_out


def test_rastrigin_has_one_lowest_minimum_and_small_steps_stay_where_they_start() -> None:
    basins = map_basins(formula("rastrigin"), [SGD], [1e-4], steps=400, meter=Meter())
    assert basins.is_global.tolist() == [True] + [False] * 120
    one = basins.maps[0]
    assert one.ends_in is not None
    assert one.settled is not None
    near_zero = (np.abs(basins.first_axis) < 0.4).nonzero()[0]
    assert (one.ends_in[np.ix_(near_zero, near_zero)] == 0).all()
    assert one.settled[np.ix_(near_zero, near_zero)].all()
    assert one.shares[0] == pytest.approx(1 / 121, abs=0.01)


def test_a_run_that_only_passes_a_minimum_has_not_settled() -> None:
    minima = np.array([[0.0, 0.0], [10.0, 0.0]])
    last = np.array([[[1.0, 0.0], [0.1, 0.0], [np.nan, 0.0]], [[0.0, 0.0], [0.2, 0.1], [np.nan, np.nan]]])
    index, settled = nearest_minimum(last, minima, 0.5)
    assert index.tolist()[:2] == [0, 0]
    assert settled.tolist() == [False, True, False]


def test_a_swinging_run_has_to_stay_for_its_last_tenth() -> None:
    """The heavy ball written out, and its last tenth looked at."""
    surface = formula("himmelblau")
    ball = Entry("momentum", "momentum", "SGD", {"momentum": 0.9})
    basins = map_basins(surface, [ball], [0.004], steps=60, meter=Meter(), across=21)
    one = basins.maps[0]
    at = np.stack(np.meshgrid(basins.first_axis, basins.second_axis), axis=-1).reshape(-1, 2)
    speed, path = np.zeros_like(at), [at]
    for _ in range(60):
        speed = 0.9 * speed + surface.gradient(at)
        at = at - 0.004 * speed
        path.append(at)
    with np.errstate(all="ignore"):
        ways = np.linalg.norm(np.array(path[-7:])[:, :, None] - basins.minima, axis=3)
    settled = (ways <= basins.tolerance).all(axis=0).any(axis=1)
    passing = (ways[-1] <= basins.tolerance).any(axis=1) & ~settled
    assert passing.any()
    assert one.settled is not None
    assert one.settled.ravel().tolist() == settled.tolist()
