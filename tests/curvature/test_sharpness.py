"""docs/semantics.md#curvature: sharpness, and the error that is printed with it."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fallline as fl
from curvature.hessians import Diagonal, bowl, network
from fallline._curvature._bound import CHANCE
from fallline._curvature._sharpness import sharpness_of
from fallline._formulas import formula
from fallline._quadratic import Quadratic


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_eigenvalue_of_a_network_is_that_of_its_dense_hessian(seed: int) -> None:
    _, objective = network(seed)
    values, vectors = np.linalg.eigh(objective.hessian(objective.parameters))
    found = fl.sharpness(objective, tolerance=1e-6)
    assert found.converged
    assert -1e-9 <= values[-1] - found.value <= found.error <= 1e-6 * found.value
    assert abs(found.vector @ vectors[:, -1]) == pytest.approx(1, abs=1e-5)
    assert found.products < objective.parameter_count


def test_the_error_names_the_products_and_tighter_tolerances_take_more_of_them() -> None:
    objective = bowl(np.linspace(0, 1, 150), turned=0)
    loose, tight = fl.sharpness(objective, tolerance=0.1), fl.sharpness(objective, tolerance=1e-8)
    assert loose.products < tight.products
    assert loose.error > tight.error


def test_float32_says_what_its_rounding_leaves_unknown() -> None:
    _, exact = network(1)
    _, rounded = network(1, torch.float32)
    found = fl.sharpness(rounded, exact.parameters, tolerance=1e-9)
    truth = np.linalg.eigvalsh(exact.hessian(exact.parameters))[-1]
    assert abs(truth - found.value) <= found.error < 1e-4 * found.value
    assert fl.sharpness(rounded, dtype=torch.float64, tolerance=1e-9).relative_error < 1e-9


SPECTRA = {
    "negative definite": -np.linspace(1, 2, 40),
    "zero": np.zeros(40),
    "all alike": np.full(40, 3.0),
    "one huge": np.r_[1e8, np.linspace(0, 1, 39)],
    "one huge, downwards": np.r_[-1e8, np.linspace(0, 1, 39)],
    "nearly twice": np.r_[1, 1 - 1e-7, np.linspace(0, 0.5, 38)],
    "only one is not 0": np.r_[2.0, np.zeros(39)],
    "1 × 1": np.array([2.0]),
    "1 × 1, downwards": np.array([-2.0]),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_hard_spectra_get_the_right_number(name: str) -> None:
    truth = SPECTRA[name].max()
    found = fl.sharpness(bowl(SPECTRA[name], turned=1))
    assert found.converged
    assert abs(truth - found.value) <= found.error
    assert found.error <= 1e-3 * abs(truth) + 1e-6 * np.abs(SPECTRA[name]).max()


def test_where_the_products_do_not_suffice_the_error_says_so() -> None:
    found = sharpness_of(Diagonal(np.linspace(-1, 1, 2000)), tolerance=1e-6, roots=None, most_products=15)
    assert not found.converged
    assert found.products == 15
    assert 1 - found.value <= found.error
    assert found.error > 1e-3


def test_one_unlucky_start_does_not_hide_an_eigenvalue_behind_a_small_residual() -> None:
    """A direction that the start all but misses: the residual calls the second eigenvalue converged."""
    values = np.r_[1, 0.97, np.linspace(0, 0.5, 498)]
    start = np.ones(500)
    start[0] = 0.0  # the 0.3 of noise is all there is along the largest
    found = sharpness_of(Diagonal(values), tolerance=1e-3, roots=None, start=start)
    assert 1 - found.value <= found.error <= 1e-3


@pytest.mark.parametrize("where", [np.nan, np.inf])
def test_parameters_that_are_not_finite_are_refused(where: float) -> None:
    _, objective = network()
    at = objective.parameters.copy()
    at[3] = where
    for ask in (fl.sharpness, fl.trace, lambda o, at: fl.spectrum(o, at=at)):
        with pytest.raises(fl.OptionError, match="not finite here"):
            ask(objective, at)


def test_a_loss_that_overflows_and_one_without_second_derivative_are_refused() -> None:
    x = torch.ones(4, 1)

    class Root(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.theta = torch.nn.Parameter(torch.zeros(30))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.theta.sqrt().sum().expand(len(x), 1)

    objective = fl.Objective(Root(), lambda output, target: (output - target).mean(), (x, x))
    with pytest.raises(fl.OptionError, match="second derivatives of the loss are not finite"):
        fl.sharpness(objective)
    with pytest.raises(fl.OptionError, match="no curvature"):
        fl.sharpness(objective, np.full(30, -1.0))


def test_a_bad_question_is_told_in_one_sentence() -> None:
    _, objective = network()
    P = objective.parameter_count
    for options, words in (
        ({"tolerance": 0}, "tolerance is a share above 0"),
        ({"most_products": 0}, "At least one product"),
        ({"at": np.zeros(3)}, "A place has 51 numbers"),
        ({"start": np.zeros(P)}, "not all of them 0"),
        ({"start": np.ones(2)}, "A start has 51 numbers"),
        ({"preconditioner": np.zeros(P)}, "all above 0"),
        ({"preconditioner": np.ones(2)}, "A preconditioner has 51 numbers"),
    ):
        with pytest.raises(fl.OptionError, match=words):
            fl.sharpness(objective, **options)
    with pytest.raises(fl.OptionError, match="Say where"):
        fl.sharpness(formula("sin(w) + w*b"))


def test_the_preconditioned_sharpness_is_the_largest_eigenvalue_of_p_inverse_h() -> None:
    _, objective = network(2)
    diagonal = np.random.default_rng(0).uniform(0.1, 10, objective.parameter_count)
    product = objective.hessian(objective.parameters) / diagonal[:, None]
    found = fl.sharpness(objective, preconditioner=diagonal, tolerance=1e-8)
    assert found.preconditioned
    assert found.value == pytest.approx(np.linalg.eigvals(product).real.max(), rel=1e-7)
    assert np.allclose(product @ found.vector, found.value * found.vector, atol=1e-3 * found.value)
    again = fl.sharpness(objective, preconditioner=diagonal, start=found.vector, seed=3)
    assert again.value == pytest.approx(found.value, rel=1e-3)


def test_exact_objectives_give_the_same_number_by_their_whole_hessian() -> None:
    quadratic = Quadratic.from_data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    assert fl.sharpness(quadratic).value == pytest.approx(max(quadratic.eigenvalues))
    assert fl.sharpness(formula("3*w^2 + b^4"), [0.0, 1.0]).value == pytest.approx(12)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 59), max_size=4, unique=True),
    order=st.permutations(range(60)),
    scale=st.floats(1e-3, 1e3),
)
def test_batches_order_and_scale(cuts: list[int], order: list[int], scale: float) -> None:
    model, whole = network(5)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(60, 4, generator=generator, dtype=torch.float64)[list(order)]
    y = torch.randint(0, 3, (60,), generator=generator)[list(order)]
    ends = [0, *sorted(cuts), 60]
    batches = [(x[a:b], y[a:b]) for a, b in pairwise(ends)]

    class Scaled(torch.nn.CrossEntropyLoss):
        def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return scale * super().forward(output, target)

    split = fl.Objective(model, Scaled(), batches)
    one, other = fl.sharpness(whole, tolerance=1e-9), fl.sharpness(split, tolerance=1e-9)
    assert other.value == pytest.approx(scale * one.value, rel=1e-8)


def test_nothing_of_the_model_changes() -> None:
    model, objective = network(3)
    before = [tensor.clone() for tensor in model.state_dict().values()]
    random = torch.get_rng_state()
    fl.sharpness(objective), fl.spectrum(objective, k=2), fl.trace(objective)
    assert all(map(torch.equal, before, model.state_dict().values()))
    assert torch.equal(random, torch.get_rng_state())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert fl.sharpness(objective).value == fl.sharpness(objective).value


def spectrum_of(kind: str, rng: np.random.Generator, P: int) -> np.ndarray:
    """A random one: like a network's, like a falling power, with eigenvalues that are nearly the same …"""
    values = rng.normal(size=P) * rng.choice([0.01, 0.05])
    if kind == "network":
        values = np.abs(rng.standard_cauchy(P)) * 1e-3 * rng.choice([-1, 1], P, p=[0.3, 0.7])
        values[:10] = rng.lognormal(0, 1, 10)
    elif kind == "outliers":
        values[: rng.integers(1, 12)] = rng.uniform(0.3, 1)
    elif kind == "nearly twice":
        values[:3] = 1, 1 - 10 ** rng.uniform(-6, -1), rng.uniform(0.2, 0.9)
    elif kind == "nearly three times":
        values[:3] = 1, 1 - 10 ** rng.uniform(-4, -1), 1 - 10 ** rng.uniform(-4, -1)
    elif kind == "power":
        values = np.arange(1, P + 1) ** -rng.uniform(0.5, 2)
    elif kind == "bulk":
        values = rng.uniform(-1, 1, P)
    return values * 10 ** rng.uniform(-4, 4)


