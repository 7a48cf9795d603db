"""Textbook surfaces: values, derivatives and minima against closed forms, finite differences and search."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fallline._errors import OptionError
from fallline._formulas import NAMED, Formula, FormulaModel, formula
from fallline._loss_function import LossFunction

NAMES = tuple(NAMED)
RNG = np.random.default_rng(0)


def closed_form(name: str, at: np.ndarray) -> tuple[float, list[float], list[list[float]]]:
    """Value, gradient and Hessian, derived by hand."""
    if name == "parabola":
        (w,) = at
        return (w - 3) ** 2, [2 * (w - 3)], [[2.0]]
    w, b = at
    if name == "ravine":
        return (100 * w**2 + b**2) / 2, [100 * w, b], [[100, 0], [0, 1]]
    if name == "saddle":
        return w**2 - b**2, [2 * w, -2 * b], [[2, 0], [0, -2]]
    if name == "rosenbrock":
        gradient = [-2 * (1 - w) - 400 * w * (b - w**2), 200 * (b - w**2)]
        hessian = [[2 - 400 * (b - 3 * w**2), -400 * w], [-400 * w, 200]]
        return (1 - w) ** 2 + 100 * (b - w**2) ** 2, gradient, hessian
    if name == "himmelblau":
        p, q = w**2 + b - 11, w + b**2 - 7
        gradient = [4 * w * p + 2 * q, 2 * p + 4 * b * q]
        hessian = [[4 * p + 8 * w**2 + 2, 4 * w + 4 * b], [4 * w + 4 * b, 2 + 4 * q + 8 * b**2]]
        return p**2 + q**2, gradient, hessian
    turn = 2 * np.pi
    value = 20 + w**2 - 10 * np.cos(turn * w) + b**2 - 10 * np.cos(turn * b)
    gradient = [2 * x + 10 * turn * np.sin(turn * x) for x in at]
    second = [2 + 10 * turn**2 * np.cos(turn * x) for x in at]
    return value, gradient, [[second[0], 0], [0, second[1]]]


@pytest.mark.parametrize("name", NAMES)
def test_values_and_derivatives_are_those_of_the_closed_form(name: str) -> None:
    surface = formula(name)
    points = RNG.uniform(-3, 3, size=(20, surface.parameter_count))
    for at in points:
        value, gradient, hessian = closed_form(name, at)
        assert surface.loss(at)[0] == pytest.approx(value, rel=1e-12)
        assert surface.gradient(at)[0] == pytest.approx(gradient, rel=1e-11, abs=1e-11)
        assert surface.hessian(at) == pytest.approx(np.array(hessian), rel=1e-11, abs=1e-11)
    assert surface.loss(points) == pytest.approx([closed_form(name, at)[0] for at in points], rel=1e-12)
    assert surface.gradient(points).shape == points.shape
    assert surface.hessians(points).shape == (20, surface.parameter_count, surface.parameter_count)


@pytest.mark.parametrize(
    "text", ["exp(w)*sin(b) + tanh(w*b)", "sqrt(w^2 + 1) + log(b^2 + 2)", "cos(w)/(2 + b^2)", "tan(w/4)"]
)
def test_derivatives_of_other_formulas_are_finite_differences(text: str) -> None:
    surface = formula(text)
    P, step = surface.parameter_count, 1e-5
    for at in RNG.uniform(-1, 1, size=(5, P)):
        shifts = step * np.eye(P)
        slopes = (surface.loss(at + shifts) - surface.loss(at - shifts)) / (2 * step)
        bends = (surface.gradient(at + shifts) - surface.gradient(at - shifts)) / (2 * step)
        assert surface.gradient(at)[0] == pytest.approx(slopes, rel=1e-7, abs=1e-9)
        assert surface.hessian(at) == pytest.approx(bends, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_the_minima_are_minima(name: str) -> None:
    surface = formula(name)
    assert bool(surface.minima) == (name != "saddle")
    for minimum in surface.minima:
        assert np.abs(surface.gradient(minimum)).max() < 1e-10
        assert np.linalg.eigvalsh(surface.hessian(minimum))[0] > 0
    losses = surface.loss(np.array(surface.minima)) if surface.minima else np.array([np.nan])
    assert surface.floor == (None if name == "saddle" else pytest.approx(losses.min(), abs=1e-12))
    assert (np.diff(losses) > -1e-9).all(), "the lowest first"


def test_there_are_as_many_minima_as_the_textbooks_say() -> None:
    counts = {name: len(formula(name).minima) for name in NAMES}
    assert counts == {"parabola": 1, "ravine": 1, "rosenbrock": 1, "saddle": 0, "himmelblau": 4, "rastrigin": 121}


def test_no_minimum_of_rastrigin_is_missing() -> None:
    """Newton's method from a fine grid ends only in known ones."""
    surface = formula("rastrigin")
    x = np.linspace(-5.2, 5.2, 400)
    slope = 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)
    bottoms = np.flatnonzero((slope[:-1] < 0) & (slope[1:] > 0))
    known = np.unique(np.round([minimum[0] for minimum in surface.minima], 6))
    assert len(bottoms) == len(known) == 11


