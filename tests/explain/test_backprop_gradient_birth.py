"""A gradient that stops being finite on its way back, though every value on the way forward that counts is finite."""

from collections.abc import Callable

import pytest
import torch

import fallline as fl
from fallline._explain._backprop import node_sentence, story
from fallline._records import NodeMark

Fn = Callable[[torch.Tensor], torch.Tensor]


@pytest.mark.parametrize(
    ("fn", "told"),
    [
        (
            lambda x: (x.sqrt() * 0).sum(),
            "at sqrt(x), on its way to x, at entry 0: 0 arrived, the slope 1/(2·√x) is ∞: 0 · ∞ = NaN.",
        ),
        (
            lambda x: torch.where(x > 0, x.log(), torch.zeros_like(x)).sum(),
            "at log(x), on its way to x, at entry 0: 0 arrived, the slope 1/x is ∞: 0 · ∞ = NaN.",
        ),
        (
            lambda x: x.sqrt().sum(),
            "at sqrt(x), on its way to x, at entry 0: 1 arrived, the slope 1/(2·√x) is ∞: 1 · ∞ = ∞.",
        ),
    ],
)
def test_the_edge_and_the_product_are_named(fn: Fn, told: str) -> None:
    graph = fl.backprop(fn, torch.tensor([0.0, 1.0]), check=False)
    marked = [node for node in graph.nodes if NodeMark.GRADIENT_NOT_FINITE_HERE in node.marks]
    sentence = f"The gradient stops being finite {told}"
    assert any(sentence in node_sentence(graph, node.id) for node in marked)
    assert any(line.startswith(sentence) for line in story(graph))


def test_a_large_tensor_has_no_product_to_show() -> None:
    graph = fl.backprop(lambda x: (x.sqrt() * 0).sum(), torch.zeros(2000), check=False)
    expected = "The gradient stops being finite at sqrt(x), on its way to x: what arrives there is, what leaves is not."
    assert expected in story(graph)


def test_a_value_that_is_broken_and_counts_comes_first() -> None:
    graph = fl.backprop(lambda x: x.log().sum(), torch.tensor([0.0, 1.0]), check=False)
    assert story(graph)[2] == "−∞ is born in log(x), at entry 0: x is 0 there."
