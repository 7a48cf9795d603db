"""What was computed, with the texts of nameless operands in place of "…", where it stays short."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fallline._backprop._rule_wording import grouped
from fallline._records import GraphEdge, GraphNode

PLACE = "…"
BRACKETED = re.compile(r"(?<!\w)\(…\)|…")
"""A placeholder with brackets that are not those of a function."""
MOST_CHARACTERS = 32
"""Longer texts keep their placeholders."""
MOST_IN_RULES = 12
WORDS = ("input", "left", "right")
"""What rules call an operand that has no name."""
WORD = re.compile(r"\b(?:input|left|right)\b")


def spelled_out(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> list[GraphNode]:
    """The nodes with ``(y · y) · 2`` for ``(…) · 2``.

    Operands come before what uses them, so that their own texts are whole already. A text is left as it is where it
    has not one placeholder for each nameless operand.
    """
    operands: dict[int, list[GraphEdge]] = {}
    for edge in edges:
        operands.setdefault(edge.target, []).append(edge)
    told: dict[int, GraphNode] = {}
    for node in nodes:
        nameless = [
            told[edge.source].text
            for edge in sorted(operands.get(node.id, ()), key=lambda edge: edge.operand)
            if edge.source in told and _is_left_out(told[edge.source], node.text)
        ]
        told[node.id] = replace(node, text=_filled(node.text, nameless))
    return list(told.values())


def spelled_rules(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> list[GraphEdge]:
    """The edges with ``2·(x + 2)`` for ``2·input``, as long as the operand's text is short.

    "input" is the only operand, "left" and "right" are the two of an operation of two. A graph with a node of such a
    name keeps its rules: the word may be that node's.
    """
    if any(node.name in WORDS for node in nodes):
        return list(edges)
    operands: dict[int, dict[int, GraphNode]] = {}
    for edge in edges:
        operands.setdefault(edge.target, {})[edge.operand] = nodes[edge.source]
    return [_with_operands(edge, operands[edge.target]) for edge in edges]


def _with_operands(edge: GraphEdge, operands: Mapping[int, GraphNode]) -> GraphEdge:
    if edge.local is None or not WORD.search(edge.local.rule):
        return edge
    texts = {place: node.text for place, node in operands.items() if node.name is None and _is_short(node.text)}
    known: dict[str, str] = {}
    if len(operands) == 1:
        known = dict(zip(WORDS[:1], texts.values(), strict=False))
    elif set(operands) == {0, 1}:
        known = {WORDS[place + 1]: text for place, text in texts.items()}
    rule = WORD.sub(lambda found: grouped(known[found[0]]) if found[0] in known else found[0], edge.local.rule)
    return replace(edge, local=replace(edge.local, rule=rule))


def _is_short(text: str) -> bool:
    return bool(text) and PLACE not in text and len(text) <= MOST_IN_RULES


def _is_left_out(operand: GraphNode, text: str) -> bool:
    """A nameless operand that the text does not write out already, as ``weightᵀ`` in ``x @ weightᵀ``."""
    return operand.name is None and (not operand.text or operand.text not in text)


def _filled(text: str, operands: Sequence[str]) -> str:
    if not operands or text.count(PLACE) != len(operands) or not all(operands):
        return text
    left = iter(operands)

    def put(found: re.Match[str]) -> str:
        operand = next(left)
        before, after = text[: found.start()].rstrip(), text[found.end() :].lstrip()
        alone = found[0] == PLACE and before.endswith(("(", ",")) and after.startswith((")", ","))
        return operand if alone else grouped(operand)

    whole = BRACKETED.sub(put, text)
    return whole if len(whole) <= MOST_CHARACTERS else text