def test_an_optimum_is_only_named_where_there_is_one() -> None:
    found = {name: None if (best := formula(name).optimum) is None else best.tolist() for name in NAMES}
    assert found == {
        "parabola": [3.0],
        "ravine": [0.0, 0.0],
        "rosenbrock": [1.0, 1.0],
        "saddle": None,
        "himmelblau": None,
        "rastrigin": [0.0, 0.0],
    }


def test_starts() -> None:
    starts = {name: formula(name).default_start.tolist() for name in NAMES}
    assert starts == {
        "parabola": [5.0],
        "ravine": [1.0, 10.0],
        "rosenbrock": [-1.2, 1.0],
        "saddle": [1.0, 0.001],
        "himmelblau": [0.0, 0.0],
        "rastrigin": [2.2, -1.3],
    }
    assert formula("(w - 1)^2 + b^4").default_start.tolist() == [1.0, 1.0]
    assert formula("(w - 1)^2").default_start.tolist() == [2.0], "at 1 there is no slope"
    assert formula("log(w - 2)").default_start.tolist() == [3.0], "at 1 and 2 there is no number"
    assert formula("0*w").default_start.tolist() == [1.0], "no slope anywhere"


def test_a_named_surface_that_is_typed_out_is_recognised() -> None:
    typed = formula(" ( w−3 )² ")
    assert (typed.name, typed.default_start.tolist()) == ("parabola", [5.0])
    assert formula("(w - 2)^2").name == "formula"
    assert formula("Rosenbrock").name == "rosenbrock"


QUADRATICS = (
    ("(w - 3)^2", [3.0], 0.0),
    ("(100*w^2 + b^2)/2", [0.0, 0.0], 0.0),
    ("w^2 + w*b + b^2 - 3*w + 7", [2.0, -1.0], 4.0),
    ("2*(w - 1)*(w - 1) + 5", [1.0], 5.0),
    ("-(-(w*w))", [0.0], 0.0),
)


@pytest.mark.parametrize(("text", "optimum", "floor"), QUADRATICS)
def test_a_polynomial_of_degree_two_is_an_exact_parabola(text: str, optimum: list[float], floor: float) -> None:
    surface = formula(text)
    exact = surface.quadratic
    assert exact is not None
    assert exact.optimum == pytest.approx(optimum, abs=1e-14)
    assert exact.floor == pytest.approx(floor, abs=1e-14)
    points = RNG.normal(size=(7, surface.parameter_count))
    assert exact.loss(points) == pytest.approx(surface.loss(points), rel=1e-13, abs=1e-13)
    assert exact.gradient(points) == pytest.approx(surface.gradient(points), rel=1e-12, abs=1e-12)
    assert exact.eigenvalues[::-1] == pytest.approx(np.linalg.eigvalsh(surface.hessian(points[0])), rel=1e-12)


@pytest.mark.parametrize(
    "text", ["w^2 - b^2", "-w^2", "w + b", "w^3", "w^4", "sqrt(w)^2", "w^2.5", "w^2 + b", "w^b", "1/w^2"]
)
def test_what_has_no_bottom_or_is_no_parabola_is_not_called_one(text: str) -> None:
    assert formula(text).quadratic is None


