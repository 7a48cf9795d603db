"""A custom backward that gives None: that is the reason, and no other."""

from typing import Any

import pytest
import torch
from torch import nn

import fallline as fl
from fallline._explain import check_sentences

X, W = torch.ones(2, 3), torch.ones(3, 2)


class Product(torch.autograd.Function):
    """Forgets the second gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(w)
        return x @ w

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        (w,) = ctx.saved_tensors
        return gradient @ w.t(), None


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(W.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Product.apply(x, self.weight).sum()


@pytest.mark.parametrize(
    ("fn", "given", "name", "told"),
    [
        (lambda x, w: Product.apply(x, w).sum(), (X, W), "w", "Product.backward gives None for w."),
        (
            lambda x, w: Product.apply(x, w * 2).sum(),
            (X, W),
            "w",
            "Product.backward gives None for what was made of w.",
        ),
        (Layer(), (X,), "weight", "Product.backward gives None for weight."),
    ],
)
def test_none_from_a_custom_backward_is_the_reason(fn: Any, given: tuple[Any, ...], name: str, told: str) -> None:
    graph = fl.backprop(fn, *given, check=False)
    assert graph.node(name).no_gradient == told
    assert f"{name} has no gradient: {told}" in str(fl.explain(graph))


def test_the_check_says_none_and_not_0() -> None:
    told = check_sentences(fl.backprop(lambda x, w: Product.apply(x, w).sum(), X, W))
    assert (
        told[0]
        == "The gradient of w is wrong at entry [0, 0]: autograd says None, central differences in float64 say 2."
    )
    assert told[1] == "Product's own step back is wrong: from Product(x, w) to w."


def test_a_leaf_with_another_way_has_a_gradient() -> None:
    graph = fl.backprop(lambda x, w: Product.apply(x, w).sum() + w.sum(), X, W, check=False)
    assert graph.node("w").no_gradient is None
