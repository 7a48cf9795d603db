"""The table and the tree of a forward and a backward pass, in terminals of any width."""

import pytest
import torch

import fallline as fl
from explain.graphs import edge, graph, large, leaf, product, ran, stretched, tensor, textbook
from fallline._columns import columns_of
from fallline._explain._backprop import graph_table, graph_tree, node_sentence
from fallline._records import Backprop, GraphEdge, GraphNode, NodeKind, NodeMark


def test_the_textbook_table() -> None:
    assert graph_table(textbook(), 120) == [
        "name  computed  value                       local derivative  gradient",
        "x               [1.6695, −1.7944, −0.0315]                    [4.8927, 0.2741, 2.6247]",
        "y     x + 2     [3.6695, 0.2056, 1.9685]    1                 [4.8927, 0.2741, 2.6247]",
        "      y·y       [13.465, 0.042271, 3.875]   y + y             all 0.66667",
        "z     (y·y)·2   [26.93, 0.084543, 7.75]     2                 all 0.33333",
        "      mean(z)   11.588                      1/3               1",
    ]


def test_the_textbook_table_keeps_every_number_at_80_columns() -> None:
    assert graph_table(textbook(), 80) == [
        "computed     value                       local  gradient",
        "x            [1.6695, −1.7944, −0.0315]         [4.8927, 0.2741, 2.6247]",
        "y = x + 2    [3.6695, 0.2056, 1.9685]    1      [4.8927, 0.2741, 2.6247]",
        "y·y          [13.465, 0.042271, 3.875]   y + y  all 0.66667",
        "z = (y·y)·2  [26.93, 0.084543, 7.75]     2      all 0.33333",
        "mean(z)      11.588                      1/3    1",
    ]


def test_a_narrow_terminal_gets_a_list() -> None:
    told = graph_table(textbook(), 40)
    assert told[:5] == [
        "x",
        "  value [1.6695, −1.7944, −0.0315]",
        "  grad  [4.8927, 0.2741, 2.6247]",
        "y = x + 2",
        "  value [3.6695, 0.2056, 1.9685]",
    ]


def test_several_operands_are_named_where_there_is_room() -> None:
    wide, narrow = graph_table(product(), 100), graph_table(product(), 84)
    assert any("to x: grad @ Wᵀ; to W: xᵀ @ grad" in line for line in wide)
    assert any("grad @ Wᵀ, xᵀ @ grad" in line and "to x" not in line for line in narrow)


def test_the_textbook_tree() -> None:
    assert graph_tree(textbook(), 80) == [
        "mean(z)                         1",
        "└─ z = (y·y)·2                  × 1/3 → [0.33333, 0.33333, 0.33333]",
        "   └─ y·y                       × 2 → [0.66667, 0.66667, 0.66667]",
        "      ├─ y = x + 2              × y → [2.4463, 0.1371, 1.3123]",
        "      │  └─ x                   × 1 → [4.8927, 0.2741, 2.6247]",
        "      └─ y = x + 2 (see above)  × y → [2.4463, 0.1371, 1.3123]",
    ]


def wide_graph() -> Backprop:
    """A sum over 70 named products."""
    nodes = [leaf(k, f"weight_{k}", [k / 7, -k / 3], [1.0, 1.0]) for k in range(70)]
    nodes.append(ran(70, "sum", "sum", 1.0, 1.0))
    return graph(nodes, [edge((k, 70), "1", [1.0, 1.0], [1.0, 1.0]) for k in range(70)])


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("made", [textbook, stretched, product, wide_graph])
def test_no_line_is_wider_than_the_terminal(made: object, width: int) -> None:
    assert callable(made)
    lines = [*graph_table(made(), width), *graph_tree(made(), width)]
    assert max(map(columns_of, lines)) <= width


def test_a_long_table_has_a_beginning_and_an_end() -> None:
    told = graph_table(wide_graph(), 80)
    assert told[-1] == "… and 11 more nodes in between."
    assert any(line.startswith("weight_0 ") for line in told)
    assert any(line.lstrip().startswith("sum") for line in told)