@pytest.mark.parametrize("text", ["w^2 - 1e-13*b^2", "w^2 - b^2", "w", "w - b", "-w^2", "w*b", "w^2 + 1e-3*b"])
def test_ground_that_falls_for_ever_is_known_to(text: str) -> None:
    assert formula(text).quadratic is None
    assert formula(text).falls_for_ever


@pytest.mark.parametrize(
    "text", ["w^2", "(w + b + 1)^2", "(w + 2*b - 3*c)^2", "w^2 + 1e-13*b^2", "w^4", "exp(w)", "-w^4"]
)
def test_of_no_other_surface_is_that_said(text: str) -> None:
    assert not formula(text).falls_for_ever


def test_a_trough_is_a_parabola_without_one_lowest_point() -> None:
    trough = formula("(w - b)^2")
    assert trough.quadratic is not None
    assert trough.floor == 0.0
    assert trough.optimum is None
    assert trough.minima == ()
    assert trough.quadratic.eigenvalues == pytest.approx([4.0, 0.0], abs=1e-15)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    seed=st.integers(0, 1000),
    exponent=st.integers(-14, 0),
)
def test_a_small_change_keeps_its_digits(name: str, seed: int, exponent: int) -> None:
    """Against the same sums in long double."""
    surface = formula(name)
    rng = np.random.default_rng(seed)
    before = rng.uniform(-2, 2, size=(1, surface.parameter_count))
    after = before + 10.0**exponent * rng.normal(size=before.shape)
    true = float(wide(name, after[0]) - wide(name, before[0]))
    size = abs(float(wide(name, before[0]))) + 20  # the long double's own rounding: terms of that size cancel in it
    assert surface.change(before, after)[0] == pytest.approx(true, rel=1e-6, abs=1e-18 * size + 1e-17 * 10.0**exponent)


def wide(name: str, at: np.ndarray) -> np.longdouble:
    parts = [np.longdouble(x) for x in at]
    if name == "parabola":
        return (parts[0] - 3) ** 2
    w, b = parts
    if name == "ravine":
        return (100 * w**2 + b**2) / 2
    if name == "saddle":
        return w**2 - b**2
    if name == "rosenbrock":
        return (1 - w) ** 2 + 100 * (b - w**2) ** 2
    if name == "himmelblau":
        return (w**2 + b - 11) ** 2 + (w + b**2 - 7) ** 2
    turn = np.longdouble(2 * np.pi)
    return 20 + w**2 - 10 * np.cos(turn * w) + b**2 - 10 * np.cos(turn * b)


def test_not_finite_is_data() -> None:
    surface = formula("log(w)")
    assert surface.loss([[-1.0], [0.0], [1.0]]) == pytest.approx([np.nan, -np.inf, 0.0], nan_ok=True)
    assert np.isnan(surface.change([[1.0]], [[-1.0]])[0])
    slopes = formula("sqrt(w) + b^2").gradient([[-1.0, 1.0], [4.0, 1.0]])
    assert np.isnan(slopes[0, 0])
    assert slopes[1].tolist() == [0.25, 2.0], "a row of NaN leaves the others alone"


def test_it_is_a_loss_function_and_says_what_it_is() -> None:
    surface: LossFunction = formula("(w - 3)^2 + b^2")
    assert surface.parameter_count == 2
    assert repr(surface) == "<Formula (w - 3)^2 + b^2>"
    assert isinstance(surface, Formula)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_model_is_the_formula_in_its_dtype(dtype: torch.dtype) -> None:
    model = FormulaModel(formula("rosenbrock"), [-1.2, 1.0], dtype=dtype)
    value = model()
    value.backward()
    assert value.dtype is dtype
    assert model.vector.grad.tolist() == pytest.approx([-215.6, -88.0], rel=1e-6)


def test_inside_inference_mode_and_without_gradients_it_works_as_ever() -> None:
    surface = formula("rosenbrock")
    with torch.inference_mode(), torch.no_grad():
        assert surface.gradient([-1.2, 1.0])[0] == pytest.approx([-215.6, -88.0])
        assert surface.hessian([-1.2, 1.0])[1, 1] == 200.0


def test_a_name_that_is_no_formula_is_refused_with_what_is_near() -> None:
    with pytest.raises(OptionError, match=r'no formula "rosenbrok".*Did you mean "rosenbrock"'):
        formula("rosenbrok")
