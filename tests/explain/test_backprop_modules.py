"""``fl.explain`` of real runs: modules, closed groups, somebody's own wrong step back, what cuts a gradient off."""

from typing import Any

import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import SharedDecoder
from fallline._backprop._groups import module_paths
from fallline._explain._backprop import edge_sentence, graph_tree, node_sentence, readable


class Cube(torch.autograd.Function):
    """x³ with the step back of x²."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] * 2 * x


class Block(nn.Module):
    """Two layers beside a short cut."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + x)


def deep(blocks: int) -> fl.Backprop:
    torch.manual_seed(0)
    model = nn.Sequential(*(Block() for _ in range(blocks)))
    return fl.backprop(model, torch.randn(5, 4), loss=lambda made: made.square().mean(), check=False)


def test_a_large_network_is_shown_by_its_modules() -> None:
    graph = deep(10)
    assert len(graph.nodes) > 60
    told = fl.explain(graph)
    assert len(told.figures) <= 61
    assert any("9.second (Linear)" in line for line in told.figures)
    assert any("9.second (Linear)" in line for line in graph_tree(readable(graph), 100))
    assert "have a gradient: that of" in told.sentences[1]


@pytest.mark.slow
def test_a_module_that_is_open_already_is_said_so() -> None:
    small, large = deep(2), deep(6)
    assert len(small.nodes) <= 60 < len(large.nodes)
    assert fl.explain(small, inside="1.first").sentences[0] == (
        "1.first is open already: a graph of at most 60 nodes is shown whole."
    )
    at_once = [path for path in ("0", "1") if path in module_paths(large)]
    assert fl.explain(large, inside=at_once).sentences[0] == (
        "0 and 1 are open already: the table shows the inside without asking."
    )
    assert "open already" not in str(fl.explain(deep(30), inside="9.first"))


@pytest.mark.slow
def test_a_closed_module_has_no_rule_of_one_of_its_steps() -> None:
    closed = [line for line in str(fl.explain(deep(30))).splitlines() if "(Block)" in line]
    assert closed
    assert all("steps inside" in line for line in closed)


def test_looking_into_a_module() -> None:
    graph = deep(10)
    opened = fl.explain(graph, inside="0.first")
    assert any(line.startswith("0.first.weight") for line in opened.figures)
    assert not any(line.startswith("9.first.weight") for line in opened.figures)
    with pytest.raises(fl.OptionError, match="no module"):
        fl.explain(graph, inside="eleventh")


def test_a_decoder_that_two_modules_share_is_told_where_it_ran() -> None:
    told = fl.explain(fl.backprop(SharedDecoder(), torch.ones(2, 3), check=False)).figures
    named = [line.split(")")[0] for line in told]
    for part in ("a", "decoder", "a (again", "b", "b (again"):
        assert any(line.startswith(part) for line in named), part
    assert any(line.startswith("b (again) (Inner)") for line in told)


def test_a_wrong_step_back_is_said_first_and_named() -> None:
    graph = fl.backprop(lambda x: (Cube.apply(x) * 2).sum(), torch.tensor([1.0, 2.0]))
    told = fl.explain(graph).sentences
    assert told[0] == "The gradient of x is wrong at entry 1: autograd says 8, central differences in float64 say 24."
    assert told[1] == "Cube's own step back is wrong: from Cube(x) to x."
    wrong = next(k for k, edge in enumerate(graph.edges) if graph.nodes[edge.target].op == "Cube")
    assert edge_sentence(graph, wrong).endswith("Cube gives another slope than central differences.")


def test_views_writes_in_place_and_detached_parts_are_said() -> None:
    def fn(x: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        flat = x.view(-1) + a.detach()
        flat.mul_(3)
        return flat.sum()

    graph = fl.backprop(fn, torch.ones(2, 2), torch.ones(4), check=False)
    told = " ".join(node_sentence(graph, node.id) for node in graph.nodes)
    assert "It is a view: it shares the memory of its operand." in told
    assert "It wrote over its operand (in place)." in told
    assert "a has no gradient: a was detached" in " ".join(fl.explain(graph).sentences)
    assert any("[in place]" in line for line in fl.explain(graph).figures)


def test_a_bias_is_stretched_over_the_rows() -> None:
    torch.manual_seed(0)
    graph = fl.backprop(nn.Linear(2, 3), torch.randn(4, 2), loss=lambda made: made.sum(), check=False)
    place = next(k for k, edge in enumerate(graph.edges) if graph.nodes[edge.source].name == "bias")
    assert edge_sentence(graph, place) == (
        "Entry 0: here bias was stretched from (3,) to (4, 3): this entry was used 4 times, so what comes back is "
        "summed. The slope is 1; times what arrived at each, it gives 1 + 1 + 1 + 1 = 4."
    )


def test_an_inner_backward_pass_is_marked_and_explained() -> None:
    def squared_slope(x: torch.Tensor) -> torch.Tensor:
        y = (x**3).sum()
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        return slope.pow(2).sum()

    seen = fl.backprop(squared_slope, torch.tensor([1.0, 2.0]), check=False)
    told = fl.explain(seen)
    assert seen.gradients["x"].tolist() == [36.0, 288.0]  # 36·x³
    assert "∂result/∂x = 2·(1 · (x² · 3)) · 1 · 6·x = 288 at entry 1 (x = 2)." in told.sentences
    assert [line.split(" [inner pass]")[0].strip() for line in told.figures if "[inner pass]" in line] == [
        "x²", "x² · 3", "1 · (x² · 3)",
    ]  # fmt: skip
    assert any(
        each.startswith("3 rows marked [inner pass]: the function itself runs a backward pass.")
        for each in told.sentences
    )
    assert sum("[inner pass]" in line for line in graph_tree(seen)) == 3
    plain = fl.explain(fl.backprop(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), check=False))
    assert "inner pass" not in str(plain)


def test_a_bias_before_batch_normalisation_is_rounding_alone() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    told = fl.explain(fl.backprop(model, torch.randn(8, 3), loss=lambda made: made.square().mean())).sentences
    assert "The gradient of 0.bias is rounding alone: float64 has a hundredth of it or less." in told


def test_modules_to_look_into_are_named() -> None:
    graph = fl.backprop(nn.Linear(2, 1), torch.ones(1, 2))
    with pytest.raises(
        fl.OptionError, match=r'inside names a module, as in inside="layer1\.0", or several .* this is 3'
    ):
        fl.explain(graph, inside=3)  # type: ignore[arg-type]  # what a person may type
