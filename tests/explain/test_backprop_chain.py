"""The chain rule spelled out: which factors are told, merged or left out, and the numbers behind the letters."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from explain.graphs import edge, graph, leaf, ran, tensor
from fallline._explain._backprop import chain_sentence


def chain_of(*rules: str, names: Mapping[int, str] | None = None) -> str:
    """A chain of these slopes, from x on, each of the value 2."""
    numbers = 2.0 ** np.arange(len(rules), -1, -1)
    nodes = [leaf(0, "x", 2.0, numbers[0])]
    nodes += [ran(k, "mul", f"op {k}", 2.0, numbers[k], (names or {}).get(k)) for k in range(1, len(rules) + 1)]
    edges = [edge((k, k + 1), rule, 2.0, numbers[k]) for k, rule in enumerate(rules)]
    return chain_sentence(graph(nodes, edges), "x").split(" = ")[1]


def test_whole_factors_are_multiplied_into_what_comes_next() -> None:
    assert chain_of("1", "2y", "2", "1/3") == "1/3 · 4y · 1"
    assert chain_of("2y", "2", "3") == "12y"
    assert chain_of("2·x", "2") == "4·x"
    assert chain_of("weight", "3") == "3·weight"
    assert chain_of("x", "2·(a + b)", "2") == "4·(a + b) · x"
    assert chain_of("(a + b)", "3") == "3·(a + b)"
    assert chain_of("x", "1", "w") == "w · 1 · x"


def test_a_leading_one_is_left_out() -> None:
    """The slope of a sum at the end, or a weight of 1: it multiplies by nothing. What is 1 all the way is told."""
    assert chain_of("x", "1") == "x"
    assert chain_of("2y", "1/3", "1") == "1/3 · 2y"
    assert chain_of("1", "1") == "1 · 1"


def test_a_vector_of_one_is_no_factor() -> None:
    nodes = (leaf(0, "x", 2.0, 4.0), ran(1, "pow", "x²", 4.0, 1.0))
    told = graph(nodes, (edge((0, 1), "2·x", 4.0, 4.0),), vector=tensor(1.0))
    assert chain_sentence(told, "x") == "∂(v · result)/∂x = 2·x = 4 (x = 2)."


def test_of_a_rule_in_cases_the_case_that_holds_is_told() -> None:
    nodes = (leaf(0, "x", [2.0, -1.0], [3.0, 0.0]), ran(1, "relu", "relu(x)", [2.0, 0.0], [3.0, 3.0]))
    relu = edge((0, 1), "1 where x > 0, else 0", [1.0, 0.0], [3.0, 0.0])
    tripled = (*nodes, ran(2, "mul", "relu(x) · 3", [6.0, 0.0], [1.0, 1.0]))
    told = graph(tripled, (relu, edge((1, 2), "3", [3.0, 3.0], [3.0, 3.0])), vector=tensor([1.0, 1.0]))
    assert chain_sentence(told, "x") == "∂(v · result)/∂x = 3 · 1 = 3 at entry 0."


def test_a_rule_without_an_operands_name_is_told_by_its_number() -> None:
    nodes = (leaf(0, "x", 2.0, 6.0), ran(1, "mul", "x · …", 6.0, 1.0))
    assert chain_sentence(graph(nodes, (edge((0, 1), "2·right²", 6.0, 6.0),)), "x") == "∂result/∂x = 6."


def test_ways_of_one_factor_keep_their_brackets() -> None:
    nodes = (leaf(0, "x", 1.0, -1.0), ran(1, "neg", "−x", -1.0, 1.0), ran(2, "mul", "−x · x", -1.0, 1.0))
    edges = (edge((0, 1), "−1", -1.0, -1.0), edge((1, 2), "x", 1.0, 1.0), edge((0, 2), "a − x", 0.0, 0.0, 1))
    told = replace(graph(nodes, edges), nodes=nodes)
    assert chain_sentence(told, "x") == "∂result/∂x = x · (−1) + (a − x) = −1 (x = 1)."


def test_the_number_behind_a_power_is_told() -> None:
    nodes = (leaf(0, "a", 2.0, 9.0), leaf(1, "x", 3.0), ran(2, "mul", "a · x²", 18.0, 1.0))
    assert chain_sentence(graph(nodes, (edge((0, 2), "x²", 9.0, 9.0),)), "a") == "∂result/∂a = x² = 9 (x = 3)."


def test_an_entry_is_not_told_of_what_is_taken_of_all() -> None:
    nodes = (
        leaf(0, "x", [1.0, 2.0], [6.0, 6.0]),
        ran(1, "sum", "sum(x)", 3.0, 6.0),
        ran(2, "pow", "sum(x)²", 9.0, 1.0),
    )
    told = graph(nodes, (edge((0, 1), "1", 1.0, [6.0, 6.0]), edge((1, 2), "2·sum(x)", 6.0, 6.0)))
    assert chain_sentence(told, "x") == "∂result/∂x = 2·sum(x) · 1 = 6 at entry 0 (sum(x) = 3)."


def test_small_whole_factors_alone_stay_apart() -> None:
    assert chain_of("cos(x)", "2") == "2 · cos(x)"
    assert chain_of("2", "2") == "2 · 2"
    assert chain_of("2y", "0.5") == "0.5 · 2y"
    assert chain_of("2y", "2", names={1: "w"}) == "2 · 2y"  # a named value is a step of its own
