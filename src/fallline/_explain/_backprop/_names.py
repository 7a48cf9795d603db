"""What nodes are called in a sentence, and which edges leave and reach them."""

import re
from collections.abc import Sequence

from fallline._records import Backprop, GraphEdge, GraphNode, NodeKind, NodeMark
from fallline._wording import visible

LEAVES = frozenset({NodeKind.INPUT, NodeKind.PARAMETER, NodeKind.CONSTANT})

OPERAND = re.compile(r"\b(?:input|left|right)(?![^\W⁰¹²³⁴⁵⁶⁷⁸⁹])")
"""A raised figure may follow, which is a letter to a regular expression."""
SHORT = {NodeMark.NOT_FINITE_HERE: "born here", NodeMark.HIGHER_ORDER: "inner pass"}
"""Marks beside a node: NaN or ∞ stands there itself; a sentence says what an inner backward pass is."""


def called(node: GraphNode) -> str:
    """A node in a few words: its name, else what it computed.

    >>> called(GraphNode(1, NodeKind.OPERATION, "mul", None, "y · y", None, None, None))
    'y · y'
    """
    return visible(node.name or node.text or (f"{node.op} (#{node.id})" if node.op else f"#{node.id}"))


def written_out(node: GraphNode) -> str:
    """A node with its name and what it computed: ``y = x + 2``; ``layer1 (Sequential)`` for a closed group."""
    if node.kind is NodeKind.GROUP:
        return visible(f"{node.name} ({node.op})" if node.op else str(node.name))
    if node.name and node.text and node.text != node.name:
        return visible(f"{node.name} = {node.text}")
    return called(node)


def marked(node: GraphNode, text: str) -> str:
    """A text about a node with its marks behind it: ``y·3 [in place]``."""
    left_out = {NodeMark.GRADIENT_NOT_FINITE_HERE}  # its numbers say so
    if node.kind is NodeKind.GROUP:
        left_out.add(NodeMark.VIEW)  # that a tensor inside is only looked at says nothing of the whole
    marks = [SHORT.get(mark, mark.value) for mark in NodeMark if mark in node.marks and mark not in left_out]
    return f"{text} [{', '.join(marks)}]" if marks else text


def operand_words(graph: Backprop, shown: Sequence[str]) -> list[str]:
    """What "left", "right" and "input" mean, where a rule that is shown says one of them, and what an inner pass is.

    Args:
        graph: one forward and one backward pass.
        shown: what a person reads of it, a table or sentences: a narrow table has no rules.
    """
    rules = {edge.local.rule for edge in graph.edges if edge.local is not None and OPERAND.search(edge.local.rule)}
    text = "\n".join(shown)
    if not any(visible(rule) in text for rule in rules):
        return inner_pass_words(graph)
    said = {word for edge in graph.edges if edge.local is not None for word in OPERAND.findall(edge.local.rule)}
    said -= {node.name for node in graph.nodes}
    told = [f'"{word}" is the {word} operand' for word in ("left", "right") if word in said]
    told += ['"input" is the only operand'] if "input" in said else []
    said_so = [f"In a local derivative, {' and '.join(told)} of its operation."] if told else []
    return [*said_so, *inner_pass_words(graph)]


def inner_pass_words(graph: Backprop) -> list[str]:
    """What those nodes are that a backward pass inside of the function made."""
    inner = sum(NodeMark.HIGHER_ORDER in node.marks for node in graph.nodes)
    if not inner:
        return []
    rows, those = ("row", "It is") if inner == 1 else ("rows", "They are")
    return [
        f"{inner:,} {rows} marked [{SHORT[NodeMark.HIGHER_ORDER]}]: the function itself runs a backward pass. "
        f"{those} the steps of that pass, run forward here: their values make up its gradient, which is then "
        "differentiated once more."
    ]


def edges_from(graph: Backprop, node: int) -> list[GraphEdge]:
    """Those along which a gradient came back to this node."""
    return [edge for edge in graph.edges if edge.source == node and edge.gradient is not None]


def edges_to(graph: Backprop, node: int) -> list[GraphEdge]:
    """Those of its operands, in their order."""
    return sorted((edge for edge in graph.edges if edge.target == node), key=lambda edge: edge.operand)