def test_a_deep_tree_goes_on_further_down() -> None:
    """2,000 operations on one another: no recursion, no line wider than the terminal, every node shown."""
    deep = 2_000
    nodes: list[GraphNode] = [leaf(0, "x", 1.0, 1.0)]
    nodes += [ran(k, "neg", f"step {k}", 1.0, 1.0) for k in range(1, deep)]
    told = graph_tree(graph(nodes, [edge((k, k + 1), "1", 1.0, 1.0) for k in range(deep - 1)]), 80)
    assert max(map(columns_of, told)) <= 80
    assert told[0].startswith(f"step {deep - 1} ")
    assert any("(see below)" in line for line in told)
    assert any(line.lstrip(" └─").startswith("x ") for line in told)


def test_what_has_no_gradient_says_so() -> None:
    nodes = (
        leaf(0, "x", 1.0, 2.0),
        leaf(1, "t", 3.0, kind=NodeKind.CONSTANT),
        leaf(2, "a", 3.0, no_gradient="it is detached."),
        ran(3, "mul", "x·t·a", 9.0, 1.0),
    )
    told = graph(nodes, (edge((0, 3), "t·a", 9.0, 2.0), GraphEdge(1, 3, 1), GraphEdge(2, 3, 2)))
    tree, table = graph_tree(told, 80), graph_table(told, 80)
    assert any(line.startswith("├─ t") and line.endswith("a constant") for line in tree)
    assert any(line.startswith("└─ a") and line.endswith("nothing goes back") for line in tree)
    assert any(line.startswith("a ") and line.endswith("none") for line in table)
    assert any(line.startswith("t ") and line.rstrip().endswith("3") for line in table)


def test_a_large_tensor_is_its_shape_and_range() -> None:
    big = large((64, 3, 7, 7), -0.5, 0.25)
    nodes = (
        GraphNode(0, NodeKind.PARAMETER, "", "conv1.weight", "", "", big, big),
        ran(1, "sum", "sum(conv1.weight)", 1.0, 1.0),
    )
    told = graph(nodes, (GraphEdge(0, 1, 0, None, big),))
    assert any("(64, 3, 7, 7) −0.5 … 0.25" in line for line in graph_table(told, 120))


def test_control_characters_of_names_do_not_reach_the_terminal() -> None:
    nodes = (leaf(0, "x\x1b[2J", 1.0, 1.0), ran(1, "neg", "−x\x1b[2J", -1.0, 1.0))
    told = graph(nodes, (edge((0, 1), "−1\x1b", -1.0, 1.0),))
    assert "\x1b" not in "".join([*graph_table(told, 80), *graph_tree(told, 80)])


def test_marks_stand_behind_the_operation() -> None:
    marks = frozenset({NodeMark.IN_PLACE, NodeMark.RANDOM})
    told = graph((leaf(0, "x", 1.0, 1.0), ran(1, "dropout", "dropout(x)", 1.0, 1.0, marks=marks)), ())
    for lines in (graph_table(told, 120), graph_table(told, 30), graph_tree(told, 80)):
        assert any("dropout(x) [in place, random]" in line for line in lines)


def test_where_nan_is_born_is_marked() -> None:
    marks = frozenset({NodeMark.NOT_FINITE_HERE, NodeMark.GRADIENT_NOT_FINITE_HERE})
    told = graph((leaf(0, "x", -1.0, 1.0), ran(1, "log", "log(x)", float("nan"), 1.0, marks=marks)), ())
    assert any("log(x) [born here]  NaN" in line for line in graph_table(told, 120))


def test_nothing_finite_is_said() -> None:
    nodes = (leaf(0, "x", [float("nan")] * 3, tensor([1.0]).numbers), ran(1, "neg", "−x", 1.0, 1.0))
    assert "[NaN, NaN, NaN]" in "".join(graph_table(graph(nodes, ()), 80))


def test_several_outputs_are_shown_apart() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        first, rest = x.split([1, 2])
        return (first * 2).sum() + (rest**2).sum()

    graph = fl.backprop(fn, torch.tensor([1.0, 2.0, 3.0]), check=False)
    told = "\n".join(graph_table(graph, 60))
    assert "0: [1]; 1: [2, 3]" in told
    assert "0: [2]; 1: [4, 6]" in told
    assert "outputs 0: [1]; 1: [2, 3]." in node_sentence(graph, 1)
    recurrent = torch.nn.GRU(2, 2)
    graph = fl.backprop(lambda x: recurrent(x)[0].sum(), torch.ones(3, 1, 2), check=False)
    (line, *_) = [line for line in graph_table(graph, 100) if line.startswith("unbind")]
    assert "3 × (1, 6) " in line
