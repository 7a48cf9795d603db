"""The effective step, against the preconditioner that the limits use.

docs/semantics.md#parts-of-an-update-effective-step-snapshots
"""

import numpy as np
import pytest
import torch
from torch import nn

from fallline._curvature import preconditioner
from fallline._recorder._effective import effective_of
from fallline._recorder._host_gauge import HostGauge
from fallline._recorder._parts_of_update import SUMS
from fallline._recorder._split_update import UpdateSplitter
from fallline._records import EffectiveSeries

RATE = 0.02


def effective(optimizer: torch.optim.Optimizer, tensors: list[nn.Parameter], steps: int = 7) -> EffectiveSeries | None:
    """After some steps of [tensors] layers: each tensor is one, and there is one layer more."""
    generator = torch.Generator().manual_seed(1)
    gauge = HostGauge(tensors, list(range(len(tensors))))
    splitter = UpdateSplitter(optimizer, tensors, gauge)
    for _ in range(steps):
        for tensor in tensors:
            tensor.grad = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        gauge.remember()
        gauge.consume(None)
        optimizer.step()
        gauge.read()
    sums = splitter.split()[:, SUMS - 2 :]
    return effective_of(steps, [sums], [np.arange(len(tensors))], len(tensors) + 1)


def two_tensors() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(3, 2, dtype=torch.float64)), nn.Parameter(torch.ones(4, dtype=torch.float64))]


@pytest.mark.parametrize(
    ("optimizer_class", "options"),
    [
        (torch.optim.Adam, {"weight_decay": 0.1}),
        (torch.optim.AdamW, {"betas": (0.8, 0.95)}),
        (torch.optim.RMSprop, {}),
        (torch.optim.RMSprop, {"centered": True}),
    ],
)
def test_the_mean_of_the_rate_over_the_preconditioner(
    optimizer_class: type[torch.optim.Optimizer], options: dict[str, float]
) -> None:
    tensors = two_tensors()
    optimizer = optimizer_class(tensors, lr=RATE, **options)
    series = effective(optimizer, tensors)
    scale = preconditioner(optimizer)
    assert series is not None
    assert scale is not None
    expected = [np.mean(RATE / scale[:6]), np.mean(RATE / scale[6:])]
    np.testing.assert_allclose(series.rate[0, :2], expected, rtol=1e-12)
    assert series.measured.tolist() == [[True, True, False]]
    assert series.step.tolist() == [7]


def test_optimizers_whose_update_is_the_mean_over_the_preconditioner() -> None:
    """Δθ = −(η/P)m at one entry: the number is that ratio itself."""
    for optimizer_class, options in (
        (torch.optim.RAdam, {}),
        (torch.optim.RAdam, {"betas": (0.9, 0.5)}),
        (torch.optim.Adamax, {}),
        (torch.optim.Adam, {"amsgrad": True}),
    ):
        tensor = nn.Parameter(torch.ones(1, dtype=torch.float64))
        optimizer = optimizer_class([tensor], lr=RATE, **options)
        effective(optimizer, [tensor], 8)
        before = tensor.item()
        series = effective(optimizer, [tensor], 1)
        assert series is not None
        mean = optimizer.state[tensor]["exp_avg"].item()
        assert series.rate[0, 0] == pytest.approx((before - tensor.item()) / mean, rel=1e-9)


def test_optimizers_without_a_mean() -> None:
    for optimizer_class in (torch.optim.Adagrad, torch.optim.Adadelta):
        tensor = nn.Parameter(torch.ones(1, dtype=torch.float64))
        optimizer = optimizer_class([tensor], lr=RATE)
        effective(optimizer, [tensor], 8)
        before = tensor.item()
        series = effective(optimizer, [tensor], 1)
        assert series is not None
        assert tensor.grad is not None
        assert series.rate[0, 0] == pytest.approx((before - tensor.item()) / tensor.grad.item(), rel=1e-9)


def test_no_row_where_nothing_is_adaptive() -> None:
    tensors = two_tensors()
    assert effective(torch.optim.SGD(tensors, lr=RATE, momentum=0.9), tensors) is None


def test_a_layer_that_never_saw_a_gradient_has_an_infinite_or_huge_rate_and_no_error() -> None:
    """v = 0: η/P = η/((1 − β₁ᵗ)ε) is what the next entry of gradient would meet."""
    tensor = nn.Parameter(torch.ones(2, dtype=torch.float64))
    optimizer = torch.optim.Adam([tensor], lr=RATE, eps=0.0)
    tensor.grad = torch.tensor([1.0, 0.0], dtype=torch.float64)
    gauge = HostGauge([tensor], [0])
    splitter = UpdateSplitter(optimizer, [tensor], gauge)
    gauge.remember()
    gauge.consume(None)
    optimizer.step()
    gauge.read()
    series = effective_of(0, [splitter.split()[:, SUMS - 2 :]], [np.array([0])], 1)
    assert series is not None
    assert series.rate[0, 0] == np.inf
    assert series.measured.all()


def test_layers_of_several_optimizers() -> None:
    series = effective_of(
        5, [np.array([[2.0, 4.0]]), np.array([[3.0, 1.0], [0.0, 0.0]])], [np.array([1]), np.array([1, 0])], 3
    )
    assert series is not None
    assert series.rate.tolist() == [[0.0, 1.0, 0.0]]
    assert series.measured.tolist() == [[False, True, False]]
