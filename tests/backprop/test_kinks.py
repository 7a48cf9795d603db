"""Values at a kink: between the slopes to either side any will do, beyond them none; where kinks meet nobody says."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

import fallline as fl
from fallline._backprop._differences import Slope
from fallline._backprop._kinks import Kink, value_at_a_kink
from fallline._records import GradientCheck


def relu_giving(at_zero: float) -> Callable[[torch.Tensor], Any]:
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x.relu()

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            return gradient * torch.where(x == 0, at_zero, (x > 0).to(x.dtype))

    return Own.apply


def check_of(function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> GradientCheck:
    check = fl.backprop(function, x).check
    assert check is not None
    return check


@pytest.mark.parametrize("at_zero", [1000.0, 1.5, -0.3])
def test_a_value_that_no_slope_is_like_is_wrong(at_zero: float) -> None:
    own = relu_giving(at_zero)
    graph = fl.backprop(lambda x: own(x).sum() + x.square().sum(), torch.tensor([2.0, 0.0]))
    assert graph.check is not None
    assert graph.check.wrong
    assert graph.check.inputs[0].at == (1,)
    assert [graph.nodes[graph.edges[place].target].op for place in graph.check.wrong_edges] == ["Own"]
    assert any("the slopes to either side are 0 and 1.00" in each for each in graph.check.remarks)


@pytest.mark.parametrize("at_zero", [0.0, 0.3, 1.0])
def test_any_value_between_both_slopes_will_do(at_zero: float) -> None:
    own = relu_giving(at_zero)
    check = check_of(lambda x: own(x).sum(), torch.tensor([2.0, 0.0]))
    assert check.agrees
    assert check.inputs[0].entries == 1
    assert any(each.startswith("1 entry of x lies at a kink") for each in check.remarks)


@pytest.mark.slow
def test_one_wrong_value_among_many_kinks() -> None:
    own = relu_giving(1000.0)
    check = check_of(lambda x: x.relu().sum() + own(x[77]), torch.zeros(100))
    assert check.wrong
    assert check.inputs[0].at == (77,)


@pytest.mark.parametrize("function", [lambda x: x.abs().sum(), torch.linalg.vector_norm])
def test_the_middle_of_both_slopes_is_no_agreement(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    check = check_of(function, torch.zeros(2))
    assert not check.agrees
    assert not check.wrong
    assert "lies between both" in (check.inputs[0].why_not or "")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x.sort().values * torch.tensor([1.0, 5.0, 2.0])).sum(),
        lambda x: x.median(),
        lambda x: x.max(),
        lambda x: x.sign().sum(),
        lambda x: (x.relu() - (-x).relu()).sum(),
        lambda x: torch.nn.functional.normalize(x, dim=0).sum(),
        lambda x: (torch.linalg.eigvalsh(torch.diag(x) + torch.eye(3)) * torch.tensor([1.0, 5.0, 2.0])).sum(),
    ],
)
def test_where_kinks_meet_nothing_is_called_wrong(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    assert not check_of(function, torch.zeros(3)).wrong


def test_a_parabola_has_no_kink() -> None:
    check = check_of(lambda x: (x * x).sum(), torch.zeros(3))
    assert check.agrees
    assert check.inputs[0].entries == 3
    assert check.remarks == ()


def test_slopes_that_grow_say_nothing() -> None:
    jump, closer = Slope(0.5e5, 1e-12, 1e5, 0.0), Slope(0.5e7, 1e-12, 1e7, 0.0)
    assert value_at_a_kink(-3.0, jump, closer, lambda: ([0.0], 0.0)) is Kink.UNKNOWN


def test_many_numbers_that_are_equal_are_no_mistake() -> None:
    flat = Slope(0.0, 1e-12, 0.0, 0.0)
    assert value_at_a_kink(1.0, flat, flat, lambda: ([0.0] * 16, 1.0)) is Kink.UNKNOWN