KINDS = ("network", "outliers", "nearly twice", "nearly three times", "power", "bulk")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_the_true_error_is_within_the_printed_one(dtype: torch.dtype) -> None:
    """240 random problems in each dtype; and of the hard ones no more than the chance that is told."""
    rng = np.random.default_rng(7)
    for trial in range(240):
        operator = Diagonal(spectrum_of(KINDS[trial % len(KINDS)], rng, 1000), dtype)
        found = sharpness_of(operator, tolerance=1e-3, roots=None, seed=trial)
        assert abs(float(operator.values.max()) - found.value) <= found.error, (trial, KINDS[trial % len(KINDS)])
        assert found.error <= 1e-3 * found.value


@pytest.mark.slow
def test_the_chance_of_a_start_that_misses_is_what_is_told() -> None:
    """The worst case for the bound: eigenvalues that are nearly the same, one start after another."""
    misses, starts = 0, 1500
    rng = np.random.default_rng(1)
    for seed in range(starts):
        values = np.r_[1, 1 - 10 ** rng.uniform(-3.5, -1.5), rng.normal(size=298) * 0.05]
        found = sharpness_of(Diagonal(values), tolerance=1e-3, roots=None, seed=seed)
        misses += 1 - found.value > found.error
    assert misses <= CHANCE * starts + 3 * np.sqrt(CHANCE * starts)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the peer and what it needs
@pytest.mark.parametrize("seed", range(3))
def test_against_curvlinops(seed: int) -> None:
    curvlinops = pytest.importorskip("curvlinops", reason="curvlinops is not installed")
    from scipy.sparse.linalg import eigsh

    model, objective = network(seed, hidden=20)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(60, 4, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (60,), generator=generator)
    parameters = list(model.parameters())
    peer = curvlinops.HessianLinearOperator(model, torch.nn.CrossEntropyLoss(), parameters, [(x, y)])
    values = eigsh(peer.to_scipy(), k=5, which="BE", return_eigenvectors=False)
    values = np.sort(values)
    assert fl.sharpness(objective, tolerance=1e-9).value == pytest.approx(values[-1], rel=1e-8)
    found = fl.spectrum(objective, k=2, tolerance=1e-9)
    assert found.largest == pytest.approx(values[::-1][:2], rel=1e-7)
    assert found.smallest == pytest.approx(values[:2], rel=1e-7)
