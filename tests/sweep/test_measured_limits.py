"""Measured limits against closed forms, against bisection on plain loops, and against a frozen preconditioner."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch

import fallline as fl
from cases import RAVINE, ROUND, SEVERAL, Case
from fallline._curvature import frozen_limit, preconditioner
from fallline._quadratic import Quadratic
from fallline._records import Landmark, LimitKind, SweepResult

FAMILY = (
    ({}, lambda top: 2 / top),
    ({"weight_decay": 0.8}, lambda top: 2 / (top + 0.8)),
    ({"momentum": 0.5}, lambda top: 2 * 1.5 / top),
    ({"momentum": 0.9}, lambda top: 2 * 1.9 / top),
    ({"momentum": 0.9, "dampening": 0.5}, lambda top: 2 * 1.9 / (0.5 * top)),
    ({"momentum": 0.5, "nesterov": True}, lambda top: 2 * 1.5 / (2 * top)),
    ({"momentum": 0.9, "nesterov": True, "weight_decay": 0.3}, lambda top: 2 * 1.9 / (2.8 * (top + 0.3))),
)


def mark(result: SweepResult, name: str) -> Landmark:
    return next(landmark for landmark in result.landmarks if landmark.name == name)


@pytest.mark.parametrize("case", [ROUND, RAVINE, SEVERAL], ids=str)
@pytest.mark.parametrize(
    ("options", "closed_form"), FAMILY, ids=lambda value: str(value) if isinstance(value, dict) else ""
)
@pytest.mark.slow
def test_measured_limit_is_the_closed_form_to_one_percent(
    case: Case, options: Mapping[str, object], closed_form
) -> None:
    result = fl.sweep(case.data, standardise=False, optimizer_options=options, start={"b": 3.0})
    expected = closed_form(float(Quadratic.from_data(case.features, case.target).eigenvalues[0]))
    assert result.predicted_limit == pytest.approx(expected, rel=1e-5)
    assert result.measured_limit == pytest.approx(expected, rel=0.002)
    landmark = mark(result, "stability limit")
    assert landmark.kind is LimitKind.PROVABLE
    assert landmark.difference is not None
    assert abs(landmark.difference) < 0.002


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}], ids=str)
def test_measured_limit_is_that_of_bisection_on_plain_loops(options: Mapping[str, float]) -> None:
    """A loop written out, run for 2,000 steps: does it end farther from the bottom than it was half-way?"""
    X, y = (torch.tensor(part) for part in RAVINE.data)

    def grows(rate: float) -> bool:
        model = torch.nn.Linear(1, 1, dtype=torch.float64)
        torch.nn.init.ones_(model.weight)
        torch.nn.init.zeros_(model.bias)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, **options)
        losses = []
        for _ in range(1000):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(X)[:, 0], y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return not max(losses[-100:]) <= max(losses[500:600])

    result = fl.sweep(RAVINE.data, standardise=False, optimizer_options=options, start={"w": 1.0, "b": 0.0})
    assert result.measured_limit is not None
    low, high = 0.9 * result.measured_limit, 1.1 * result.measured_limit
    assert not grows(low)
    assert grows(high)
    for _ in range(6):
        middle = (low + high) / 2
        low, high = (low, middle) if grows(middle) else (middle, high)
    assert result.measured_limit == pytest.approx((low + high) / 2, rel=0.01)


@pytest.mark.slow
def test_landmarks_of_plain_descent() -> None:
    result = fl.sweep(SEVERAL.data, standardise=False, epochs=400)
    values = Quadratic.from_data(SEVERAL.features, SEVERAL.target).eigenvalues
    crosses, fastest = mark(result, "crosses the valley"), mark(result, "fastest in the long run")
    assert crosses.predicted == pytest.approx(1 / values[0], rel=1e-5)
    assert crosses.measured == pytest.approx(1 / values[0], rel=0.01)
    assert fastest.predicted == pytest.approx(2 / (values[0] + values[-1]), rel=1e-5)
    assert fastest.measured == pytest.approx(fastest.predicted, rel=0.02)
    assert crosses.kind is None


def test_momentum_has_no_landmarks_of_plain_descent() -> None:
    assert [landmark.name for landmark in fl.sweep(optimizer="momentum").landmarks] == ["stability limit"]


def test_unrefined_limits_lie_on_a_measured_rate() -> None:
    from fallline._problem import given_problem
    from fallline._sweep import sweep_problem

    problem = given_problem()
    start = problem.starting_point(None, seed=0)
    result = sweep_problem(problem, start, optimizer="SGD", options={}, steps=200, refine=False)
    assert result.measured_limit in result.rates
    assert 1 <= result.measured_limit / result.predicted_limit < 1.2


@pytest.mark.parametrize("optimizer", ["Adam", "RMSprop", "AdamW"])
def test_descent_with_the_frozen_preconditioner_grows_just_above_the_predicted_limit(optimizer: str) -> None:
    """The landmark's threshold, tried out: the preconditioner of the recommended run's end, held fixed."""
    result = fl.sweep(SEVERAL.data, optimizer=optimizer, epochs=60)
    landmark = mark(result, "stability limit")
    assert landmark.kind is LimitKind.FROZEN
    moments = result.moments
    assert moments is not None
    quadratic = Quadratic(moments)
    recommended = result.trials[1]
    parameter = torch.nn.Parameter(torch.tensor(recommended.parameters[0]))
    made = getattr(torch.optim, optimizer)([parameter], lr=recommended.learning_rate)
    for _ in range(60):
        parameter.grad = torch.tensor(quadratic.gradient(parameter.detach().numpy())[0])
        made.step()
    diagonal = preconditioner(made)
    assert diagonal is not None
    limit = frozen_limit(optimizer, {}, quadratic.hessian(), diagonal)
    assert limit is not None
    assert landmark.predicted == pytest.approx(limit.value, rel=1e-6)
    assert not frozen_descent_grows(optimizer, quadratic, diagonal, 0.99 * landmark.predicted)
    assert frozen_descent_grows(optimizer, quadratic, diagonal, 1.01 * landmark.predicted)


def frozen_descent_grows(optimizer: str, quadratic: Quadratic, diagonal: np.ndarray, rate: float) -> bool:
    """θ ← θ − ηδθ − ηP⁻¹m from an eigenvector's side, written out."""
    beta = 0.0 if optimizer == "RMSprop" else 0.9
    gain = 1.0 if optimizer == "RMSprop" else 0.1
    decay = 0.01 if optimizer == "AdamW" else 0.0
    offset, momentum = np.ones_like(diagonal), np.zeros_like(diagonal)
    sizes = []
    for _ in range(4000):
        momentum = beta * momentum + gain * (quadratic.hessian() @ offset)
        offset = offset * (1 - rate * decay) - rate * momentum / diagonal
        sizes.append(float(np.abs(offset).max()))
        if sizes[-1] > 1e6:
            return True
    return max(sizes[-100:]) > max(sizes[2000:2100])


