"""The objective's derivatives against finite differences, the exact quadratic and PyTorch's own loss."""

import numpy as np
import pytest
import torch

from cases import CURVED, EVERY_LOSS, SEVERAL, TILTED, Case
from fallline._errors import OptionError
from fallline._objective import LOSSES, Objective, loss_kind
from fallline._quadratic import Quadratic


def objective_of(case: Case) -> Objective:
    features, target = case.tensors()
    model = torch.nn.Linear(features.shape[1], 1, dtype=torch.float64)
    return Objective(model, getattr(torch.nn, loss_kind(case.loss).torch_class)(), (features, target))


def points(objective: Objective, count: int = 5) -> np.ndarray:
    return np.random.default_rng(6).normal(size=(count, objective.parameter_count))


@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
def test_loss_is_the_definition(case: Case) -> None:
    """docs/semantics.md#loss, written out in NumPy."""
    objective = objective_of(case)
    stack = points(objective)
    output = case.features @ stack[:, :-1].T + stack[:, -1]
    residual = output - case.target[:, None]
    per_row = {
        "mse": residual**2,
        "mae": np.abs(residual),
        "huber": np.where(np.abs(residual) <= 1, residual**2 / 2, np.abs(residual) - 0.5),
        "bce": np.logaddexp(0, output) - case.target[:, None] * output,
    }[case.loss]
    assert objective.loss(stack) == pytest.approx(per_row.mean(axis=0), rel=1e-12)


@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
def test_gradient_against_central_differences(case: Case) -> None:
    objective = objective_of(case)
    at, h = points(objective, 1)[0], 1e-6
    units = h * np.eye(len(at))
    slopes = (objective.loss(at + units) - objective.loss(at - units)) / (2 * h)
    assert objective.gradient(at)[0] == pytest.approx(slopes, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("case", CURVED, ids=str)
def test_hessian_against_central_differences(case: Case) -> None:
    objective = objective_of(case)
    at, h = points(objective, 1)[0], 1e-6
    units = h * np.eye(len(at))
    bends = (objective.gradient(at + units) - objective.gradient(at - units)) / (2 * h)
    hessian = objective.hessian(at)
    assert hessian == pytest.approx(bends, rel=1e-5, abs=1e-6)
    assert hessian == pytest.approx(hessian.T, abs=1e-12)
    direction = np.arange(1.0, len(at) + 1)
    assert objective.hvp(at, direction)[0] == pytest.approx(hessian @ direction, rel=1e-11)


@pytest.mark.parametrize("case", [TILTED, SEVERAL], ids=str)
def test_objective_and_quadratic_agree(case: Case) -> None:
    objective, quadratic = objective_of(case), Quadratic.from_data(case.features, case.target)
    stack = points(objective)
    assert objective.loss(stack) == pytest.approx(quadratic.loss(stack), rel=1e-11)
    assert objective.gradient(stack) == pytest.approx(quadratic.gradient(stack), rel=1e-10, abs=1e-10)
    assert objective.hessian(stack[0]) == pytest.approx(quadratic.hessian(), rel=1e-11, abs=1e-11)
    assert objective.change(stack[:-1], stack[1:]) == pytest.approx(quadratic.change(stack[:-1], stack[1:]), rel=1e-9)


@pytest.mark.parametrize("case", EVERY_LOSS, ids=str)
def test_change_is_the_difference_of_losses(case: Case) -> None:
    objective = objective_of(case)
    before, after = points(objective, 6)[:3], points(objective, 6)[3:]
    assert objective.change(before, after) == pytest.approx(objective.loss(after) - objective.loss(before), rel=1e-11)
    assert objective.change(before[0], after) == pytest.approx(
        objective.loss(after) - objective.loss(before[0]), rel=1e-11
    )


@pytest.mark.parametrize("size", [1e-4, 1e-9, 1e-13])
@pytest.mark.parametrize("case", [TILTED, SEVERAL], ids=str)
def test_change_of_a_tiny_step_keeps_its_digits(case: Case, size: float) -> None:
    """Against the exact expansion of the parabola, on top of a loss that is a million times the slope."""
    quadratic = Quadratic.from_data(case.features, case.target + 1e3)
    objective = objective_of(Case("high", case.features, case.target + 1e3))
    before = points(objective, 1)[0]
    after = before - size * quadratic.gradient(before)[0] / 1e3
    exact = quadratic.change(before[None], after[None])
    assert objective.change(before, after) == pytest.approx(exact, rel=1e-8 if size > 1e-12 else 1e-5)


@pytest.mark.parametrize("case", CURVED, ids=str)
def test_curvature_bound_bounds_every_hessian(case: Case) -> None:
    objective = objective_of(case)
    X = np.column_stack((case.features, np.ones(len(case.target))))
    bound = loss_kind(case.loss).curvature_bound
    assert bound is not None
    largest = bound * np.linalg.eigvalsh(X.T @ X / len(X))[-1]
    for at in 0.1 * points(objective, 20):
        assert np.linalg.eigvalsh(objective.hessian(at))[-1] <= largest * (1 + 1e-12)


def test_chunks_do_not_change_the_result() -> None:
    objective = objective_of(TILTED)
    stack = points(objective, 17)
    for vectorised in (True, False):
        objective._stacked.vectorised = {"loss": vectorised, "gradient": vectorised}
        whole = objective.loss(stack), objective.gradient(stack)
        objective._stacked.chunk = 2
        assert objective.loss(stack) == pytest.approx(whole[0], rel=1e-14)
        assert objective.gradient(stack) == pytest.approx(whole[1], rel=1e-13)
        objective._stacked.chunk = 1000


@pytest.mark.parametrize("name", list(LOSSES))
def test_losses_are_found_by_name(name: str) -> None:
    assert loss_kind(name.upper()).name == name
    assert hasattr(torch.nn, loss_kind(name).torch_class)


def test_an_unknown_loss_gets_a_suggestion() -> None:
    with pytest.raises(OptionError, match=r'There is no loss "mea": use one of mse, mae, huber, bce\. Did you mean'):
        loss_kind("mea")


def test_a_stack_that_may_not_be_written_is_read() -> None:
    objective = objective_of(TILTED)
    point = np.broadcast_to(np.array([1.0, 2.0]), (3, 2))
    assert np.ptp(objective.loss(point)) == 0
