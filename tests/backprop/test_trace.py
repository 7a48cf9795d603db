"""What the trace sees of a forward pass: operations, names, modules, and how each operation ran."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import fallline as fl
from backprop_graphs import assert_gradients_add_up, into, leaf, numbers, only, ops, out_of, traced
from fallline._records import NodeKind, NodeMark

X = torch.tensor([1.0, 2.0, 3.0])


class Cube(torch.autograd.Function):
    """x³ with a wrong step back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """2x² in place of 3x²."""
        (x,) = ctx.saved_tensors
        made: torch.Tensor = gradients[0] * 2 * x * x
        return made


def cube(x: torch.Tensor) -> torch.Tensor:
    """By the function above."""
    made: torch.Tensor = Cube.apply(x)
    return made


def test_views_and_in_place_operations_are_marked() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        made = x * 1
        made[0].mul_(2)
        return made.relu_().view(3, 1).sum()

    graph = traced(fn, X)
    assert NodeMark.VIEW in only(graph, "view").marks
    assert NodeMark.IN_PLACE in only(graph, "relu").marks
    written = [node for node in graph.nodes if node.backward == "torch::autograd::CopySlices"]
    assert len(written) == 1
    assert NodeMark.IN_PLACE in written[0].marks
    assert numbers(written[0].value).tolist() == [2, 2, 3]
    assert graph.gradients["x"].tolist() == [2, 1, 1]
    assert_gradients_add_up(graph)


def test_an_operation_in_place_uses_the_value_of_before() -> None:
    graph = traced(lambda x: ((x * 1).add_(x).mul_(2)).sum(), X)
    assert ops(graph) == ["mul", "add", "mul", "sum"]
    assert [numbers(node.value).tolist() for node in graph.nodes[1:4]] == [[1, 2, 3], [2, 4, 6], [4, 8, 12]]
    assert graph.gradients["x"].tolist() == [4, 4, 4]


def test_a_custom_function_is_one_node_of_its_name() -> None:
    graph = traced(lambda x: cube(x).sum(), X)
    node = only(graph, "Cube")
    assert node.marks == {NodeMark.CUSTOM}
    assert node.text == "Cube(x)"
    assert numbers(node.value).tolist() == [1, 8, 27]
    assert node.backward == "CubeBackward"
    assert node.saved == ("saved (3,)",)
    assert ops(graph) == ["Cube", "sum"]


def test_a_wrong_custom_function_is_caught_and_its_edge_named() -> None:
    graph = fl.backprop(lambda x: (cube(x * 2) + x).sum(), X)
    assert graph.check is not None
    assert not graph.check.agrees
    (wrong,) = graph.check.wrong_edges
    assert graph.nodes[graph.edges[wrong].target].op == "Cube"


def test_what_a_backward_pass_made_is_of_higher_order() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        return (slope**2).sum()

    graph = traced(fn, X)
    assert graph.gradients["x"] == pytest.approx((36 * X**3).numpy())
    marked = [node.op for node in graph.nodes if NodeMark.HIGHER_ORDER in node.marks]
    assert marked == ["pow", "mul", "mul"]
    assert_gradients_add_up(graph)


def test_saved_tensors_have_their_names_and_shapes() -> None:
    assert only(traced(lambda x: (x * x).sum(), X), "mul").saved == ("other (3,)", "self (3,)")
    assert only(traced(lambda x: torch.exp(x).sum(), X), "exp").saved == ("result (3,)",)


def test_parameters_have_their_paths_and_modules_theirs() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 1)))
    graph = traced(net, X[None], loss=torch.sum)
    assert {node.name for node in graph.nodes if node.kind is NodeKind.PARAMETER} == set(dict(net.named_parameters()))
    assert {node.module for node in graph.nodes if node.op == "linear"} == {"0", "1.0"}
    assert graph.modules["1.0"] == "Linear"
    assert graph.modules["1"] == "Sequential"
    named = traced(lambda x: net(x).sum(), X[None])
    assert "net.1.0.weight" in named.names


def test_captured_tensors_have_the_names_of_their_variables() -> None:
    weight, listed = leaf(1.0, 2.0, 3.0), [leaf(1.0, 1.0, 1.0), leaf(2.0, 2.0, 2.0)]
    graph = traced(lambda x: (x * weight * listed[0] * listed[1]).sum(), X)
    assert graph.names == ("x", "weight", "parameter (3,)", "parameter (3,) 2")
    assert traced(lambda *all_: all_[0].sum() + all_[1].sum(), X, X.clone()).names == ("input 1", "input 2")
    assert traced(lambda a: a.sum(), X, names=["temperature"]).names == ("temperature",)


