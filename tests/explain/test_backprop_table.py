"""The table and the tree of a forward and a backward pass, in terminals of any width."""

import numpy as np
import pytest
import torch

import fallline as fl
from explain.graphs import edge, graph, large, leaf, product, ran, stretched, tensor, textbook
from fallline._columns import columns_of
from fallline._explain._backprop import graph_table, graph_tree, node_sentence, tensor_words
from fallline._records import Backprop, ChangedByHook, GraphEdge, GraphNode, NodeKind, NodeMark, TensorValue


def test_the_textbook_table() -> None:
    assert graph_table(textbook(), 120) == [
        "name  computed  value                       local derivative  gradient",
        "x               [1.6695, −1.7944, −0.0315]                    [4.8927, 0.2741, 2.6247]",
        "y     x + 2     [3.6695, 0.2056, 1.9685]    1                 [4.8927, 0.2741, 2.6247]",
        "      y·y       [13.465, 0.042271, 3.875]   y + y             all 0.66667",
        "z     (y·y)·2   [26.93, 0.084543, 7.75]     2                 all 0.33333",
        "      mean(z)   11.588                      1/3 = 0.33333     1",
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
        "      │  │                      both uses added up → [4.8927, 0.2741, 2.6247]",
        "      │  └─ x                   × 1 → [4.8927, 0.2741, 2.6247]",
        "      └─ y = x + 2 (see above)  × y → [2.4463, 0.1371, 1.3123]",
    ]


def test_the_tree_adds_up_where_a_value_is_used_twice() -> None:
    """Each line is what arrived above times the factor: what arrived of two uses is their sum, written out."""
    nodes = (
        leaf(0, "x", 2.0, -5.0),
        ran(1, "add", "x + 1", 3.0, -5.0, "y"),
        ran(2, "rsub", "1 − y", -2.0, 3.0),
        ran(3, "mul", "y · (1 − y)", -6.0, 1.0),
    )
    ways = (edge((1, 3), "1 − y", -2.0, -2.0), edge((2, 3), "y", 3.0, 3.0, 1), edge((1, 2), "−1", -1.0, -3.0))
    assert graph_tree(graph(nodes, (*ways, edge((0, 1), "1", 1.0, -5.0))), 80) == [
        "y · (1 − y)                  1",
        "├─ y = x + 1                 × (1 − y) → −2",
        "│  │                         both uses: −2 + (−3) → −5",
        "│  └─ x                      × 1 → −5",
        "└─ 1 − y                     × y → 3",
        "   └─ y = x + 1 (see above)  × (−1) → −3",
    ]


def test_a_continued_branch_begins_with_all_that_arrived() -> None:
    """x + x, 12 times over: where a branch goes on further down, it begins with the sum of both uses."""
    sizes = [2.0 ** (12 - k) for k in range(13)]
    nodes = [leaf(0, "x", 1.0, sizes[0]), *(ran(k, "add", f"step {k}", 1.0, sizes[k]) for k in range(1, 13))]
    twice = [edge((k, k + 1), "1", 1.0, sizes[k + 1], operand) for k in range(12) for operand in (0, 1)]
    told = graph_tree(graph(nodes, twice), 40)
    assert "step 6 (see below)" in "\n".join(told)
    assert any(line.startswith("step 6 ") and line.endswith("2 uses added up → 64") for line in told)


def test_a_hook_is_said_where_it_changed_what_arrived() -> None:
    hook = ChangedByHook(tensor(1.0), 3.0)
    nodes = (leaf(0, "x", 1.0, 3.0), ran(1, "neg", "−x", -1.0, 3.0, hook=hook), ran(2, "sum", "sum", -1.0, 1.0))
    told = graph_tree(graph(nodes, (edge((0, 1), "−1", -1.0, -3.0), edge((1, 2), "1", 1.0, 1.0))), 80)
    assert [line.split("  ")[-1].strip() for line in told[1:]] == ["× 1 → 1", "changed by a hook → 3", "× (−1) → −3"]


def test_two_values_of_one_text_are_not_one_used_twice() -> None:
    nodes = (
        leaf(0, "x", 1.0, 0.0),
        ran(1, "exp", "exp(x)", 2.0, 0.5),
        ran(2, "exp", "exp(x)", 2.0, -0.5),
        ran(3, "div", "exp(x) / exp(x)", 1.0, 1.0),
    )
    told = graph_table(graph(nodes, (edge((1, 3), "a", 0.5, 0.5), edge((2, 3), "b", -0.5, -0.5, 1))), 100)
    assert "to exp(x) (1st): a = 0.5; to exp(x) (2nd): b = −0.5" in told[-1]


def test_complex_numbers_are_written_as_they_are() -> None:
    one = TensorValue(
        (2,), "complex64", np.array([1.0, 1.0]), 1, 1, 1, 1, parts=(np.array([0, 1.0]), np.array([-1.0, 0]))
    )
    node = GraphNode(0, NodeKind.INPUT, "", "z", "", None, one, None)
    assert "[−i, 1]" in graph_table(graph([node], []), 80)[-1]
    large_one = TensorValue((2000,), "complex64", None, 0.5, 2.0, 1.0, 40.0)
    assert tensor_words(large_one) == "(2000,) |z| 0.5 … 2"


def test_a_stretched_operand_is_summed_in_the_tree() -> None:
    assert any("b" in line and "× 1, summed over the copies → [3, 3]" in line for line in graph_tree(stretched(), 80))


def test_a_narrow_tree_keeps_the_factor_and_cuts_no_number() -> None:
    told = graph_tree(textbook(), 34)
    assert all("× " in line for line in told if line.endswith("× y"))
    assert [line.strip(" │├└─") for line in told[-3:]] == ["y = x + 2 (see above)", "× y", "→ (3,) 0.137 … 2.45"]


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


@pytest.mark.slow
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


def test_a_value_that_is_used_twice_has_its_rules_without_numbers() -> None:
    seen = fl.backprop(lambda x: x * x, torch.tensor([1.0, 2.0, 3.0]), vector=torch.tensor([1.0, 1.0, 0.0]))
    assert "  x + x  " in graph_table(seen)[-1]
    assert "  x + x  " in graph_table(fl.backprop("x*x", at={"x": 3.0}))[-1]
    assert "  1 + 1  " in graph_table(fl.backprop("x + x", at={"x": 3.0}))[-1]
