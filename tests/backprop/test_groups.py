"""Modules closed to single nodes: legible, without cycles, nothing lost, opened on demand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import fallline as fl
from backprop_graphs import SharedDecoder, traced
from fallline._backprop._groups import LEGIBLE, grouped, module_paths
from fallline._records import GraphEdge, GraphNode, NodeKind


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


@pytest.mark.slow
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


def test_a_module_registered_elsewhere_and_called_by_two_is_a_run_of_its_own() -> None:
    graph = traced(SharedDecoder(), torch.randn(2, 3))
    assert len(graph.nodes) > LEGIBLE
    small = grouped(graph)
    assert closed(small) == ["a", "decoder", "a (again)", "b", "decoder (again)", "b (again)"]
    assert all(edge.source < edge.target for edge in small.edges)
    again = next(node for node in small.nodes if node.name == "a (again)")
    assert (again.op, again.module) == ("Inner", None)
    opened = closed(grouped(graph, open=("a (again)",)))
    assert "a" in opened
    assert "a (again)" not in opened
    assert not {"a", "a (again)"} & {*closed(grouped(graph, open=("a",)))}


PATHS = st.sampled_from([None, "", "a", "b", "a.b", "a.c", "a.b.c", "b.b", "c", "c (call 2).d", "a.b (call 2)"])
KINDS = st.sampled_from([*[NodeKind.OPERATION] * 8, NodeKind.PARAMETER, NodeKind.CONSTANT])


@st.composite
def graphs(draw: st.DrawFn) -> fl.Backprop:
    """Hand-made: long runs and short ones in any order, leaves anywhere, some of them used by several modules."""
    nodes = [GraphNode(0, NodeKind.INPUT, "", "x", "", None, None, None)]
    edges = []
    for path, length in draw(st.lists(st.tuples(PATHS, st.integers(1, 12)), min_size=1, max_size=14)):
        for _ in range(length):
            k, kind = len(nodes), draw(KINDS)
            nodes.append(GraphNode(k, kind, "add", None, f"{k}", path, None, None))
            if kind is NodeKind.OPERATION:
                reach = draw(st.sampled_from([3, k]))  # the one before, or one from long ago
                used = draw(st.sets(st.integers(max(0, k - reach), k - 1), max_size=3))
                edges += [GraphEdge(each, k, operand) for operand, each in enumerate(sorted(used))]
    inputs = (0, *(draw(st.sampled_from([(), (1,)])) if nodes[1].kind is not NodeKind.OPERATION else ()))
    result = draw(st.integers(1, len(nodes) - 1))
    return fl.Backprop(tuple(nodes), tuple(edges), inputs, result, None, {})


def is_closed_without_a_loss(graph: fl.Backprop, data: st.DataObject) -> None:
    """At any bound, with any modules open."""
    opened = data.draw(st.sets(st.sampled_from(module_paths(graph) or [""])).map(tuple)) if module_paths(graph) else ()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fallline._backprop._groups.LEGIBLE", data.draw(st.sampled_from([0, 5, 15, 60])))
        small = grouped(graph, opened)
    place = {each: node.id for node in small.nodes for each in node.members}
    assert len(place) == sum(len(node.members) for node in small.nodes)
    single = [node for node in small.nodes if node.kind is not NodeKind.GROUP]
    place |= {int(node.text or 0): node.id for node in single}
    assert sorted(place) == [node.id for node in graph.nodes]
    assert len(place) == len(single) + sum(len(node.members) for node in small.nodes)
    assert [node.id for node in small.nodes] == list(range(len(small.nodes)))
    assert all(edge.source < edge.target for edge in small.edges)
    between = {(place[edge.source], place[edge.target]) for edge in graph.edges}
    assert {(edge.source, edge.target) for edge in small.edges} == {(a, b) for a, b in between if a != b}
    assert (small.inputs, small.result) == (tuple(place[each] for each in graph.inputs), place[graph.result])
    shared = [edge for edge in graph.edges if graph.nodes[edge.source].kind is not NodeKind.OPERATION]
    for edge in shared:  # a leaf inside of a group is used by nobody else
        assert small.nodes[place[edge.source]].members == () or place[edge.source] == place[edge.target]
    assert not {*opened} & {*closed(small)}
    assert len({*closed(small)}) == len(closed(small))


@settings(max_examples=15, deadline=None)
@given(graphs(), st.data())
def test_any_graph_is_closed_without_a_circle_and_without_a_loss(graph: fl.Backprop, data: st.DataObject) -> None:
    is_closed_without_a_loss(graph, data)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(graphs(), st.data())
def test_very_many_graphs_are_closed_without_a_circle_and_without_a_loss(
    graph: fl.Backprop, data: st.DataObject
) -> None:
    is_closed_without_a_loss(graph, data)