@pytest.mark.slow
def test_an_adaptive_stall_is_measured_only_where_it_is_shown() -> None:
    shown = fl.sweep(SEVERAL.data, optimizer="RMSprop", epochs=400, goal=0.99999, learning_rates="0.01:1:25")
    landmark = mark(shown, "misses the goal")
    assert landmark.measured in shown.rates
    first = shown.rates.tolist().index(landmark.measured)
    assert all(steps is None for steps in shown.steps_to_goal[first:])
    assert shown.steps_to_goal[first - 1] is not None
    assert shown.stalls_at[first] > (1 - shown.goal) * (shown.start_loss - shown.floor)
    limit = mark(shown, "stability limit")
    assert limit.measured == shown.measured_limit
    assert limit.predicted == shown.predicted_limit == landmark.predicted
    assert limit.difference is None
    hidden = fl.sweep(SEVERAL.data, optimizer="RMSprop", epochs=400, learning_rates="0.01:0.1:9")
    assert [landmark.name for landmark in hidden.landmarks] == ["stability limit"]


@pytest.mark.parametrize(
    ("momentum", "epochs"),
    [
        *((momentum, epochs) for momentum in (0.95, 0.99) for epochs in (10, 50, 200)),
        pytest.param(0.999, 10, marks=pytest.mark.slow),
    ],
)
def test_slow_swings_do_not_pass_for_growth(momentum: float, epochs: int) -> None:
    result = fl.sweep(optimizer_options={"momentum": momentum}, epochs=epochs)
    assert result.measured_limit == pytest.approx(result.predicted_limit, rel=0.001)


def test_a_limit_that_would_take_too_long_is_not_measured() -> None:
    assert fl.sweep(optimizer_options={"momentum": 0.9999}, epochs=10).measured_limit is None


@pytest.mark.slow
@pytest.mark.parametrize("rates", ["1e-6:1:3", "1e-300:1e300:7"])
def test_a_wide_gap_is_refined_to_the_end(rates: str) -> None:
    result = fl.sweep(learning_rates=rates)
    assert result.measured_limit == pytest.approx(result.predicted_limit, rel=0.001)
    landmark = mark(result, "stability limit")
    assert landmark.resolution is not None
    assert abs(landmark.difference) <= landmark.resolution < 0.001
    assert mark(result, "crosses the valley").measured == pytest.approx(result.predicted_limit / 2, rel=0.002)


def test_the_limit_of_all_rows_is_no_bound_for_mini_batches() -> None:
    result = fl.sweep(SEVERAL.data, batch_size=6, epochs=20)
    landmark = mark(result, "stability limit")
    assert landmark.kind is LimitKind.FULL_BATCH
    assert landmark.difference is None
