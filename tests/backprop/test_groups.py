"""Modules closed to single nodes: legible, without cycles, nothing lost, opened on demand."""

import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import traced
from fallline._backprop._groups import LEGIBLE, grouped, module_paths
from fallline._records import NodeKind


class Block(nn.Module):
    """With a way around its inside."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of rows [N × 3]."""
        made: torch.Tensor = self.inside(x) + x
        return made


@pytest.fixture(scope="module")
def graph() -> fl.Backprop:
    """Of more nodes than are shown at once."""
    torch.manual_seed(0)
    blocks = nn.Sequential(*(Block() for _ in range(40)))
    return traced(blocks, torch.randn(2, 3), loss=lambda made: made.pow(2).mean())


def closed(graph: fl.Backprop) -> list[str | None]:
    """Names of the closed modules."""
    return [node.name for node in graph.nodes if node.kind is NodeKind.GROUP]


def test_a_large_graph_becomes_legible(graph: fl.Backprop) -> None:
    small = grouped(graph)
    assert len(graph.nodes) > LEGIBLE >= len(small.nodes)
    assert closed(small)
    assert small.gradients is graph.gradients


def test_every_node_is_in_exactly_one_place(graph: fl.Backprop) -> None:
    small = grouped(graph)
    members = [each for node in small.nodes for each in node.members]
    single = [node for node in small.nodes if node.kind is not NodeKind.GROUP]
    assert len(members) == len(set(members))
    assert len(members) + len(single) == len(graph.nodes)
    assert [node.id for node in small.nodes] == list(range(len(small.nodes)))
    assert all(edge.source < edge.target for edge in small.edges)
    assert small.nodes[small.result].text == graph.nodes[graph.result].text
    assert [small.nodes[each].name for each in small.inputs] == ["input"]


def test_a_group_has_the_value_and_gradient_of_what_leaves_it(graph: fl.Backprop) -> None:
    group = next(node for node in grouped(graph).nodes if node.kind is NodeKind.GROUP and node.op == "Block")
    last = [node for node in graph.nodes if node.module == group.name and node.op == "add"][-1]
    assert (group.value, group.gradient) == (last.value, last.gradient)
    assert last.id in group.members


def test_an_edge_that_stands_for_several_has_no_gradient_of_its_own(graph: fl.Backprop) -> None:
    small = grouped(graph)
    block = next(node for node in small.nodes if node.kind is NodeKind.GROUP and node.op == "Block")
    first = [edge for edge in small.edges if edge.target == block.id]
    assert len(first) == 1
    assert first[0].gradient is None
    plain = next(edge for edge in small.edges if small.nodes[edge.target].op == "mean")
    assert plain.gradient is not None


def test_a_module_is_opened_on_demand(graph: fl.Backprop) -> None:
    path = next(name for name in closed(grouped(graph)) if name is not None and "." not in name)
    opened = grouped(graph, open=(path,))
    assert path not in closed(opened)
    assert any(node.module is not None and node.module.startswith(path) for node in opened.nodes)
    deep = grouped(graph, open=("37.inside.0",))
    assert any(node.op == "linear" and node.module == "37.inside.0" for node in deep.nodes)


def test_a_path_that_is_none_is_answered_with_a_near_one(graph: fl.Backprop) -> None:
    with pytest.raises(fl.OptionError, match=r'no module "37\.inside\.9"\. Did you mean "37\.inside'):
        grouped(graph, open=("37.inside.9",))


def test_a_small_graph_is_handed_back() -> None:
    small = traced(nn.Linear(3, 1), torch.ones(1, 3))
    assert grouped(small) is small
    assert module_paths(small) == ()


def test_a_module_called_in_between_others_makes_no_cycle() -> None:
    shared, other = nn.Tanh(), nn.ModuleList([Block() for _ in range(8)])

    def fn(x: torch.Tensor) -> torch.Tensor:
        for block in other:
            x = shared(block(shared(x) * 2))
        return x.sum()

    graph = traced(fn, torch.randn(2, 3))
    small = grouped(graph)
    assert len(small.nodes) < len(graph.nodes)
    assert all(edge.source < edge.target for edge in small.edges)
    assert "shared (call 16)" in module_paths(graph)
    assert sum(len(node.members) or 1 for node in small.nodes) == len(graph.nodes)
