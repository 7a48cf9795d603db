"""docs/semantics.md#curvature: both ends of the spectrum, and the trace."""

import numpy as np
import pytest
import torch

import fallline as fl
from curvature.hessians import Diagonal, bowl, network
from fallline._curvature._spectrum import _Ends
from fallline._quadratic import Quadratic


@pytest.mark.parametrize("seed", range(2))
def test_both_ends_of_a_network_are_those_of_its_dense_hessian(seed: int) -> None:
    _, objective = network(seed)
    hessian = objective.hessian(objective.parameters)
    values = np.linalg.eigvalsh(hessian)
    found = fl.spectrum(objective, k=4, tolerance=1e-6)
    assert found.converged
    assert np.all(np.abs(found.largest - values[::-1][:4]) <= found.errors_largest)
    assert np.all(np.abs(found.smallest - values[:4]) <= found.errors_smallest)
    for value, vector in zip(found.largest, found.vectors_largest, strict=True):
        assert np.allclose(hessian @ vector, value * vector, atol=1e-4)
    assert np.allclose(found.vectors_largest @ found.vectors_largest.T, np.eye(4), atol=1e-6)


def test_an_eigenvalue_that_comes_three_times_is_found_three_times() -> None:
    values = np.r_[[2.0, 2.0, 2.0, 1.5], np.linspace(0, 1, 72), [-1, -1, -0.7, -0.5]]
    found = fl.spectrum(bowl(values, turned=2), k=4)
    assert found.converged
    assert found.largest == pytest.approx([2, 2, 2, 1.5], abs=2e-3)
    assert found.smallest == pytest.approx([-1, -1, -0.7, -0.5], abs=2e-3)
    assert np.allclose(found.vectors_largest @ found.vectors_largest.T, np.eye(4), atol=1e-5)


def test_small_and_exact_ones_are_whole() -> None:
    quadratic = Quadratic.from_data([[0.0, 1.0], [1.0, 3.0], [2.0, 0.0]], [1.0, 3.0, 5.5])
    found = fl.spectrum(quadratic, k=3)
    assert found.largest[::-1] == pytest.approx(found.smallest)
    assert found.smallest == pytest.approx(np.linalg.eigvalsh(quadratic.hessian(quadratic.optimum)))
    assert fl.spectrum(bowl(np.array([-2.0])), k=1).largest == pytest.approx([-2])
    assert fl.spectrum(bowl(np.zeros(30)), k=2).largest == pytest.approx([0, 0])


@pytest.mark.parametrize("k", [0, 52])
def test_more_than_there_are(k: int) -> None:
    with pytest.raises(fl.OptionError, match=f"how many eigenvalues, 1 to 51 here; {k} is not"):
        fl.spectrum(network()[1], k=k)


def test_where_the_products_do_not_suffice_it_says_so() -> None:
    found = _Ends(Diagonal(np.linspace(-1, 1, 1000)), 3, 1e-6, 20, 0).found()
    assert not found.converged
    assert found.products == 20
    assert found.largest[0] <= 1 <= found.largest[0] + 2 * found.errors_largest[0] + 0.1


def test_the_record_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        fl.spectrum(network()[1], k=1).largest[0] = 0


@pytest.mark.parametrize("seed", range(3))
def test_the_trace_is_within_its_error(seed: int) -> None:
    _, objective = network(seed, hidden=16)
    truth = np.trace(objective.hessian(objective.parameters))
    found = fl.trace(objective, tolerance=0.1)
    assert found.converged
    assert found.error <= 0.1 * abs(found.value)
    assert abs(found.value - truth) <= 3.5 * found.error


def test_the_trace_of_a_small_one_is_exact() -> None:
    assert fl.trace(bowl(np.array([3.0, -1.0, 0.5]), turned=0)).value == pytest.approx(2.5)
    assert fl.trace(bowl(np.zeros(40))).value == 0


def test_a_trace_that_no_sample_pins_down_says_so() -> None:
    rng = np.random.default_rng(0)
    found = fl.trace(bowl(rng.permutation(np.r_[np.full(40, 1.0), np.full(40, -1.0)]), turned=3), most_products=30)
    assert not found.converged
    assert found.products == 30


@pytest.mark.slow
def test_the_standard_error_of_the_trace_is_one() -> None:
    """Two times out of three within one, hardly ever beyond three; the stopping rule biases it a little."""
    shares = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = np.r_[rng.uniform(0.5, 2, 3), rng.normal(0.01, 0.02, 77)]
        found = fl.trace(bowl(values, turned=seed), tolerance=0.03, seed=seed)
        shares.append(abs(found.value - values.sum()) / found.error)
    assert 0.5 <= np.mean(np.array(shares) <= 1) <= 0.85
    assert np.mean(np.array(shares) <= 3) >= 0.97


def test_dtype_of_the_products() -> None:
    _, objective = network(0, torch.float32)
    assert fl.spectrum(objective, k=1, dtype=torch.float64).errors_largest[0] < 1e-2
    assert fl.trace(objective, dtype=torch.float64).converged
