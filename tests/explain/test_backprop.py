"""Words for one forward and one backward pass, on hand-made records. docs/semantics.md#backpropagation."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import fallline as fl
from explain.graphs import edge, graph, large, leaf, product, ran, stretched, tensor, textbook, wrong_cube
from fallline._explain._backprop import (
    chain_sentence,
    check_sentences,
    edge_sentence,
    jacobian_lines,
    node_sentence,
    operand_words,
    story,
    tensor_words,
)
from fallline._explain._backprop._beyond import beyond_words
from fallline._records import (
    CheckedInput,
    GradientCheck,
    GraphEdge,
    GraphNode,
    LocalDerivative,
    NodeKind,
    NodeMark,
    TensorValue,
)


def test_the_textbook_case_in_three_lines() -> None:
    assert story(textbook()) == [
        "The result is 11.588.",
        "x.grad = [4.8927, 0.2741, 2.6247].",
        "∂result/∂x = 1/3 · 4y · 1 = 4.8927 at entry 0 (y = 3.6695).",
    ]


def test_forward_in_words() -> None:
    told = [node_sentence(textbook(), place) for place in range(5)]
    assert told == [
        "x = [1.6695, −1.7944, −0.0315], an input.",
        "y = x + 2 = [3.6695, 0.2056, 1.9685].",
        "y·y = [13.465, 0.042271, 3.875]. Kept for the way back: y (3,).",
        "z = (y·y)·2 = [26.93, 0.084543, 7.75].",
        "mean(z) = 11.588.",
    ]


def test_an_edge_names_its_largest_entry_the_slope_and_what_arrived() -> None:
    assert edge_sentence(textbook(), 4) == (
        "Entry 0: the slope here is 1/3 = 0.33333, times 1 that arrived, gives 0.33333."
    )
    assert edge_sentence(textbook(), 3) == "Entry 0: the slope here is 2, times 0.33333 that arrived, gives 0.66667."


def test_two_uses_add_up() -> None:
    for place in (1, 2):
        assert edge_sentence(textbook(), place) == (
            "Entry 0: the slope here is y = 3.6695, times 0.66667 that arrived, gives 2.4463. "
            "y is used twice: what comes back adds up, 2.4463 + 2.4463 = 4.8927."
        )


def test_why_a_stretched_operand_is_summed() -> None:
    assert edge_sentence(stretched(), 1) == (
        "Entry 0: here b was stretched from (2,) to (3, 2): this entry was used 3 times, so what comes back is summed. "
        "The slope is 1; times what arrived at each, it gives 1 + 1 + 1 = 3."
    )


def test_a_product_is_told_by_its_rule_and_what_was_formed() -> None:
    assert edge_sentence(product(), 0) == (
        "What goes on is grad @ Wᵀ: (1, 2) @ (2, 2) → (1, 2), "
        "which gives [[−1.0, 6.5]]; its largest entry is 6.5 at entry [0, 1]."
    )


def test_a_number_that_is_not_the_product_is_not_told() -> None:
    """A sentence that does not hold is not said: here autograd got something else than slope times arrived."""
    edges = list(textbook().edges)
    edges[4] = replace(edges[4], gradient=tensor([7.0, 7.0, 7.0]))
    told = edge_sentence(replace(textbook(), edges=tuple(edges)), 4)
    assert "times 1 that arrived" not in told
    assert chain_sentence(replace(textbook(), edges=tuple(edges)), "x") == "∂result/∂x = [4.8927, 0.2741, 2.6247]."


def test_the_chain_over_two_ways_is_a_sum() -> None:
    """sin(x)·x."""
    x, s, c = 1.2, np.sin(1.2), np.cos(1.2)
    nodes = (leaf(0, "x", x, c * x + s), ran(1, "sin", "sin(x)", s, x), ran(2, "mul", "sin(x)·x", s * x, 1.0))
    edges = (edge((0, 1), "cos(x)", c, c * x), edge((1, 2), "x", x, x), edge((0, 2), "sin(x)", s, s, 1))
    assert chain_sentence(graph(nodes, edges), "x") == "∂result/∂x = x · cos(x) + sin(x) = 1.3669 (x = 1.2)."


def test_the_chain_begins_with_the_vector() -> None:
    nodes = (leaf(0, "x", [1.0, 2.0], [0.6, 20.0]), ran(1, "pow", "x²", [1.0, 4.0], [0.3, 5.0]))
    edges = (edge((0, 1), "2·x", [2.0, 4.0], [0.6, 20.0]),)
    told = graph(nodes, edges, vector=tensor([0.3, 5.0]))
    assert chain_sentence(told, "x") == "∂(v · result)/∂x = 5 · 2·x = 20 at entry 1 (x = 2)."
    assert story(told)[0] == (
        "The result is [1, 4]. The way back began with the vector [0.3, 5.0]: so much each entry weighs."
    )


def test_the_chain_of_a_stretched_operand_is_a_sum_over_entries() -> None:
    assert chain_sentence(stretched(), "b") == (
        "∂result/∂b = Σ 1 · 1 = 3 at entry 0 (Σ over the 3 entries it went into)."
    )


def test_a_negative_slope_stands_in_brackets() -> None:
    nodes = (leaf(0, "x", 2.0, -4.0), ran(1, "neg", "−x", -2.0, 2.0), ran(2, "mul", "(−x)·2", -4.0, 1.0))
    edges = (edge((0, 1), "−1", -1.0, -2.0), edge((1, 2), "2", 2.0, 2.0))
    told = replace(graph(nodes, edges), nodes=(leaf(0, "x", 2.0, -2.0), *nodes[1:]))
    assert chain_sentence(told, "x") == "∂result/∂x = 2 · (−1) = −2."


def test_why_a_gradient_is_none() -> None:
    why = "it is detached before it is used."
    nodes = (leaf(0, "x", 2.0, 1.0), leaf(1, "a", 2.0, no_gradient=why), ran(2, "mul", "x·1", 2.0, 1.0))
    told = graph(nodes, (edge((0, 2), "1", 1.0, 1.0), GraphEdge(1, 2, 1)))
    assert chain_sentence(told, "a") == "a has no gradient: it is detached before it is used."
    assert edge_sentence(told, 1) == "Nothing goes back from x·1 to a: it is detached before it is used."
    assert story(told)[1] == "x.grad = 1. a has no gradient: it is detached before it is used."
    assert "No gradient arrived: it is detached before it is used." in node_sentence(told, 1)


def test_class_numbers_are_not_asked_for_a_gradient() -> None:
    target = replace(leaf(1, "t", 1.0, no_gradient="t is of int64."), value=replace(tensor(1.0), dtype="int64"))
    nodes = (leaf(0, "x", 2.0, 1.0), target, ran(2, "nll_loss", "nll_loss(x, t)", 2.0, 1.0))
    assert story(graph(nodes, (edge((0, 2), "1", 1.0, 1.0), GraphEdge(1, 2, 1))))[1] == "x.grad = 1."


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (NodeMark.VIEW, "It is a view: it shares the memory of its operand."),
        (NodeMark.IN_PLACE, "It wrote over its operand (in place)."),
        (NodeMark.DETACHED, "Its gradient ends here: it is detached from what it was made of."),
        (NodeMark.CUSTOM, "Its step back is its author's own: Cube, an autograd.Function."),
        (NodeMark.RANDOM, "It drew random numbers."),
        (NodeMark.HIGHER_ORDER, "It was made by a backward pass inside: a derivative is differentiated here."),
        (NodeMark.NOT_FINITE_HERE, "NaN is born here: its operands are finite."),
        (NodeMark.GRADIENT_NOT_FINITE_HERE, "The gradient that arrives here is finite, and one that leaves is not."),
    ],
)
def test_marks_in_words(mark: NodeMark, said: str) -> None:
    value = np.nan if mark is NodeMark.NOT_FINITE_HERE else 1.0
    nodes = (leaf(0, "x", 1.0, 1.0), ran(1, "Cube", "Cube(x)", value, 1.0, marks=frozenset({mark})))
    assert said in node_sentence(graph(nodes, ()), 1)


def test_where_a_number_stops_being_finite_is_the_news() -> None:
    nodes = (
        leaf(0, "x", -1.0, np.nan),
        ran(1, "log", "log(x)", np.nan, 2.0, "y", marks=frozenset({NodeMark.NOT_FINITE_HERE})),
        ran(2, "mul", "y·2", np.nan, 1.0),
    )
    edges = (edge((0, 1), "1/x", -1.0, np.nan), edge((1, 2), "2", 2.0, 2.0))
    assert story(graph(nodes, edges))[2] == "NaN is born in y = log(x): x is −1."
    nodes = (
        leaf(0, "x", 0.0, np.inf),
        ran(1, "sqrt", "sqrt(x)", 0.0, 1.0, marks=frozenset({NodeMark.GRADIENT_NOT_FINITE_HERE})),
    )
    told = graph(nodes, (edge((0, 1), "1/(2·√x)", np.inf, np.inf),))
    assert story(told)[2].startswith("The gradient stops being finite at sqrt(x)")
    assert edge_sentence(told, 0) == "The slope here is 1/(2·√x) = ∞, times 1 that arrived, gives ∞."


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (40, 50)])
def test_nothing_is_known_and_nothing_raises(shape: tuple[int, ...]) -> None:
    """No values, no numbers, no rules, shapes that do not fit: fewer words, and no exception."""
    numbers = TensorValue(shape, "float32", np.full(shape, np.nan), np.nan, np.nan, np.nan, np.nan, int(np.prod(shape)))
    for value, local in (
        (None, None),
        (numbers, None),
        (numbers, LocalDerivative("", numbers)),
        (None, LocalDerivative("")),
    ):
        nodes = (
            GraphNode(0, NodeKind.INPUT, "", "x", "", None, value, value),
            GraphNode(1, NodeKind.OPERATION, "op", None, "", None, value, value),
            GraphNode(2, NodeKind.OPERATION, "op", None, "op(…)", None, None, large((7,), 0.0, 1.0)),
        )
        edges = (
            GraphEdge(0, 1, 0, local, value),
            GraphEdge(1, 2, 0, local, value),
            GraphEdge(1, 2, 1, local, large((7,), 0, 1)),
        )
        told = graph(nodes, edges, vector=value)
        words = [edge_sentence(told, k) for k in range(3)] + [node_sentence(told, k) for k in range(3)]
        words += [chain_sentence(told, "x"), *story(told), str(fl.explain(told))]
        assert all(words)


# ---------------------------------------------------------------- the check


def test_agreement_in_words() -> None:
    assert check_sentences(textbook()) == [
        "The gradient agrees with central differences in float64: 3 entries of x, largest difference 2×10⁻⁹."
    ]
    assert check_sentences(textbook(check=None)) == []


def checked(**fields: Any) -> CheckedInput:
    settled = {"name": "W", "entries": 1, "directions": 0, "largest_difference": 1e-12, "relative_difference": 0.0}
    return CheckedInput(**(settled | {"at": None, "autograd": 1.0, "differences": 1.0, "agrees": True} | fields))


def test_directions_and_many_tensors_are_counted() -> None:
    both = (checked(entries=12), checked(name="b", entries=0, directions=16, largest_difference=3e-7))
    told = check_sentences(textbook(check=GradientCheck(both, 1e-6, remarks=("Beside a kink: 1 entry.",))))
    assert told == [
        "The gradient agrees with central differences in float64: 12 entries and 16 random directions of W and b, "
        "largest difference 3×10⁻⁷.",
        "Beside a kink: 1 entry.",
    ]
    many = tuple(checked(name=f"w{k}") for k in range(9))
    assert "9 entries of 9 tensors" in check_sentences(textbook(check=GradientCheck(many, 1e-6)))[0]
    assert "1 entry of W" in check_sentences(textbook(check=GradientCheck((checked(),), 1e-6)))[0]


def test_nothing_was_compared_beside_a_number_that_is_not_finite() -> None:
    nothing = {"entries": 0, "largest_difference": np.nan, "why_not": "the result beside this point is NaN"}
    none = GradientCheck((checked(**nothing), checked(name="b", **nothing)), 1e-6, remarks=("A remark.",))
    assert (none.compared, none.agrees, none.wrong) == (False, False, False)
    assert check_sentences(textbook(check=none)) == [
        "Nothing of W and b could be compared: the result beside this point is NaN.",
        "A remark.",
    ]
    assert check_sentences(textbook(check=GradientCheck((), 1e-6))) == [
        "Nothing could be compared with central differences."
    ]
    assert fl.explain(textbook(check=none)).sentences[:1] == ("The result is 11.588.",)  # no mismatch


def test_how_many_of_all_entries_were_compared() -> None:
    some = (checked(entries=6, planned=160), checked(name="b", entries=0, why_not="it lies beside a kink"))
    told = check_sentences(textbook(check=GradientCheck(some, 1e-6)))
    assert told == [
        "Only 1 of 2 gradients could be compared, and this agrees with central differences in float64: "
        "6 of 160 entries of W, largest difference 1×10⁻¹².",
        "Nothing of b could be compared: it lies beside a kink.",
    ]


def test_no_more_agrees_than_was_compared() -> None:
    left = GradientCheck((checked(), checked(name="V"), checked(name="b", entries=0, why_not="a kink")), 1e-6)
    assert (left.left_out, left.agrees, left.wrong) == (("b",), False, False)
    assert check_sentences(textbook(check=left))[0].startswith(
        "Only 2 of 3 gradients could be compared, and these agree"
    )
    nothing_but_rounding = replace(left, rounding=("b",))
    assert (nothing_but_rounding.left_out, nothing_but_rounding.agrees) == ((), True)


def test_left_and_right_are_explained_where_a_rule_says_them() -> None:
    nodes = (leaf(0, "x", 2.0, 4.0), ran(1, "mul", "…", 2.0, 2.0), ran(2, "mul", "…", 4.0, 1.0))
    told = graph(nodes, (edge((0, 1), "2·right", 2.0, 4.0), edge((1, 2), "cos(left)", 2.0, 2.0)))
    words = 'In a local derivative, "left" is the left operand and "right" is the right operand of its operation.'
    assert words in fl.explain(told).sentences
    assert not any("operand" in each for each in fl.explain(textbook()).sentences)
    named = replace(told, nodes=(replace(nodes[0], name="right"), replace(nodes[1], name="left"), nodes[2]))
    assert not any("operand" in each for each in fl.explain(named).sentences)


def test_a_title_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in str(fl.explain(textbook(title="\x1b[2Jred", remarks=("\x1b[31m",))))


def test_an_input_that_is_the_result_has_no_chain() -> None:
    assert chain_sentence(graph((leaf(0, "x", 3.0, 1.0),), ()), "x") == "∂result/∂x = 1."


def test_a_mismatch_names_the_entry_both_values_and_the_edge() -> None:
    assert check_sentences(wrong_cube()) == [
        "The gradient of x is wrong at entry 1: autograd says 4, central differences in float64 say 12.",
        "Cube's own step back is wrong: from Cube(x) to x.",
    ]
    assert edge_sentence(wrong_cube(), 0).endswith(
        "This step back is wrong: Cube gives another slope than central differences."
    )


def test_a_mismatch_along_a_direction() -> None:
    wrong = checked(entries=0, directions=16, agrees=False, autograd=1.0, differences=1.000001)
    assert check_sentences(textbook(check=GradientCheck((wrong,), 1e-9))) == [
        "The gradient of W is wrong along a random direction: autograd says 1.0, "
        "central differences in float64 say 1.000001."
    ]


# ---------------------------------------------------------------- numbers, large tensors, the door


def test_large_tensors_by_shape_and_range() -> None:
    assert tensor_words(large((64, 3), -2.14159, 3.4)) == "(64, 3) −2.1416 … 3.4"
    assert tensor_words(large((64, 3), 0.5, 0.5)) == "(64, 3) all 0.5"
    assert tensor_words(tensor([np.nan] * 20)) == "(20,) nothing finite"
    assert tensor_words(tensor([1.0] * 19 + [np.inf])) == "(20,) 1, 1 not finite"
    assert tensor_words(tensor([])) == "(0,) empty"
    assert tensor_words(tensor([1.25e-7])) == "[1.25×10⁻⁷]"
    assert tensor_words(tensor([1.0, np.nan, -np.inf])) == "[1, NaN, −∞]"


def test_a_jacobian_as_lines() -> None:
    told = textbook(jacobians={"x": np.array([[1.0, -0.5], [0.0, 12.25]]), "W": np.arange(400.0).reshape(2, 200)})
    assert jacobian_lines(told, 80) == [
        "∂result/∂x: 2 × 2",
        "  1   −0.5",
        "  0  12.25",
        "",
        "∂result/∂W: 2 × 200",
        "  (2, 200) 0 … 399; --json has all of it",
    ]
    assert jacobian_lines(textbook(), 80) == []


def test_explained() -> None:
    told = fl.explain(textbook())
    assert told.title == "y = x + 2; z = y*y*2; z.mean()"
    assert told.sentences[:3] == tuple(story(textbook()))
    assert "Back from mean(z) to z, entry 0: the slope here is 1/3 = 0.33333" in told.sentences[3]
    assert told.sentences[-1].startswith("The gradient agrees with central differences")
    assert sum("adds up" in sentence for sentence in told.sentences) == 1
    with pytest.raises(fl.OptionError, match="leave step out"):
        fl.explain(textbook(), step=0)


def test_a_parameter_and_a_constant_say_what_they_are() -> None:
    nodes = (
        leaf(0, "weight", 1.0, 2.0, kind=NodeKind.PARAMETER),
        leaf(1, "target", 3.0, kind=NodeKind.CONSTANT),
        ran(2, "mul", "weight·target", 3.0, 1.0),
    )
    told = graph(nodes, (GraphEdge(0, 2, 0, LocalDerivative("target", tensor(3.0)), tensor(2.0)), GraphEdge(1, 2, 1)))
    assert node_sentence(told, 0) == "weight = 1, a parameter."
    assert node_sentence(told, 1) == "target = 3, a constant: no gradient is asked of it."


def test_tensors_that_were_moved_together_are_counted_so() -> None:
    along = [CheckedInput(f"w{k}", 0, 4, 1e-9, 1e-9, None, 2.0, 2.0, True, planned=4) for k in range(6)]
    (told,) = check_sentences(textbook(check=GradientCheck(tuple(along), 1e-6)))
    assert "4 random directions of 6 tensors together, largest" in told
    apart = [replace(one, autograd=float(k)) for k, one in enumerate(along)]
    (told,) = check_sentences(textbook(check=GradientCheck(tuple(apart), 1e-6)))
    assert "24 random directions of 6 tensors, largest" in told


def test_operands_are_explained_only_where_a_rule_is_shown() -> None:
    rule = graph((leaf(0, "x", 1.0, 1.0), ran(1, "f", "f(x)", 1.0, 1.0)), (edge((0, 1), "2·input", 2.0, 2.0),))
    assert operand_words(rule, ["x  2·input  1"]) != []
    assert operand_words(rule, ["x  1", "f(x)  1"]) == []


def test_no_entries_are_said() -> None:
    value = TensorValue((0,), "float32", np.zeros(0), np.nan, np.nan, np.nan, np.nan)
    nodes = (
        replace(leaf(0, "x", 1.0), value=value),
        ran(1, "mean", "mean(x)", np.nan, 1.0, marks=frozenset({NodeMark.NOT_FINITE_HERE})),
    )
    assert story(graph(nodes, (GraphEdge(0, 1, 0),)))[-1] == "NaN is born in mean(x): x has no entries."


def test_numbers_beyond_a_dtype() -> None:
    small, large = (graph((leaf(0, "x", 1.0, 1.0), ran(1, "f", "f(x)", 1.0, 1.0)), (edge((0, 1), "r", size, 0.0),))
                    for size in (1e-60, 1e60))  # fmt: skip
    assert beyond_words(small, "float32")[0].endswith(
        "float32 has no number between 0 and 1.4×10⁻⁴⁵, so it is 0 there."
    )
    assert beyond_words(large, "float32")[0].endswith("float32 has no number above 3.4×10³⁸.")
    assert beyond_words(small, "float64") == beyond_words(textbook(), "float32") == []
    assert beyond_words(large, "bfloat16") != []
