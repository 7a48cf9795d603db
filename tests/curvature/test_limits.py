"""docs/semantics.md#stability-limit: every row of the table against bisection."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch

from fallline._curvature import frozen_limit, preconditioner, provable_limit
from fallline._records import LimitKind

SPECTRUM = (5.0, 0.7)


def grows(make: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer], steps: int = 600) -> bool:
    """Whether a real optimizer on ½ Σ λᵢθᵢ² ends farther out than it was half-way."""
    theta = torch.nn.Parameter(torch.tensor([1.0, 1.0], dtype=torch.float64))
    curvature = torch.tensor(SPECTRUM, dtype=torch.float64)
    optimizer = make([theta])
    sizes = []
    for _ in range(steps):
        theta.grad = curvature * theta.detach()
        optimizer.step()
        sizes.append(float(theta.detach().norm()))
    return max(sizes[-20:]) > max(sizes[steps // 2 : steps // 2 + 20])


def bisect(unstable: Callable[[float], bool], low: float, high: float) -> float:
    assert not unstable(low)
    assert unstable(high)
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (low, middle) if unstable(middle) else (middle, high)
    return (low + high) / 2


SGD_ROWS = (
    {},
    {"weight_decay": 0.8},
    {"momentum": 0.5},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.5},
    {"momentum": 0.9, "dampening": 0.9, "weight_decay": 0.5},
    {"momentum": 0.5, "nesterov": True},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.3},
    {"dampening": 0.5},
)


@pytest.mark.parametrize("options", SGD_ROWS, ids=str)
@pytest.mark.slow
def test_provable_limits_against_bisection_of_real_runs(options: Mapping[str, object]) -> None:
    limit = provable_limit("SGD", options, max(SPECTRUM))
    assert limit is not None
    assert limit.kind is LimitKind.PROVABLE
    measured = bisect(
        lambda rate: grows(lambda parameters: torch.optim.SGD(parameters, lr=rate, **options)),
        0.9 * limit.value,
        1.1 * limit.value,
    )
    assert limit.value == pytest.approx(measured, rel=2e-3)


@pytest.mark.parametrize(
    ("optimizer", "options", "sharpness"),
    [
        ("Adam", {}, 5.0),
        ("SGD", {"maximize": True}, 5.0),
        ("SGD", {"momentum": 0.9, "dampening": 1.0}, 5.0),
        ("SGD", {"momentum": 1.0}, 5.0),
        ("SGD", {"momentum": 1.2}, 5.0),
        ("SGD", {"momentum": 1.0, "nesterov": True}, 5.0),
        ("SGD", {}, 0.0),
        ("SGD", {}, -1.0),
        ("SGD", {}, float("nan")),
    ],
)
def test_no_provable_limit(optimizer: str, options: Mapping[str, object], sharpness: float) -> None:
    assert provable_limit(optimizer, options, sharpness) is None


HESSIAN = np.array([[4.0, 1.0], [1.0, 2.0]])
DIAGONAL = np.array([0.5, 3.0])


def frozen_grows(optimizer: str, rate: float, options: Mapping[str, float | tuple[float, float]]) -> bool:
    """The optimizer's recurrence with its preconditioner held fixed, written out; largest eigenvalue of one step.

    State (θ, m). RMSprop: m ← μm + P⁻¹Hθ, θ ← θ − ηm. Adam(W): m ← β₁m + (1 − β₁)Hθ, θ ← θ − ηδθ − ηP⁻¹m.
    """
    eye, inverse = np.eye(2), np.diag(1 / DIAGONAL)
    if optimizer == "RMSprop":
        momentum = float(options.get("momentum", 0.0))
        from_theta, from_m = inverse @ HESSIAN, momentum * eye
        step = np.block([[eye - rate * from_theta, -rate * from_m], [from_theta, from_m]])
    else:
        beta = options.get("betas", (0.9, 0.999))[0]
        decay = float(options.get("weight_decay", 0.01)) if optimizer == "AdamW" else 0.0
        from_theta, from_m = (1 - beta) * HESSIAN, beta * eye
        theta = (1 - rate * decay) * eye - rate * inverse @ from_theta
        step = np.block([[theta, -rate * inverse @ from_m], [from_theta, from_m]])
    return bool(np.abs(np.linalg.eigvals(step)).max() > 1 + 1e-12)


FROZEN_ROWS = (
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.8}),
    ("Adam", {}),
    ("Adam", {"betas": (0.5, 0.99)}),
    ("AdamW", {}),
    ("AdamW", {"betas": (0.8, 0.99), "weight_decay": 0.7}),
    ("AdamW", {"weight_decay": 0.0}),
)


@pytest.mark.parametrize(("optimizer", "options"), FROZEN_ROWS, ids=str)
def test_frozen_limits_against_bisection_of_the_frozen_recurrence(
    optimizer: str, options: Mapping[str, float | tuple[float, float]]
) -> None:
    limit = frozen_limit(optimizer, options, HESSIAN, DIAGONAL)
    assert limit is not None
    assert limit.kind is LimitKind.FROZEN
    measured = bisect(lambda rate: frozen_grows(optimizer, rate, options), 0.5 * limit.value, 1.5 * limit.value)
    assert limit.value == pytest.approx(measured, rel=3e-3)


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("NAdam", {}),
        ("Adam", {"amsgrad": True}),
        ("Adam", {"weight_decay": 0.1}),
        ("RMSprop", {"weight_decay": 0.1}),
        ("RMSprop", {"momentum": 1.0}),
        ("AdamW", {"maximize": True}),
    ],
)
def test_no_frozen_limit(optimizer: str, options: Mapping[str, object]) -> None:
    assert frozen_limit(optimizer, options, HESSIAN, DIAGONAL) is None


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [1.05, 1.2])
def test_no_rate_is_small_enough_for_a_momentum_above_one(momentum: float, nesterov: bool) -> None:
    def make(parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=1e-3, momentum=momentum, nesterov=nesterov)

    assert grows(make)


def test_scaling_the_loss_scales_the_limit_inversely() -> None:
    for options in SGD_ROWS[2:5]:
        one, many = (provable_limit("SGD", options, 5.0 * c) for c in (1.0, 4.0))
        assert one is not None
        assert many is not None
        assert many.value == pytest.approx(one.value / 4)


PRECONDITIONED = (
    (torch.optim.RMSprop, {}),
    (torch.optim.RMSprop, {"centered": True, "alpha": 0.9}),
    (torch.optim.Adam, {}),
    (torch.optim.Adam, {"betas": (0.7, 0.9), "eps": 1e-3}),
    (torch.optim.AdamW, {"weight_decay": 0.1}),
)


@pytest.mark.parametrize(("optimizer_class", "options"), PRECONDITIONED, ids=str)
def test_preconditioner_is_the_one_of_the_update_that_was_made(
    optimizer_class: type[torch.optim.Optimizer], options: Mapping[str, object]
) -> None:
    """Δθ = −η P⁻¹ m, with m the optimizer's own first moment (the gradient where it has none)."""
    theta = [torch.nn.Parameter(torch.ones(2, dtype=torch.float64)), torch.nn.Parameter(torch.ones(1).double())]
    rate = 0.01
    optimizer = optimizer_class(theta, lr=rate, **options)
    generator = torch.Generator().manual_seed(1)
    for _ in range(7):
        before = torch.cat([parameter.detach().clone() for parameter in theta])
        for parameter in theta:
            parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        optimizer.step()
        update = torch.cat([parameter.detach() for parameter in theta]) - before
        moments = [optimizer.state[parameter].get("exp_avg", parameter.grad) for parameter in theta]
        decay = options.get("weight_decay", 0.0) if optimizer_class is torch.optim.AdamW else 0.0
        expected = -rate * torch.cat(moments).numpy() / preconditioner(optimizer) - rate * decay * before.numpy()
        assert update.numpy() == pytest.approx(expected, rel=1e-10)


def test_no_preconditioner_before_the_first_step_or_without_one() -> None:
    theta = [torch.nn.Parameter(torch.ones(2))]
    assert preconditioner(torch.optim.Adam(theta)) is None
    assert preconditioner(torch.optim.SGD(theta, lr=0.1)) is None
