"""The exact quadratic against independent solvers, finite differences and the real loop."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from cases import BOWLS, COLLINEAR, FAR, RAVINE, SEVERAL, TILTED, Case
from fallline._quadratic import Quadratic


def quadratic_of(case: Case) -> Quadratic:
    return Quadratic.from_data(case.features, case.target)


def direct_loss(case: Case, parameters: np.ndarray) -> float:
    """mean((X̃θ − y)²), row by row."""
    return float(np.mean((case.features @ parameters[:-1] + parameters[-1] - case.target) ** 2))


@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_moments_against_least_squares(case: Case) -> None:
    quadratic = quadratic_of(case)
    X = np.column_stack((case.features, np.ones(len(case.target))))
    solution = np.linalg.lstsq(X, case.target, rcond=None)[0]
    assert quadratic.optimum == pytest.approx(solution, rel=1e-11)
    assert quadratic.optimum_loss == pytest.approx(np.mean((X @ solution - case.target) ** 2), rel=1e-12)
    assert quadratic.hessian() == pytest.approx(2 / len(X) * X.T @ X, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_optimum_against_scikit_learn(case: Case) -> None:
    solver = LinearRegression().fit(case.features, case.target)
    assert quadratic_of(case).optimum == pytest.approx(np.append(solver.coef_, solver.intercept_), rel=1e-11)


@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_loss_gradient_and_hessian_against_differences(case: Case) -> None:
    quadratic = quadratic_of(case)
    at = np.random.default_rng(1).normal(size=quadratic.parameter_count)
    assert quadratic.loss(at)[0] == pytest.approx(direct_loss(case, at), rel=1e-12)
    h = 1e-4
    for k, unit in enumerate(np.eye(len(at))):
        slope = (direct_loss(case, at + h * unit) - direct_loss(case, at - h * unit)) / (2 * h)
        bend = (quadratic.gradient(at + h * unit) - quadratic.gradient(at - h * unit))[0] / (2 * h)
        assert quadratic.gradient(at)[0, k] == pytest.approx(slope, rel=1e-7, abs=1e-7)
        assert quadratic.hessian()[k] == pytest.approx(bend, rel=1e-9, abs=1e-9)


def test_spectrum_is_the_one_chosen() -> None:
    assert quadratic_of(RAVINE).eigenvalues == pytest.approx([200.0, 2.0], rel=1e-12)
    quadratic = quadratic_of(SEVERAL)
    values, vectors = quadratic.eigenvalues, quadratic.eigenvectors
    assert values == pytest.approx(np.linalg.eigvalsh(quadratic.hessian())[::-1], rel=1e-12)
    assert vectors @ np.diag(values) @ vectors.T == pytest.approx(quadratic.hessian(), abs=1e-12)


RATES = (0.1, 0.5, 0.9, 1.0, 1.01, 1.2)
"""Shares of the limit 2/λ, past it too."""


@pytest.mark.parametrize("share", RATES)
@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_closed_form_against_the_real_loop(case: Case, share: float) -> None:
    quadratic = quadratic_of(case)
    rate = share * 2 / quadratic.eigenvalues[0]
    features, target = case.tensors()
    model = torch.nn.Linear(features.shape[1], 1, dtype=torch.float64)
    with torch.no_grad():
        model.weight.fill_(0.3)
        model.bias.fill_(-0.7)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    start = np.append(np.full(features.shape[1], 0.3), -0.7)
    for step in range(1, 81):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(features), target).backward()
        optimizer.step()
        reached = np.append(model.weight.detach()[0].numpy(), model.bias.item())
        expected = quadratic.descend(start, rate, step)
        growth = max(1.0, abs(1 - rate * quadratic.eigenvalues[0]) ** step)
        assert reached == pytest.approx(expected, rel=1e-10, abs=1e-11 * growth), step


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.95])
@pytest.mark.parametrize("case", BOWLS, ids=str)
@pytest.mark.parametrize("part", [1e-1, 1e-3, 1e-6])
def test_steps_to_against_brute_force(case: Case, share: float, part: float) -> None:
    quadratic = quadratic_of(case)
    rate = share * 2 / quadratic.eigenvalues[0]
    at = np.full(quadratic.parameter_count, 0.5)
    goal = part * float(quadratic.excess(at)[0])
    predicted = quadratic.steps_to(at, rate, goal)
    steps = 0
    while quadratic.excess(at)[0] > goal:
        at = at - rate * quadratic.gradient(at)[0]
        steps += 1
    assert predicted == steps


def test_steps_to_where_there_is_nothing_to_do_and_where_it_never_gets_there() -> None:
    quadratic = quadratic_of(RAVINE)
    assert quadratic.steps_to(quadratic.optimum, 0.001, 1e-9) == 0
    assert quadratic.steps_to(quadratic.optimum + 1, 2.001 / 200, 1e-9) is None
    assert quadratic.steps_to(quadratic.optimum + 1, 1e-30, 1e-9) is None


def test_steps_to_past_the_limit_of_a_direction_that_is_already_done() -> None:
    """The sharp direction would overflow, but there is nothing in it to grow."""
    quadratic = quadratic_of(RAVINE)
    start = quadratic.optimum + 1e-3 * quadratic.eigenvectors[:, 1]
    excess = float(quadratic.excess(start)[0])
    exact = Quadratic(quadratic.moments)
    exact.__dict__["_eigen"] = (np.array([200.0, 2.0]), np.eye(2))
    start = exact.optimum + np.array([0.0, 1e-3])
    slow = exact.steps_to(start, 1e-3, 1e-6 * excess)
    assert slow == np.ceil(np.log(1e-6) / (2 * np.log(1 - 2e-3)))
    exact.__dict__["_eigen"] = (np.array([4000.0, 2.0]), np.eye(2))
    assert exact.steps_to(start, 1e-3, 1e-6 * excess) == slow


@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_change_is_the_difference_of_losses(case: Case) -> None:
    quadratic = quadratic_of(case)
    rng = np.random.default_rng(2)
    before, after = rng.normal(size=(2, 7, quadratic.parameter_count))
    direct = [direct_loss(case, b) - direct_loss(case, a) for a, b in zip(before, after, strict=True)]
    assert quadratic.change(before, after) == pytest.approx(direct, rel=1e-10, abs=1e-10)


def test_change_keeps_its_digits_for_tiny_steps() -> None:
    """A step of 10⁻¹⁰ changes the loss by far less than the rounding of the loss itself."""
    quadratic = quadratic_of(TILTED)
    before = np.array([0.5, 0.5])
    after = before + 1e-10 * np.array([1.0, -2.0])
    update = after - before
    expected = float(quadratic.gradient(before)[0] @ update)
    came = float(quadratic.change(before, after)[0])
    assert came == pytest.approx(expected, rel=1e-8)
    assert -came == pytest.approx(float(quadratic.change(after, before)[0]), rel=1e-8)


def test_reparametrised_is_the_same_loss_in_other_coordinates() -> None:
    quadratic = quadratic_of(SEVERAL)
    matrix = np.random.default_rng(3).normal(size=(4, 4))
    other = quadratic.reparametrised(matrix)
    at = np.random.default_rng(4).normal(size=(5, 4))
    assert other.loss(at) == pytest.approx(quadratic.loss(at @ matrix.T), rel=1e-10)
    assert other.gradient(at) == pytest.approx(quadratic.gradient(at @ matrix.T) @ matrix, rel=1e-9, abs=1e-9)
    assert matrix @ other.optimum == pytest.approx(quadratic.optimum, rel=1e-9)


def test_excess_by_direction_sums_to_the_excess() -> None:
    quadratic = quadratic_of(SEVERAL)
    at = np.random.default_rng(5).normal(size=(6, 4))
    assert quadratic.excess_by_direction(at).sum(axis=1) == pytest.approx(quadratic.excess(at), rel=1e-11)


def test_collinear_columns_have_a_flat_direction_and_the_shortest_solution() -> None:
    quadratic = quadratic_of(COLLINEAR)
    assert quadratic.eigenvalues[-1] == 0.0
    assert quadratic.eigenvalues[-2] > 0.1
    X = np.column_stack((COLLINEAR.features, np.ones(len(COLLINEAR.target))))
    best = np.mean((X @ np.linalg.lstsq(X, COLLINEAR.target, rcond=None)[0] - COLLINEAR.target) ** 2)
    assert quadratic.optimum_loss == pytest.approx(best, rel=1e-12)
    assert quadratic.optimum[0] == pytest.approx(quadratic.optimum[2], rel=1e-10)


def test_columns_far_from_zero() -> None:
    """Mean 10⁶, spread 1: slope to 10⁻¹², lowest loss to 10⁻⁹, the flat eigenvalue (10⁻²⁴ of the sharp one) to 10⁻³."""
    quadratic = quadratic_of(FAR)
    x = FAR.features[:, 0]
    centred = x - 1e6
    slope, level = np.polyfit(centred, FAR.target, 1)
    assert quadratic.optimum[0] == pytest.approx(slope, rel=1e-12)
    assert quadratic.optimum[1] == pytest.approx(level - slope * 1e6, rel=1e-12)
    assert quadratic.optimum_loss == pytest.approx(np.mean((slope * centred + level - FAR.target) ** 2), rel=1e-9)
    trace, determinant = 2 * (np.mean(x**2) + 1), 4 * np.var(x)
    assert quadratic.eigenvalues[0] == pytest.approx(trace, rel=1e-9)
    assert quadratic.eigenvalues[1] == pytest.approx(determinant / trace, rel=1e-3)


def test_not_finite_parameters_give_not_finite_results_without_a_warning() -> None:
    quadratic = quadratic_of(TILTED)
    at = np.array([[np.nan, 0.0], [np.inf, 1.0], [1e200, 1.0]])
    assert not np.isfinite(quadratic.loss(at)).any()
    assert not np.isfinite(quadratic.gradient(at)[:2]).any()
    assert not np.isfinite(quadratic.change(np.zeros((3, 2)), at)).any()


def ill_conditioned(spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of this difference in size, and a target that needs both of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)) * [spread, 1 / spread]
    return X, X @ [1 / spread, spread] + 0.1 * rng.normal(size=200)


@pytest.mark.parametrize("spread", [1e2, 1e4, 1e6])
def test_columns_of_very_different_size(spread: float) -> None:
    """Condition number up to 10²⁴: as if the columns had been of one size."""
    X, y = ill_conditioned(spread)
    quadratic, alike = Quadratic.from_data(X, y), Quadratic.from_data(X / [spread, 1 / spread], y)
    assert quadratic.optimum * [spread, 1 / spread, 1] == pytest.approx(alike.optimum, rel=1e-11)
    assert quadratic.optimum_loss == pytest.approx(alike.optimum_loss, rel=1e-12)
    centred = X - X.mean(axis=0)
    sharpest, flattest = 2 * np.mean(centred[:, 0] ** 2) + 2 * X[:, 0].mean() ** 2, 2 * np.mean(centred[:, 1] ** 2)
    assert quadratic.eigenvalues[0] == pytest.approx(sharpest, rel=1e-2)
    assert quadratic.eigenvalues[-1] == pytest.approx(flattest, rel=2e-2)
    assert Quadratic(quadratic.moments).eigenvalues == pytest.approx(quadratic.eigenvalues, rel=1e-3)


def test_columns_that_are_nearly_the_same() -> None:
    """A difference of 10⁻⁷ is seen in the rows, where their covariance has lost it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    X = np.column_stack((x, x + 1e-7 * rng.normal(size=200)))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    quadratic = Quadratic.from_data(X, X @ [3.0, -1.0])
    assert quadratic.optimum[:2] == pytest.approx([3.0, -1.0], abs=1e-6)
    assert quadratic.eigenvalues[-1] == pytest.approx(np.mean((X[:, 1] - X[:, 0]) ** 2), rel=1e-5)
    rounded = Quadratic.from_data(X.astype(np.float32), X @ [3.0, -1.0], eps=float(np.finfo(np.float32).eps))
    assert rounded.eigenvalues[-1] == 0.0
    assert rounded.optimum[:2] == pytest.approx([1.0, 1.0], abs=1e-6)


