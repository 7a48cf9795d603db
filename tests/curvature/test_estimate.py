"""docs/semantics.md#curvature: the estimate of the error, from a sample of the rows."""

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._curvature._operator import Operator
from fallline._curvature._sample import ROWS, SMALLEST_STEP, sample_start


def many_rows(seed: int, rows: int = ROWS * SMALLEST_STEP, hidden: int = 8) -> fl.Objective:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 6, generator=generator)
    y = (x[:, 0] + 0.5 * torch.randn(rows, generator=generator) > 0).long() + (x[:, 1] > 1).long()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Linear(6, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 3))
    return fl.Objective(model, torch.nn.CrossEntropyLoss(), (x, y))


@pytest.mark.parametrize("seed", range(3))
def test_with_many_rows_it_is_an_estimate_that_takes_fewer_products_than_the_bound(seed: int) -> None:
    objective = many_rows(seed)
    truth = np.linalg.eigvalsh(objective.hessian(objective.parameters))[-1]
    found, bounded = fl.sharpness(objective, seed=seed), fl.sharpness(objective, seed=seed, bound=True)
    assert (found.error_kind, bounded.error_kind) == ("estimate", "bound")
    assert found.sample_products > 0 == bounded.sample_products
    assert found.products < bounded.products
    assert abs(truth - found.value) <= found.error <= 1.01e-3 * truth
    assert found.converged


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_printed_estimate_holds_at_tolerances_where_it_alone_says_when_to_stop(seed: int) -> None:
    objective = many_rows(seed)
    truth = np.linalg.eigvalsh(objective.hessian(objective.parameters))[-1]
    for tolerance in (1e-5, 3e-6, 1e-6):
        found = fl.sharpness(objective, seed=seed, tolerance=tolerance, dtype=torch.float64)
        assert (found.error_kind, found.converged) == ("estimate", True)
        assert abs(truth - found.value) <= found.error <= 1.01 * tolerance * truth


def test_with_few_rows_it_is_a_bound() -> None:
    found = fl.sharpness(many_rows(0, rows=ROWS * SMALLEST_STEP - 1))
    assert (found.error_kind, found.sample_products) == ("bound", 0)


def test_the_sample_is_every_so_manieth_row_and_gives_a_start_among_the_sharpest_directions() -> None:
    whole = many_rows(1, rows=ROWS * SMALLEST_STEP + 200)
    begin = sample_start(Operator(whole), 0)
    assert begin is not None
    assert begin.gap is not None
    assert 0 < begin.gap < 1
    sharpest = np.linalg.eigh(whole.hessian(whole.parameters))[1][:, -3:]
    assert np.linalg.norm(begin.vector.double().numpy() @ sharpest) > 0.9
    part = Operator(whole).sampled(4)
    (x, y), model = next(iter(whole._source.batches())).given, whole._functional.model
    few = fl.Objective(model, torch.nn.CrossEntropyLoss(), (x[::4], y[::4]))
    direction = torch.ones(whole.parameter_count)
    expected = few.products(few.parameters).times(direction)
    assert torch.allclose(part.times(direction), expected, rtol=1e-4, atol=1e-6)


def test_a_sample_of_batches_goes_on_from_one_to_the_next() -> None:
    whole = many_rows(2)
    x, y = next(iter(whole._source.batches())).given
    split = fl.Objective(
        whole._functional.model, torch.nn.CrossEntropyLoss(), list(zip(x.split(37), y.split(37), strict=True))
    )
    direction = torch.linspace(-1, 1, whole.parameter_count)
    products = [each.products(each.parameters, step=5).times(direction) for each in (whole, split)]
    assert torch.allclose(*products, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40, 46))
def test_on_networks_that_nothing_was_tuned_on_the_error_holds_up_to_the_edge_of_stability(seed: int) -> None:
    """Full-batch descent on the digits: there several eigenvalues stand near one another at the top."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    torch.manual_seed(seed)
    activation = (torch.nn.Tanh, torch.nn.ReLU, torch.nn.GELU)[seed % 3]
    model = torch.nn.Sequential(torch.nn.Linear(64, 16), activation(), torch.nn.Linear(16, 10))
    squared = seed % 2 == 0
    loss_fn = torch.nn.MSELoss() if squared else torch.nn.CrossEntropyLoss()
    target = torch.nn.functional.one_hot(y, 10).float() if squared else y
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0 if squared else 0.1)
    objective = fl.Objective(model, loss_fn, (x, target))
    for point in range(6):
        for _ in range(60):
            optimizer.zero_grad()
            loss_fn(model(x), target).backward()
            optimizer.step()
        at = torch.cat([tensor.detach().ravel() for tensor in model.parameters()]).double().numpy()
        truth = fl.sharpness(objective, at, bound=True, tolerance=1e-4).value
        found = fl.sharpness(objective, at, seed=point)
        assert found.error_kind == "estimate"
        assert abs(truth - found.value) <= found.error, (seed, point)
