"""docs/semantics.md#curvature: sharpness along a run."""

import numpy as np
import pytest
import torch

import fallline as fl
from curvature.hessians import bowl, network
from curvature.test_estimate import many_rows
from curvature.test_stability import descend
from fallline._curvature import SharpnessTracker
from fallline._curvature._lanczos import Lanczos
from fallline._quadratic import Quadratic


def path(seed: int, points: int, steps: int, rate: float) -> tuple[fl.Objective, list[np.ndarray]]:
    """Parameters along a full-batch descent."""
    model, objective = network(seed, hidden=12)
    optimizer, places = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9), []
    for _ in range(points):
        places.append(torch.cat([tensor.detach().ravel() for tensor in model.parameters()]).numpy())
        descend(objective, optimizer, model, steps)
    return objective, places


def test_it_follows_the_largest_eigenvalue_with_fewer_products() -> None:
    objective, places = path(0, points=6, steps=4, rate=0.2)
    measure = fl.track_sharpness(objective)
    found = [measure(place).value for place in places]
    truth = [np.linalg.eigvalsh(objective.hessian(place))[-1] for place in places]
    assert found == pytest.approx(truth, rel=0.01)
    cold = sum(fl.sharpness(objective, place).products for place in places)
    assert measure.products < cold
    assert measure.measured == len(places)


def test_it_notices_that_another_direction_has_become_the_sharpest() -> None:
    """A bare warm start stays on the old one for ever."""
    values = np.r_[3.0, 1.0, np.linspace(0, 0.5, 78)]
    measure = fl.track_sharpness(bowl(values))
    assert measure().value == pytest.approx(3)
    measure._objective = bowl(np.r_[1.0, 3.0, values[2:]])
    assert measure().value == pytest.approx(3, rel=0.01)


def test_a_place_that_is_not_finite_is_refused_and_the_next_one_measured() -> None:
    objective, places = path(1, points=2, steps=2, rate=0.1)
    measure = fl.track_sharpness(objective)
    measure(places[0])
    with pytest.raises(fl.OptionError, match="not finite"):
        measure(np.full_like(places[0], np.nan))
    truth = np.linalg.eigvalsh(objective.hessian(places[1]))[-1]
    assert measure(places[1]).value == pytest.approx(truth, rel=0.01)


@pytest.mark.slow
def test_preconditioned_places() -> None:
    objective, places = path(2, points=3, steps=2, rate=0.1)
    measure = fl.track_sharpness(objective)
    diagonal = np.linspace(0.5, 3, objective.parameter_count)
    for place in places:
        truth = np.linalg.eigvals(objective.hessian(place) / diagonal[:, None]).real.max()
        assert measure(place, preconditioner=diagonal).value == pytest.approx(truth, rel=0.01)


def test_the_limit_of_an_optimizer_along_its_own_run() -> None:
    model, objective = network(3, hidden=12)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    measure = fl.track_sharpness(objective)
    assert measure.limit(optimizer).sharpness is None
    for _ in range(4):
        descend(objective, optimizer, model, 3)
        found, expected = measure.limit(optimizer), fl.stability_limit(optimizer, objective)
        assert found.value == pytest.approx(expected.value, rel=0.01)
        assert (found.kind, found.why) == (expected.kind, expected.why)
    assert measure.measured == 4


def test_an_exact_objective_has_no_model_whose_optimizer_could_have_a_limit() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    with pytest.raises(fl.OptionError, match=r"tracked on an fl.Objective"):
        fl.track_sharpness(Quadratic.from_data([[0.0], [1.0]], [1.0, 3.0])).limit(optimizer)


def test_where_the_products_are_spent_the_measurement_says_that_it_did_not_converge() -> None:
    objective = network(3, hidden=12)[1]
    assert not SharpnessTracker(objective, most_products=2)().converged
    assert SharpnessTracker(objective)().converged


def test_a_direction_that_stands_still_now_is_no_start() -> None:
    """All of the last eigenvector lay in parameters that the optimizer no longer moves."""
    model, objective = network(3, hidden=12)
    measure = fl.track_sharpness(objective)
    measure()
    measure._direction = np.r_[1.0, np.zeros(objective.parameter_count - 1)]
    optimizer = torch.optim.SGD(list(model.parameters())[1:], lr=0.1)
    expected = fl.stability_limit(optimizer, objective).value
    assert measure.limit(optimizer).value == pytest.approx(expected, rel=0.01)


