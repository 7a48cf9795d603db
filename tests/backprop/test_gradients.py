"""Gradients: equal to autograd's own, adding up at every node, and equal to the products along the graph."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import assert_gradients_add_up, into, leaf, numbers, only, traced
from fallline._records import NodeKind, NodeMark

X = torch.tensor([1.6695, -1.7944, -0.0315])


def along_the_paths(graph: fl.Backprop) -> dict[int, np.ndarray]:
    """∂result/∂node of an elementwise graph that ends in one reduction: sums over paths of products of slopes."""
    found = {graph.result: np.ones(())}
    for node in reversed(graph.nodes):
        for edge in into(graph, node):
            if node.id in found and edge.local is not None:
                slope = numbers(edge.local.value)
                found[edge.source] = found.get(edge.source, 0.0) + found[node.id] * slope
    return found


@pytest.mark.parametrize(
    "expression",
    [
        "y = x + 2; z = y*y*2; z.mean()",
        "(x*x - exp(x)/x).sum()",
        "y = sin(x)*tanh(x); (y*y + y*x + sigmoid(y)).mean()",
        "(x**3 - 2/x).sum()",
    ],
)
def test_the_products_along_the_graph_are_the_gradient(expression: str) -> None:
    graph = fl.backprop(expression, at={"x": X.to(torch.float64)}, check=False)
    products = along_the_paths(graph)
    np.testing.assert_allclose(products[graph.inputs[0]], graph.gradients["x"], rtol=1e-6)
    for node, product in products.items():
        np.testing.assert_allclose(product, numbers(graph.nodes[node].gradient), rtol=1e-6)


def test_the_textbook_case() -> None:
    graph = fl.backprop("y = x + 2; z = y*y*2; z.mean()", at={"x": X.tolist()}, check=False)
    assert numbers(graph.nodes[graph.result].value) == pytest.approx(11.588, abs=5e-4)
    assert graph.gradients["x"] == pytest.approx([4.8927, 0.2741, 2.6247], abs=1e-4)
    assert [node.name for node in graph.nodes] == ["x", "y", None, "z", None]
    assert [node.text for node in graph.nodes] == ["", "x + 2", "y · y", "(y · y) · 2", "mean(z)"]
    assert assert_gradients_add_up(graph) == 4


def test_gradients_are_those_of_autograd_bit_for_bit() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(12, 4))
    images, target = torch.randn(5, 2, 4, 4), torch.tensor([0, 1, 2, 3, 0])
    graph = traced(net, images, loss=lambda made: nn.functional.cross_entropy(made, target))
    given = images.clone().requires_grad_()
    leaves = {"input": given, **dict(net.named_parameters())}
    loss = nn.functional.cross_entropy(net(given), target)
    for name, gradient in zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True):
        assert np.array_equal(graph.gradients[name], gradient.numpy())
    assert next(iter(graph.gradients)) == "input"
    assert set(graph.gradients) == set(leaves)
    assert assert_gradients_add_up(graph) > 10


def test_a_value_used_twice_has_two_edges_whose_gradients_add_up() -> None:
    graph = traced(lambda x: (x * x + x).sum(), X)
    x = graph.nodes[graph.inputs[0]]
    assert sorted(edge.operand for edge in graph.edges if edge.source == x.id) == [0, 1, 1]
    assert_gradients_add_up(graph)
    assert numbers(x.gradient) == pytest.approx((2 * X + 1).numpy())


def test_a_broadcast_operand_says_to_what_it_was_stretched() -> None:
    graph = traced(lambda x, b: ((x + b) * 2).sum(), torch.ones(4, 3), torch.ones(3))
    first, second = into(graph, only(graph, "add"))
    assert (first.stretched, second.stretched) == (None, (4, 3))
    assert numbers(second.gradient).tolist() == [8.0, 8.0, 8.0]
    bias = into(
        traced(nn.Linear(3, 2), torch.ones(4, 3), loss=torch.sum),
        only(traced(nn.Linear(3, 2), torch.ones(4, 3), loss=torch.sum), "linear"),
    )
    assert [edge.stretched for edge in bias] == [(4, 2), None, None]


def test_a_vector_weighs_the_result() -> None:
    graph = traced(lambda x: x * x, X, vector=[0.1, 1.0, 0.001])
    assert graph.gradients["x"] == pytest.approx((2 * X * torch.tensor([0.1, 1.0, 0.001])).numpy())
    assert numbers(graph.vector) == pytest.approx([0.1, 1.0, 0.001])
    with pytest.raises(fl.OptionError, match="how much each weighs"):
        traced(lambda x: x * x, X)


def test_several_outputs_of_one_operation_are_joined() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        first, _, third = x.unbind()
        return first * 2 + third * third

    graph = traced(fn, X)
    node = only(graph, "unbind")
    assert numbers(node.value) == pytest.approx([1.6695, -0.0315])
    assert numbers(node.gradient) == pytest.approx([2.0, -0.063])
    assert [each.place for each in node.outputs] == [0, 2]
    assert [float(numbers(each.value)) for each in node.outputs] == pytest.approx([1.6695, -0.0315])
    assert [float(numbers(each.gradient)) for each in node.outputs] == pytest.approx([2.0, -0.063])
    assert "unbind(x, dim=0)[0] · 2" in [each.text for each in graph.nodes]


@pytest.mark.parametrize(
    ("fn", "op", "shapes", "product"),
    [
        (lambda x: (x.split([1, 2])[0] * 2).sum(), "split", [], "(1,) and (2,) → (3,)"),
        (lambda x: sum(each.exp() for each in x.chunk(3)).sum(), "split", [(1,)] * 3, "3 × (1,) → (3,)"),
        (lambda x: x.topk(2).values.sum(), "topk", [], "(2,) → (3,)"),
        (lambda x: sum(nn.LSTM(1, 2)(x[:, None])[1]).sum(), "lstm", [(1, 2), (1, 2)], None),
    ],
)
def test_each_output_has_a_shape_of_its_own(fn: Any, op: str, shapes: list[Any], product: str | None) -> None:
    graph = traced(fn, X)
    node = only(graph, op)
    assert [each.value.shape for each in node.outputs if each.value is not None] == shapes
    assert [each.gradient.shape for each in node.outputs if each.gradient is not None] == shapes
    edge = into(graph, node)[0]
    assert edge.local is not None
    assert edge.local.product == product or product is None


def test_where_a_gradient_stops_being_finite_is_marked() -> None:
    graph = traced(lambda x: torch.sqrt(x - 1).sum(), torch.tensor([1.0, 2.0]))
    assert NodeMark.GRADIENT_NOT_FINITE_HERE in only(graph, "sqrt").marks
    assert not only(graph, "sub").marks
    graph = traced(lambda x: (torch.log(x) * 2).sum(), torch.tensor([-1.0, 2.0]))
    assert NodeMark.NOT_FINITE_HERE in only(graph, "log").marks
    assert NodeMark.NOT_FINITE_HERE not in only(graph, "mul").marks | only(graph, "sum").marks


def test_sparse_gradients_are_shown_dense() -> None:
    emb = nn.Embedding(5, 2, sparse=True)
    graph = traced(lambda i: emb(i).sum(), torch.tensor([1, 1, 3]))
    assert graph.gradients["emb.weight"].tolist() == [[0, 0], [2, 2], [0, 0], [1, 1], [0, 0]]


def test_a_result_that_is_an_input_is_its_own_gradient() -> None:
    graph = traced(lambda x: x, X, vector=[1, 2, 3])
    assert graph.result == graph.inputs[0]
    assert not graph.edges
    assert graph.gradients["x"].tolist() == [1, 2, 3]


@pytest.mark.slow
def test_a_deep_graph_needs_no_recursion() -> None:
    def deep(x: torch.Tensor) -> torch.Tensor:
        for _ in range(1200):
            x = x * 1.0
        return x

    graph = traced(deep, torch.tensor(2.0))
    assert len(graph.nodes) == 1201
    assert graph.gradients["x"] == 1.0


def test_two_leaves_that_share_a_gradient_are_both_there() -> None:
    w = leaf(1.0, 2.0)
    graph = traced(lambda x: (x + w).sum(), torch.ones(2))
    assert graph.gradients["x"].tolist() == graph.gradients["w"].tolist() == [1, 1]
    assert [node.kind for node in graph.nodes[:2]] == [NodeKind.INPUT, NodeKind.PARAMETER]
    assert w.grad is None


def test_one_tensor_handed_in_twice_is_one_leaf() -> None:
    graph = fl.backprop(lambda a, b, c: (a * b + 3 * c).sum(), X, torch.ones(3), X)
    assert [node.name for node in graph.nodes if node.kind is NodeKind.INPUT] == ["a", "b"]
    assert graph.inputs == (0, 1)
    assert graph.gradients["a"] == pytest.approx([4.0, 4.0, 4.0])
    assert set(graph.gradients) == {"a", "b"}
    assert graph.nodes[0].notes == ("a was handed in as c, too: it is one tensor, and its gradient adds up all uses.",)
    assert graph.check is not None
    assert [each.name for each in graph.check.inputs] == ["a", "b"]
    assert graph.check.agrees
    assert_gradients_add_up(graph)


def test_attention_of_a_sequence_to_itself() -> None:
    torch.manual_seed(0)
    attention, q = nn.MultiheadAttention(4, 2), torch.randn(3, 1, 4)
    graph = traced(lambda q, k, v: attention(q, k, v)[0].pow(2).sum(), q, q, q, jacobian=True)
    given = q.clone().requires_grad_()
    (expected,) = torch.autograd.grad(attention(given, given, given)[0].pow(2).sum(), given)
    np.testing.assert_allclose(graph.gradients["q"], expected.numpy(), rtol=1e-4, atol=1e-6)
    assert graph.jacobians is not None
    assert set(graph.jacobians) == {"q"}
    assert "k" not in graph.names
