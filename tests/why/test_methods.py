"""Ways down: what they cost is counted by a spy, what they do is written out plainly."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fallline._quadratic import Quadratic
from fallline._records import Moments
from fallline._why._counted import Counted
from fallline._why._methods import GROW, Method, forward_differences, way_down

Floats = NDArray[np.float64]
PRICE = 2.5


class Spy(Quadratic):
    """Counts the rows that are really evaluated."""

    loss_rows = 0
    gradient_rows = 0

    def loss(self, parameters: Floats) -> Floats:
        self.loss_rows += len(parameters)
        return super().loss(parameters)

    def gradient(self, parameters: Floats) -> Floats:
        self.gradient_rows += len(parameters)
        return super().gradient(parameters)


def bowl(P: int) -> Spy:
    """A tilted bowl with its bottom at 1, 2, …"""
    rng = np.random.default_rng(P)
    root = rng.normal(size=(P, P))
    return Spy(Moments(root @ root.T + np.eye(P), np.arange(1.0, P + 1), 0.5))


def run(method: Method, spy: Spy, *, sizes: Floats, budget: float) -> tuple[Counted, list[Floats], list[float]]:
    counted = Counted(spy, PRICE)
    start = np.zeros((len(sizes), spy.parameter_count))
    held, spent = [], []
    for losses in way_down(method, counted, start, sizes, budget=budget, seed=3):
        held.append(losses)
        spent.append(counted.spent)
    return counted, held, spent


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("P", [2, 7])
def test_what_is_paid_is_what_was_evaluated(method: Method, P: int) -> None:
    spy, sizes = bowl(P), np.array([0.01, 0.02, 0.04])
    counted, held, spent = run(method, spy, sizes=sizes, budget=60)
    looked = len(held) if method in (Method.GRADIENT, Method.DIFFERENCES) else 0  # for the record, not for the method
    assert spy.loss_rows == len(sizes) * (counted.losses + looked)
    assert spy.gradient_rows == len(sizes) * counted.gradients
    assert counted.spent == counted.losses + PRICE * counted.gradients
    assert spent == sorted(spent)


@pytest.mark.parametrize("method", Method)
def test_the_budget_is_used_up_and_never_exceeded(method: Method) -> None:
    P, budget = 4, 61
    move = {Method.GRADIENT: PRICE, Method.DIFFERENCES: P + 1}.get(method, 1)
    counted, *_ = run(method, bowl(P), sizes=np.array([0.01]), budget=budget)
    assert budget - move < counted.spent <= budget


def test_moves_that_a_budget_is_enough_for() -> None:
    def moves(method: Method) -> int:
        return len(run(method, bowl(9), sizes=np.array([0.01]), budget=100)[1])

    assert moves(Method.GRADIENT) == 40  # 2.5 passes each
    assert moves(Method.DIFFERENCES) == 10  # P + 1 = 10 passes each
    assert moves(Method.RANDOM) == moves(Method.COORDINATE) == 99  # the first pass looks at the start


def test_gradient_descent_is_the_plain_loop() -> None:
    spy, rates = bowl(3), np.array([0.01, 0.05])
    _, held, _ = run(Method.GRADIENT, spy, sizes=rates, budget=50)
    for k, rate in enumerate(rates):
        at = np.zeros(3)
        for losses in held:
            at = at - rate * spy.hessian() @ (at - spy.optimum)
            assert losses[k] == pytest.approx(float(Quadratic.loss(spy, at)[0]), rel=1e-12)


def test_forward_differences_are_slopes() -> None:
    spy, at = bowl(5), np.random.default_rng(0).normal(size=(4, 5))
    counted = Counted(spy, PRICE)
    np.testing.assert_allclose(forward_differences(counted, at), Quadratic.gradient(spy, at), rtol=1e-4, atol=1e-5)
    assert counted.spent == 6


def test_one_coordinate_at_a_time_written_out() -> None:
    spy = bowl(3)
    _, held, _ = run(Method.COORDINATE, spy, sizes=np.array([0.3]), budget=80)

    def loss(at: Floats) -> float:
        return float(Quadratic.loss(spy, at)[0])

    at, move, seen = np.zeros(3), np.full(3, 0.3), []
    while len(seen) < len(held):
        for k in range(3):
            for sign in (1.0, -1.0):
                tried = at.copy()
                tried[k] += sign * move[k]
                lower = loss(tried) < loss(at)
                at = tried if lower else at
                seen.append(loss(at))
                if lower:
                    move[k] = 2 * sign * move[k]
                    break
            else:
                move[k] /= 2
    np.testing.assert_allclose([float(losses[0]) for losses in held], seen[: len(held)], rtol=1e-12)


def test_random_search_written_out() -> None:
    spy = bowl(4)
    _, held, _ = run(Method.RANDOM, spy, sizes=np.array([0.2]), budget=60)
    rng, at, length = np.random.default_rng(3), np.zeros(4), 0.2
    for losses in held:
        way = rng.standard_normal((1, 4))[0]
        tried = at + length * way / np.linalg.norm(way)
        lower = Quadratic.loss(spy, tried)[0] < Quadratic.loss(spy, at)[0]
        at, length = (tried, length * GROW) if lower else (at, length / GROW**0.25)
        assert losses[0] == pytest.approx(float(Quadratic.loss(spy, at)[0]), rel=1e-9)


def test_random_search_and_coordinates_never_rise() -> None:
    for method in (Method.RANDOM, Method.COORDINATE):
        _, held, _ = run(method, bowl(6), sizes=np.array([0.01, 100.0]), budget=300)
        assert (np.diff(np.array(held), axis=0) <= 0).all()


def test_a_surface_of_nan_moves_nobody() -> None:
    nowhere = Spy(Moments(np.full((2, 2), np.nan), np.zeros(2), 0.0))
    for method in (Method.RANDOM, Method.COORDINATE):
        counted, held, _ = run(method, nowhere, sizes=np.array([0.1]), budget=20)
        assert counted.spent == 20
        assert np.isnan(np.array(held)).all()
