"""What was computed, with the texts of nameless operands in place of "…", where it stays short."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fallline._backprop._rule_wording import grouped
from fallline._records import GraphEdge, GraphNode, NodeKind

PLACE = "…"
CONSTANT = "constant ("
"""How the name of one without a name begins."""
BRACKETED = re.compile(r"(?<!\w)\(…\)|…")
"""A placeholder with brackets that are not those of a function."""
MOST_CHARACTERS = 32
"""Longer texts keep their placeholders."""
MOST_IN_RULES = 16
SUM, PRODUCT = ("+", "−"), ("·", "/", "@")
NESTED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
FACTOR = re.compile(r"\w[\w.^]*")
FACTORS = re.compile(rf"{FACTOR.pattern}(?: [·/@] {FACTOR.pattern})*")
"""Where what stands in brackets is one letter."""
WORDS = ("input", "left", "right")
"""What rules call an operand that has no name."""
ADDED = frozenset({"addcmul", "addcdiv", "addr", "linear"})
"""Operations in which "left" and "right" are the second and third operand: something is added to them."""
BY_ONE = re.compile(r"(?<![\w.])1·|/1²?$")
"""A factor or divisor that changes nothing, where a 1 was put in for a word."""
WORD = re.compile(r"\b(?:input|left|right)(?![^\W⁰¹²³⁴⁵⁶⁷⁸⁹])")
"""A raised figure may follow, which is a letter to a regular expression."""


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
            _used(_said(told[edge.source]), edge)
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
        source = nodes[edge.source]
        operands.setdefault(edge.target, {})[edge.operand] = replace(source, text=_used(source.text, edge))
    return [_with_operands(edge, nodes[edge.target].op, operands[edge.target]) for edge in edges]


def _with_operands(edge: GraphEdge, op: str, operands: Mapping[int, GraphNode]) -> GraphEdge:
    if edge.local is None or not WORD.search(edge.local.rule):
        return edge
    texts = {place: _said(node) for place, node in operands.items() if _is_nameless(node) and _is_short(_said(node))}
    known: dict[str, str] = {}
    flowing = {place for place, node in operands.items() if node.kind is not NodeKind.CONSTANT}
    if len(flowing) == 1:
        known = dict(zip(WORDS[:1], [texts[place] for place in flowing if place in texts], strict=False))
    if set(operands) <= {0, 1}:
        known |= {WORDS[place + 1]: text for place, text in texts.items()}
    elif op in ADDED:
        known |= {WORDS[place]: text for place, text in texts.items() if place in (1, 2)}
    whole = edge.local.rule

    def put(found: re.Match[str]) -> str:
        text = known.get(found[0], found[0])
        alone = whole[: found.start()].endswith("(") and whole[found.end() :].startswith(")")
        return text if alone or found[0] == whole else grouped(text)

    rule = BY_ONE.sub("", WORD.sub(put, whole)) if "1" in known.values() else WORD.sub(put, whole)
    return replace(edge, local=replace(edge.local, rule=rule))


def _used(text: str, edge: GraphEdge) -> str:
    """Of several outputs the one that the edge begins at: ``unbind(x)[0]``."""
    return text if edge.output is None or not text else f"{text}[{edge.output}]"


def _is_short(text: str) -> bool:
    return bool(text) and PLACE not in text and len(text) <= MOST_IN_RULES


def _is_left_out(operand: GraphNode, text: str) -> bool:
    """A nameless operand that the text does not write out already, as ``weightᵀ`` in ``x @ weightᵀ``."""
    return _is_nameless(operand) and (not operand.text or operand.text not in text)


def _is_nameless(node: GraphNode) -> bool:
    """Also a constant that has only its shape for a name."""
    return node.name is None or (node.kind is NodeKind.CONSTANT and node.name.startswith(CONSTANT))


def _said(node: GraphNode) -> str:
    """What a nameless operand computed; of a constant that is 1 everywhere the number."""
    if node.name is None:
        return node.text
    value = node.value
    ones = value is not None and value.least == value.greatest == 1 and value.not_finite == 0
    return "1" if ones else "constant"


def _needs_none(before: str, operand: str, after: str) -> bool:
    """A product beside + and − alone, w · x + b, and a power beside any sign, a · x², need no brackets."""
    inside = operand if before else operand.removeprefix("−")  # −x · y is −(x · y)
    while (without := NESTED.sub("_", inside)) != inside:
        inside = without
    if FACTOR.fullmatch(inside) is not None:
        signs: tuple[str, ...] = (*SUM, *PRODUCT)
    elif FACTORS.fullmatch(inside) is not None:
        signs = SUM
    else:
        return False
    return (not before or before.endswith(signs)) and (not after or after.startswith(signs))


def _filled(text: str, operands: Sequence[str]) -> str:
    if not operands or text.count(PLACE) != len(operands) or not all(operands):
        return text
    left = iter(operands)

    def put(found: re.Match[str]) -> str:
        operand = next(left)
        before, after = text[: found.start()].rstrip(), text[found.end() :].lstrip()
        alone = found[0] == PLACE and before.endswith(("(", ",")) and after.startswith((")", ","))
        return operand if alone or _needs_none(before, operand, after) else grouped(operand)

    whole = BRACKETED.sub(put, text)
    return whole if len(whole) <= MOST_CHARACTERS else text