def digits_path(seed: int, points: int, steps: int) -> tuple[fl.Objective, list[np.ndarray]]:
    """Parameters along a full-batch descent with cross-entropy on 1,797 rows."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    torch.manual_seed(seed)
    activation = (torch.nn.Tanh, torch.nn.ReLU, torch.nn.GELU)[seed % 3]
    model = torch.nn.Sequential(torch.nn.Linear(64, 16), activation(), torch.nn.Linear(16, 10))
    optimizer, places = torch.optim.SGD(model.parameters(), lr=0.3), []
    objective = fl.Objective(model, torch.nn.CrossEntropyLoss(), (x, y))
    for _ in range(points):
        places.append(torch.cat([tensor.detach().ravel() for tensor in model.parameters()]).double().numpy())
        descend(objective, optimizer, model, steps)
    return objective, places


def along(objective: fl.Objective, points: int, turn: float = 0.002) -> list[np.ndarray]:
    """Places along a straight line."""
    step = np.random.default_rng(0).standard_normal(objective.parameter_count)
    return [objective.parameters + number * turn * step for number in range(points)]


def test_with_many_rows_it_begins_as_a_cold_start_does() -> None:
    objective = many_rows(1)
    first, cold = fl.track_sharpness(objective)(), fl.sharpness(objective, tolerance=1e-2)
    assert (first.value, first.products, first.error_kind) == (cold.value, cold.products, "estimate")


@pytest.mark.slow
def test_while_little_moves_the_direction_is_followed_without_a_sample_and_by_few_products() -> None:
    objective = many_rows(1)
    measure = fl.track_sharpness(objective)
    places = along(objective, 6)
    found = [measure(place) for place in places]
    assert [each.sample_products > 0 for each in found] == [True, True, False, False, False, False]
    assert all(each.products <= 2 for each in found[2:])
    truth = [np.linalg.eigvalsh(objective.hessian(place))[-1] for place in places]
    assert np.array([each.value for each in found]) == pytest.approx(truth, rel=0.01)
    assert all(each.converged and abs(each.value - true) <= each.error for each, true in zip(found, truth, strict=True))
    assert measure.products == sum(each.products for each in found)
    assert measure.sample_products == sum(each.sample_products for each in found)


def test_a_jump_while_it_is_followed_is_noticed_and_searched_at_once() -> None:
    objective = many_rows(1)
    measure = fl.track_sharpness(objective)
    for place in along(objective, 3):
        followed = measure(place)
    assert followed.sample_products == 0
    there = np.random.default_rng(5).standard_normal(objective.parameter_count)
    found = measure(there)
    assert found.sample_products > 0
    assert found.value == pytest.approx(np.linalg.eigvalsh(objective.hessian(there))[-1], rel=0.01)


def test_what_comes_next_is_a_step_of_the_power_method_and_no_product() -> None:
    values = torch.linspace(0, 3, 20, dtype=torch.float64)
    lanczos = Lanczos(lambda vector: values * vector, torch.ones(20, dtype=torch.float64), 1e-15)
    lanczos.step()
    lanczos.step()
    ritz = lanczos.ritz()
    expected = values * lanczos.vectors(ritz.coefficients[:, -1:])[0]
    assert torch.allclose(lanczos.onward(ritz), expected / expected.norm())


def test_of_a_loss_that_is_flat_there_the_direction_stays_one() -> None:
    lanczos = Lanczos(torch.zeros_like, torch.ones(20, dtype=torch.float64), 1e-15)
    lanczos.step()
    assert torch.allclose(lanczos.onward(lanczos.ritz()), torch.full((20,), 20**-0.5, dtype=torch.float64))
    objective = many_rows(1)
    measure = fl.track_sharpness(objective)
    for place in along(objective, 3):
        measure(place)
    measure._objective = bowl(np.zeros(objective.parameter_count))
    assert measure().value == 0
    measure._objective = objective
    truth = np.linalg.eigvalsh(objective.hessian(objective.parameters))[-1]
    assert measure(objective.parameters).value == pytest.approx(truth, rel=0.01)


def test_followed_with_no_products_left_it_says_that_it_did_not_converge() -> None:
    objective = many_rows(1)
    measure = SharpnessTracker(objective, tolerance=1e-6)
    for place in along(objective, 2):
        measure(place)
    measure._most_products = 1
    there = along(objective, 3)[-1]
    found = measure(there)
    assert not found.converged
    assert abs(found.value - np.linalg.eigvalsh(objective.hessian(there))[-1]) <= found.error


@pytest.mark.parametrize("most", [0, -1])
def test_no_products_are_refused(most: int) -> None:
    with pytest.raises(fl.OptionError, match="At least one product"):
        SharpnessTracker(network()[1], most_products=most)


def test_a_tolerance_of_nothing_is_refused() -> None:
    with pytest.raises(fl.OptionError, match="share above 0"):
        fl.track_sharpness(network()[1], tolerance=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 28))
@pytest.mark.parametrize("rate", [0.05, 0.4])
def test_networks_and_seeds_that_nothing_was_tuned_on(seed: int, rate: float) -> None:
    objective, places = path(seed, points=24, steps=5, rate=rate)
    measure = fl.track_sharpness(objective, seed=seed)
    found = np.array([measure(place).value for place in places])
    truth = np.array([np.linalg.eigvalsh(objective.hessian(place))[-1] for place in places])
    assert np.max(np.abs(found / truth - 1)) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "without_a_sample"), [(63, 0), (65, 3), (70, 3)])
def test_with_many_rows_on_networks_that_nothing_was_tuned_on(seed: int, without_a_sample: int) -> None:
    """Full-batch descent on the digits to the edge of stability."""
    objective, places = digits_path(seed, points=16, steps=40)
    measure = fl.track_sharpness(objective, seed=seed)
    followed = 0
    for place in places:
        found = measure(place)
        followed += found.sample_products == 0
        truth = fl.sharpness(objective, place, bound=True, tolerance=1e-3).value
        assert abs(truth - found.value) <= found.error <= 0.0101 * truth
    assert followed >= without_a_sample
