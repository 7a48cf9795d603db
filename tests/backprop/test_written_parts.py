"""Views whose base was written to, and operations that wrote into a part: values, texts and slopes are true."""

from collections.abc import Callable

import pytest
import torch

import fallline as fl
from backprop_graphs import assert_gradients_add_up, into, numbers, only, ops, traced
from fallline._explain._backprop import node_sentence
from fallline._records import NodeMark

Fn = Callable[[torch.Tensor], torch.Tensor]
X = torch.tensor([1.0, 2.0, 3.0, 4.0])


def view_of_written(x: torch.Tensor) -> torch.Tensor:
    """The base is written as a whole."""
    y = x * 2
    v = y.view(2, 2)
    y.mul_(3)
    return (v / 10).tanh().sum()


def other_view(x: torch.Tensor) -> torch.Tensor:
    """Written through another view of the same."""
    y = x * 2
    v, w = y[1:], y[:2]
    v.add_(1)
    return (w * w).sum()


def detached(x: torch.Tensor) -> torch.Tensor:
    """Written behind autograd's back."""
    y = x * 2
    v = y[1:]
    y.detach().mul_(3)
    return (v * v).sum()


def part(x: torch.Tensor) -> torch.Tensor:
    """An elementwise operation over a part."""
    y = x * 1.0
    y[1:].exp_()
    return y.sum()


def part_by_tensor(x: torch.Tensor) -> torch.Tensor:
    """Of two operands."""
    y = x * 2
    y[1:].mul_(x[:3])
    return (y * y).sum()


def filled(x: torch.Tensor) -> torch.Tensor:
    """Row by row into something that had no gradient."""
    out = torch.zeros(3)
    out[2] = x[2]
    out[0] = x[1] * 2
    return (out * out).sum()


def assigned(x: torch.Tensor) -> torch.Tensor:
    """Python reads, multiplies and writes back."""
    y = x * 2
    y[0] *= 2
    return y.sum()


PROGRAMS = [view_of_written, other_view, detached, part, part_by_tensor, filled, assigned]


@pytest.mark.parametrize("program", PROGRAMS)
def test_slope_times_arrived_is_what_goes_on(program: Callable[[torch.Tensor], torch.Tensor]) -> None:
    graph = traced(program, X)
    assert_gradients_add_up(graph)
    assert all(edge.local is not None for edge in graph.edges if edge.gradient is not None)
    for edge in graph.edges:
        value, gradient, arrived = edge.local and edge.local.value, edge.gradient, graph.nodes[edge.target].gradient
        if value is not None and gradient is not None and arrived is not None:
            told = numbers(value) * numbers(arrived)
            whole = told if told.shape == gradient.shape else told.sum()
            assert whole == pytest.approx(numbers(gradient), rel=1e-5, abs=1e-6)
    x = X.clone().requires_grad_()
    program(x).backward()
    assert x.grad is not None
    assert graph.gradients["x"].tolist() == x.grad.tolist()


def test_a_view_of_a_written_base_is_a_node_of_its_own() -> None:
    graph = traced(view_of_written, X)
    assert ops(graph) == ["mul", "mul", "view", "div", "tanh", "sum"]
    view, div = only(graph, "view"), only(graph, "div")
    assert (view.text, view.marks) == ("view((x · 2) · 3, (2, 2))", {NodeMark.VIEW})
    assert numbers(view.value).tolist() == [[6, 12], [18, 24]]
    assert numbers(div.value) == pytest.approx(numbers(view.value) / 10)
    assert div.text == "view((x · 2) · 3, (2, 2)) / 10"


def test_the_value_of_a_write_is_that_of_the_whole() -> None:
    graph = traced(other_view, X)
    written = only(graph, "add")
    assert (written.text, numbers(written.value).tolist()) == ("(x · 2) with [1:] set to part + 1", [2, 5, 7, 9])
    assert only(graph, "slice").text == "(…)[:2]"
    assert [edge.local.rule for edge in into(graph, graph.nodes[4]) if edge.local is not None] == ["right", "left"]


def test_a_write_into_a_part_is_told_as_one() -> None:
    graph = traced(part, X)
    node = only(graph, "exp")
    assert node_sentence(graph, node.id).startswith("(x · 1) with [1:] set to exp(part) = [1.000, 7.389, 20.086, ")
    (edge,) = into(graph, node)
    assert edge.local is not None
    assert edge.local.rule == "grad, in the part that was written to times exp(part)"
    assert edge.local.product == "(4,) → (4,)"


def test_what_was_written_over_has_no_gradient() -> None:
    graph = traced(assigned, X)
    copy = only(graph, "copy")
    back, value = into(graph, copy)
    assert back.local is not None
    assert value.local is not None
    assert back.local.rule == "grad, 0 in the part that was written over"
    assert (value.local.rule, value.local.product) == ("the part of grad that was written to", "(4,) → ()")
    assert numbers(copy.value).tolist() == [4, 4, 6, 8]


def test_an_operation_that_copied_what_it_writes_over_is_found() -> None:
    torch.manual_seed(0)
    graph = fl.backprop(torch.nn.GRUCell(3, 2), torch.randn(1, 3), loss=torch.sum, check=False)
    products = [node for node in graph.nodes if node.op == "mul"]
    assert len(products) == 2
    assert all(edge.local is not None for node in products for edge in into(graph, node))
    assert_gradients_add_up(graph)


def test_a_number_that_is_not_finite_is_no_birth() -> None:
    graph = traced(lambda x: (x * float("inf")).sum(), X)
    assert NodeMark.NOT_FINITE_HERE not in only(graph, "mul").marks
    born = traced(lambda x: (x / 0.0).sum(), X)
    assert NodeMark.NOT_FINITE_HERE in only(born, "div").marks


def row(x: torch.Tensor) -> torch.Tensor:
    """A view of a view, taken before its base is written to."""
    y = x * 2
    v = y.view(2, 2)[0]
    y.mul_(3)
    return (v * v).sum()


def turned(x: torch.Tensor) -> torch.Tensor:
    """All entries of it, elsewhere."""
    y = x * 2
    v = y.view(2, 2).t()
    y.mul_(3)
    return (v * v).sum()


def repeated(x: torch.Tensor) -> torch.Tensor:
    """Each entry twice."""
    y = x * 2
    v = y.view(4, 1).expand(4, 2)
    y.mul_(3)
    return (v * v).sum()


@pytest.mark.parametrize(
    ("fn", "op", "text", "rule"),
    [
        (row, "select", "view((x · 2) · 3, (2, 2))[0]", "put back at the places taken, 0 elsewhere"),
        (turned, "transpose", "view((x · 2) · 3, (2, 2))ᵀ", "the same numbers, moved back to their places"),
        (repeated, "expand", "expand(view(…, (4, 1)), (4, 2))", "put back at the places taken, added where one was"),
    ],
)
def test_a_view_of_a_view_has_the_names_of_both(fn: Fn, op: str, text: str, rule: str) -> None:
    graph = fl.backprop(fn, X)
    node = only(graph, op)
    assert (node.text, node.backward) == (text, "AsStridedBackward0")
    assert NodeMark.VIEW in node.marks
    (edge,) = into(graph, node)
    assert edge.local is not None
    assert edge.local.rule.startswith(rule)
    assert graph.check is not None
    assert graph.check.agrees
    assert_gradients_add_up(graph)


def test_a_transposed_nameless_matrix_is_turned_once() -> None:
    graph = traced(lambda x: x.view(2, 2).t()[1].sum(), X)
    assert only(graph, "select").text == "(view(x, (2, 2))ᵀ)[1]"