def test_the_second_call_of_a_module_has_a_path_of_its_own() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.Sequential(nn.Linear(3, 3), nn.Tanh())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = self.block(self.block(x))
            return made

    graph = traced(Twice(), X[None], loss=torch.sum)
    assert [node.module for node in graph.nodes if node.op == "tanh"] == ["block.1", "block (call 2).1"]
    weight = graph.node("block.0.weight")
    assert len(out_of(graph, weight)) == 2
    assert_gradients_add_up(graph)


def test_tied_parameters_are_one_node() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    graph = fl.backprop(net, X[None], loss=lambda made: made.pow(2).sum())
    assert graph.check is not None
    assert graph.check.agrees
    assert [node.name for node in graph.nodes if node.kind is NodeKind.PARAMETER].count("0.weight") == 1
    assert "2.weight" not in graph.gradients


def test_what_drew_random_numbers_is_marked() -> None:
    graph = traced(nn.Dropout(0.5), X, vector=[1, 1, 1])
    assert NodeMark.RANDOM in set().union(*(node.marks for node in graph.nodes))


def test_a_normalization_in_training_shows_no_statistics() -> None:
    norm = nn.BatchNorm1d(3)
    trained = traced(norm, torch.randn(4, 3), loss=lambda made: made.pow(3).sum())
    used = traced(norm.eval(), torch.randn(4, 3), loss=lambda made: made.pow(3).sum())
    assert NodeKind.CONSTANT not in {node.kind for node in trained.nodes}
    assert [node.name for node in used.nodes if node.kind is NodeKind.CONSTANT] == ["running_mean", "running_var"]


@pytest.mark.parametrize("make", [lambda: nn.LSTM(3, 2), lambda: nn.GRU(3, 2), lambda: nn.RNN(3, 2)])
def test_recurrent_networks(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    graph = traced(make(), torch.randn(2, 1, 3), loss=lambda made: made[0].pow(2).sum())
    assert set(graph.gradients) == {"input", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}
    assert all(node.value is not None for node in graph.nodes)


def test_attention() -> None:
    torch.manual_seed(0)
    attention, x = nn.MultiheadAttention(4, 2, batch_first=True), torch.randn(1, 3, 4)
    graph = traced(lambda x: attention(x, x, x)[0].pow(2).sum(), x)
    assert {"x", "attention.in_proj_weight", "attention.out_proj.bias"} <= set(graph.gradients)
    q, k, v = torch.randn(3, 1, 2, 3, 4)
    product = traced(lambda q, k, v: functional.scaled_dot_product_attention(q, k, v).sum(), q, k, v)
    assert set(product.gradients) == {"q", "k", "v"}


@pytest.mark.slow
def test_checkpointing() -> None:
    linear = nn.Linear(3, 3)
    graph = traced(lambda x: checkpoint(lambda a: linear(a).relu(), x, use_reentrant=False).sum(), X[None])
    plain = traced(lambda x: linear(x).relu().sum(), X[None])
    assert ops(graph) == ops(plain)
    assert graph.gradients["linear.weight"].tolist() == plain.gradients["linear.weight"].tolist()
    with pytest.raises(fl.OptionError, match="use_reentrant=False"):
        traced(lambda x: checkpoint(lambda a: linear(a).relu(), x, use_reentrant=True).sum(), X[None])


def test_operations_on_lists_of_tensors() -> None:
    graph = traced(lambda a, b: (torch.cat([a, b, a]) * torch.arange(9)).sum(), X, X.clone())
    assert [edge.operand for edge in into(graph, only(graph, "cat"))] == [0, 1, 2]
    assert graph.gradients["a"].tolist() == [6, 8, 10]
    assert graph.gradients["b"].tolist() == [3, 4, 5]
    assert_gradients_add_up(graph)


@pytest.mark.slow
def test_a_compiled_module_is_run_so_that_it_can_be_seen() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    plain = traced(net, X[None], loss=torch.sum)
    compiled = traced(torch.compile(net, backend="eager"), X[None], loss=torch.sum)
    assert ops(compiled) == ops(plain)
    assert compiled.names == plain.names


@pytest.mark.parametrize(("probability", "draws"), [(0.0, False), (0.3, True)])
def test_attention_without_dropout_draws_nothing(probability: float, draws: bool) -> None:
    queries = torch.ones(1, 3, 8)
    graph = fl.backprop(
        lambda q: torch.nn.functional.scaled_dot_product_attention(q, q, q, dropout_p=probability).sum(),
        queries,
        check=False,
    )
    assert any(NodeMark.RANDOM in node.marks for node in graph.nodes) is draws
