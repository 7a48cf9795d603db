"""Texts of nameless operands in place of "…"."""

from explain.graphs import edge, graph, leaf, ran
from fallline._backprop._spelled import spelled_out, spelled_rules
from fallline._records import Backprop


def texts(made: Backprop) -> list[str]:
    return [node.text for node in spelled_out(made.nodes, made.edges)]


def chain(*told: str) -> Backprop:
    """Operations on one another, from x on."""
    nodes = [leaf(0, "x", 1.0, 1.0), *(ran(k, "op", text, 1.0, 1.0) for k, text in enumerate(told, 1))]
    return graph(nodes, [edge((k, k + 1), "1", 1.0, 1.0) for k in range(len(told))])


def test_an_operand_without_a_name_is_written_out() -> None:
    assert texts(chain("x · x", "(…) · 2", "sum(…)")) == ["", "x · x", "(x · x) · 2", "sum((x · x) · 2)"]


def test_brackets_only_where_the_reading_would_change() -> None:
    assert texts(chain("w · x", "(…) + b"))[-1] == "w · x + b"
    assert texts(chain("w · sin(x)", "a − (…)"))[-1] == "a − w · sin(x)"
    assert texts(chain("x²", "a · (…)", "(…) − 1"))[-1] == "a · x² − 1"
    assert texts(chain("(w · x + b)²", "(…) · 2"))[-1] == "(w · x + b)² · 2"
    assert texts(chain("x²", "(…)³"))[-1] == "(x²)³"
    assert texts(chain("a − b", "c − (…)"))[-1] == "c − (a − b)"
    assert texts(chain("−x", "a + (…)"))[-1] == "a + (−x)"
    assert texts(chain("x · y", "1 / (…)"))[-1] == "1 / (x · y)"
    assert texts(chain("x · y", "a + 2·(…)"))[-1] == "a + 2·(x · y)"


def test_a_long_text_keeps_its_placeholder() -> None:
    long = "softmax(something_rather_long, dim=1)"
    assert texts(chain(long, "sum(…)", "(…) · 2")) == ["", long, "sum(…)", "sum(…) · 2"]


def test_a_named_operand_is_not_put_in() -> None:
    nodes = (leaf(0, "x", 1.0, 1.0), ran(1, "add", "x + 2", 1.0, 1.0, "y"), ran(2, "mul", "y · 2", 1.0, 1.0))
    made = graph(nodes, (edge((0, 1), "1", 1.0, 1.0), edge((1, 2), "2", 1.0, 1.0)))
    assert texts(made) == ["", "x + 2", "y · 2"]


def test_an_operand_that_is_written_already_is_not_counted() -> None:
    nodes = (
        leaf(0, "W", 1.0, 1.0),
        ran(1, "t", "Wᵀ", 1.0, 1.0),
        ran(2, "exp", "exp(W)", 1.0, 1.0),
        ran(3, "matmul", "… @ Wᵀ", 1.0, 1.0),
    )
    made = graph(nodes, (edge((2, 3), "1", 1.0, 1.0), edge((1, 3), "1", 1.0, 1.0, 1)))
    assert texts(made)[3] == "exp(W) @ Wᵀ"


def test_where_the_count_does_not_fit_nothing_is_put_in() -> None:
    nodes = (leaf(0, "x", 1.0, 1.0), ran(1, "cat", "cat(…, …)", 1.0, 1.0))
    assert texts(graph(nodes, ())) == ["", "cat(…, …)"]


def rules(made: Backprop) -> list[str]:
    return [each.local.rule for each in spelled_rules(made.nodes, made.edges) if each.local is not None]


def test_rules_name_what_they_are_taken_of() -> None:
    nodes = (leaf(0, "x", 1.0, 1.0), ran(1, "add", "x + 2", 1.0, 1.0), ran(2, "pow", "(x + 2)²", 1.0, 1.0))
    edges = (edge((0, 1), "1", 1.0, 1.0), edge((1, 2), "2·input", 1.0, 1.0))
    assert rules(graph(nodes, edges)) == ["1", "2·(x + 2)"]
    named = (leaf(0, "input", 1.0, 1.0), *nodes[1:])
    assert rules(graph(named, edges)) == ["1", "2·input"]


def test_a_rule_that_is_the_operand_needs_no_brackets() -> None:
    nodes = (leaf(0, "a", 1.0, 1.0), leaf(1, "x", 1.0, 1.0), ran(2, "pow", "x²", 1.0, 1.0), ran(3, "mul", "", 1.0, 1.0))
    edges = (edge((1, 2), "2·x", 1.0, 1.0), edge((0, 3), "right", 1.0, 1.0), edge((2, 3), "a", 1.0, 1.0, 1))
    assert rules(graph(nodes, edges)) == ["2·x", "x²", "a"]


def test_rules_of_two_operands() -> None:
    nodes = (
        leaf(0, "x", 1.0, 1.0),
        ran(1, "sin", "sin(x)", 1.0, 1.0),
        ran(2, "exp", "exp(" + "x" * 12 + ")", 1.0, 1.0),
        ran(3, "mul", "(…) · (…)", 1.0, 1.0),
    )
    edges = (edge((1, 3), "right", 1.0, 1.0), edge((2, 3), "left", 1.0, 1.0, 1))
    assert rules(graph(nodes, edges)) == ["right", "sin(x)"]
