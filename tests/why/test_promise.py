"""The first-order promise: exact coefficients, the fitted power, and where there is none."""

import numpy as np
import pytest

from cases import BOWLS, Case, logistic
from fallline._formulas import formula
from fallline._problem import given_problem, neuron_objective
from fallline._why._promise import first_step, power_law, promise
from fallline._why._rate import _by_rows


@pytest.mark.parametrize("case", BOWLS, ids=str)
def test_on_a_parabola_the_error_is_half_the_curvature(case: Case) -> None:
    problem = given_problem(case.data, standardise=False, dtype="float64")
    quadratic = problem.quadratic
    assert quadratic is not None
    start = np.linspace(-1, 1, quadratic.parameter_count)
    slope = quadratic.gradient(start)[0]
    found = promise(_by_rows(problem), start, 2 / quadratic.eigenvalues[0], quadratic=True)
    exact = found.rates**2 * float(slope @ quadratic.hessian() @ slope) / 2
    np.testing.assert_allclose(found.errors, exact, rtol=1e-6)
    assert found.law is not None
    assert abs(found.law.exponent - 2) <= max(found.law.error, 1e-7)
    assert found.off is not None
    assert found.off < 1e-6
    assert found.bottom_rate == pytest.approx(float(slope @ slope / (slope @ quadratic.hessian() @ slope)))


def test_it_is_measured_not_computed_from_the_moments() -> None:
    problem = given_problem()
    assert _by_rows(problem) is not problem.objective


@pytest.mark.parametrize("name", ["rosenbrock", "himmelblau", "(w - 3)^4", "exp(w) + b^2"])
def test_elsewhere_two_within_its_own_error(name: str) -> None:
    surface = formula(name)
    start = surface.default_start
    sharpest = float(np.abs(np.linalg.eigvalsh(surface.hessian(start))).max())
    found = promise(surface, start, 1 / sharpest, quadratic=False)
    assert found.law is not None
    assert abs(found.law.exponent - 2) <= 1.5 * found.law.error < 0.1
    assert found.half_curvature is None


def test_the_logistic_neuron_as_well() -> None:
    case = logistic(gap=-1.0)
    problem = given_problem(case.data, loss="bce", dtype="float64")
    found = promise(problem.objective, np.array([0.5, -0.5]), 4.0, quadratic=False)
    assert found.law is not None
    assert abs(found.law.exponent - 2) <= 1.5 * found.law.error < 0.1


def test_straight_pieces_have_no_law() -> None:
    problem = given_problem(loss="mae", dtype="float64")
    found = promise(problem.objective, np.array([0.0, 0.0]), 1e-4, quadratic=False)
    assert found.law is None
    assert (found.errors <= 1e-9 * np.abs(found.promised)).all()


def test_nan_is_left_out_of_the_fit() -> None:
    surface = formula("log(w)")
    found = promise(surface, np.array([1.0]), 5.0, quadratic=False)
    assert np.isnan(found.real[-1])  # the step leaves the logarithm's domain
    assert found.law is not None
    assert np.isfinite(found.law.exponent)


def test_a_power_law_and_its_error() -> None:
    x = np.geomspace(1, 1000, 30)
    exact = power_law(x, 5 * x**-1.5)
    assert exact is not None
    assert exact.exponent == pytest.approx(-1.5)
    assert exact.error < 1e-9
    bent = power_law(x, x**2 + 0.01 * x**3)
    assert bent is not None
    assert bent.error > 0.3  # halves with different slopes are no power law
    noisy = power_law(x, x**2 * np.exp(0.1 * np.random.default_rng(0).normal(size=30)))
    assert noisy is not None
    assert abs(noisy.exponent - 2) <= noisy.error < 0.2
    assert power_law(x[:5], x[:5]) is None


def test_the_first_step_goes_past_the_bottom() -> None:
    parabola = formula("(w - 3)^2")
    step = first_step(parabola, np.array([5.0]), 1.25)
    np.testing.assert_allclose(step.real, (2 - 4 * step.rates) ** 2 - 4, atol=1e-12)
    np.testing.assert_allclose(step.promised, -16 * step.rates)


def test_neuron_objective_agrees_with_its_moments() -> None:
    problem = given_problem(dtype="float64")
    rows = neuron_objective(problem.kind, problem.features64, problem.target64)
    at = np.array([[0.3, -0.2]])
    assert rows.loss(at)[0] == pytest.approx(problem.objective.loss(at)[0])