@pytest.mark.parametrize("eps", [2.0**-52, 2.0**-23])
def test_rounding_never_hides_the_only_column(eps: float) -> None:
    x = 1e9 + 64.0 * np.arange(5.0)
    quadratic = Quadratic.from_data(x[:, None], 2 * x, eps=eps)
    assert quadratic.optimum[0] == pytest.approx(2.0, rel=1e-12)


def test_the_shortest_solution_of_columns_of_different_size() -> None:
    x = np.arange(5.0)
    X = np.column_stack((x, 2 * x, 3 * x))
    assert Quadratic.from_data(X, 14 * x).optimum == pytest.approx([1.0, 2.0, 3.0, 0.0], abs=1e-12)


def test_more_columns_than_rows() -> None:
    X, y = np.array([[1.0, 2.0, 3.0], [2.0, 5.0, 1.0]]), np.array([1.0, 2.0])
    quadratic = Quadratic.from_data(X, y)
    assert quadratic.optimum[:3] == pytest.approx(np.linalg.lstsq(X - X.mean(axis=0), y - 1.5, rcond=None)[0])
    assert quadratic.optimum_loss == pytest.approx(0.0, abs=1e-24)
    assert np.count_nonzero(quadratic.eigenvalues) == 2


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = quadratic_of(FAR)
    monkeypatch.setattr("fallline._quadratic._least_squares.BLOCK_ROWS", 16)
    pieces = quadratic_of(FAR)
    assert pieces.optimum == pytest.approx(whole.optimum, rel=1e-13)
    assert pieces.eigenvalues == pytest.approx(whole.eigenvalues, rel=1e-13)


def test_descending_past_the_limit_infinity_is_the_answer() -> None:
    """No warning either: warnings are errors here."""
    quadratic = Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    assert not np.isfinite(quadratic.descend([0.0, 0.0], 10.0, 1e4)).all()
