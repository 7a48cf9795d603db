"""Samples that are drawn by rejection: PyTorch's gradient at a fixed quantile is meant so, and all else is compared."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.distributions import Beta, Dirichlet, Gamma, StudentT

import fallline as fl
from fallline._records import Backprop

SHAPE = torch.tensor([0.5, 1.0, 2.0])
SAMPLES: dict[str, Callable[[torch.Tensor], Any]] = {
    "Gamma": lambda a: Gamma(a, a + 1).rsample(),
    "Beta": lambda a: Beta(a, a * a).rsample(),
    "Dirichlet": lambda a: Dirichlet(a).rsample(),
    "StudentT": lambda a: StudentT(a).rsample(),
}


class Doubled(torch.autograd.Function):
    """Its step back forgets the factor."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return 2 * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return gradient.expand_as(x)


def graph_of(function: Callable[[torch.Tensor], torch.Tensor]) -> Backprop:
    torch.manual_seed(3)
    return fl.backprop(function, SHAPE)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_not_accused(name: str) -> None:
    graph = graph_of(lambda a: (SAMPLES[name](a.exp()).square() * a).sum())
    assert graph.check is not None
    assert graph.check.agrees
    assert graph.check.inputs[0].entries == 3
    assert [remark for remark in graph.remarks if "at a fixed quantile" in remark]
    assert not graph.check.remarks


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Gamma", "Dirichlet"])
def test_a_mistake_beside_a_sample_is_seen(name: str) -> None:
    graph = graph_of(lambda a: SAMPLES[name](Doubled.apply(a)).square().sum())
    assert graph.check is not None
    assert graph.check.wrong
    assert [graph.nodes[graph.edges[each].target].op for each in graph.check.wrong_edges] == ["Doubled"]


def test_a_sample_of_a_constant_has_no_gradient_to_compare() -> None:
    graph = graph_of(lambda a: (Gamma(torch.ones(3), torch.ones(3)).rsample() * a).sum())
    assert graph.check is not None
    assert graph.check.agrees
    assert graph.remarks == ()
