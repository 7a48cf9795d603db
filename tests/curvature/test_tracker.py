"""docs/semantics.md#curvature: sharpness along a run."""

import numpy as np
import pytest
import torch

import fallline as fl
from curvature.hessians import bowl, network
from curvature.test_stability import descend
from fallline._curvature import SharpnessTracker
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
