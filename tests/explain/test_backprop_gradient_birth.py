"""A gradient that stops being finite on its way back, though every value on the way forward that counts is finite."""

from collections.abc import Callable

import pytest
import torch

import fallline as fl
from fallline._explain._backprop import birth_told, node_sentence, story
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


@pytest.mark.parametrize(
    ("fn", "values", "told"),
    [
        (
            lambda x: (x.exp() / x.exp()).sum(),
            [1000.0, 1.0],
            "∞ is born in exp(x), at entry 0: x is 1,000 there. NaN is born in exp(x) / exp(x), at entry 0: "
            "∞ divided by ∞. The gradient stops being finite at exp(x) / exp(x), on its way to exp(x)",
        ),
        (
            lambda x: (x * x.log()).sum(),
            [0.0, 1.0, 2.0],
            "−∞ is born in log(x), at entry 0: x is 0 there. NaN is born in x · log(x), at entry 0: 0 · (−∞). "
            "The gradient stops being finite at log(x), on its way to x, at entry 0: 0 arrived, the slope 1/x is ∞",
        ),
        (
            lambda x: (x.exp() / x.exp().sum())[0],
            [1000.0, 1.0],
            "∞ is born in exp(x), at entry 0: x is 1,000 there. NaN is born in exp(x) / sum(exp(x)), at entry 0: "
            "∞ divided by ∞.",
        ),
        (
            lambda x: x.exp().softmax(0).sum(),
            [1000.0, 0.0],
            "∞ is born in exp(x), at entry 0: x is 1,000 there. NaN is born in softmax(exp(x), dim=0), at entry 0: "
            "there is ∞ in exp(x).",
        ),
        (lambda x: x.exp().sum(), [1000.0, 0.0], "∞ is born in exp(x), at entry 0: x is 1,000 there."),
    ],
)
def test_where_infinity_becomes_nan_is_told_too(fn: Fn, values: list[float], told: str) -> None:
    graph = fl.backprop(fn, torch.tensor(values), check=False)
    birth = birth_told(graph)
    assert birth is not None
    assert birth.startswith(told)
    assert ("NaN" in told) == ("NaN" in birth)


def test_a_value_that_is_broken_and_counts_comes_first() -> None:
    graph = fl.backprop(lambda x: x.log().sum(), torch.tensor([0.0, 1.0]), check=False)
    assert story(graph)[2] == "−∞ is born in log(x), at entry 0: x is 0 there."


@pytest.mark.parametrize(
    ("fn", "told"),
    [
        (lambda x: (x * 2).sum(), "NaN came in with x, at entry 1."),
        (lambda x: x.sin()[1], "NaN came in with x, at entry 1."),
        (lambda x: (torch.tensor([2.0, float("inf")]) * x.detach().nan_to_num(5.0) * x.nan_to_num(1.0)).sum(), None),
    ],
)
def test_what_was_not_finite_from_the_beginning(fn: Fn, told: str | None) -> None:
    graph = fl.backprop(fn, torch.tensor([1.0, float("nan")]), check=False)
    assert (told in story(graph)) if told else not any("is born" in line for line in story(graph))


def test_an_infinite_factor_came_in_with_what_brought_it() -> None:
    factor = torch.tensor([1.0, float("inf")])
    graph = fl.backprop(lambda x: (x * factor).sum(), torch.ones(2), check=False)
    assert "∞ came in with factor, at entry 1." in story(graph)


def test_what_came_in_and_counts_for_nothing_is_not_told() -> None:
    graph = fl.backprop(lambda x: x[0] * 3, torch.tensor([1.0, float("nan")]), check=False)
    assert not any("came in" in line for line in story(graph))
