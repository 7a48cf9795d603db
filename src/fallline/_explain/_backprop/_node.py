"""One node of the way forward as a sentence: what was computed, and what is worth knowing of it."""

import numpy as np

from fallline._explain._backprop._gradient_birth import gradient_birth
from fallline._explain._backprop._kept import kept_words
from fallline._explain._backprop._names import called, written_out
from fallline._explain._backprop._tensor_words import (
    at,
    entry_words,
    figure,
    largest_entry,
    outputs_words,
    tensor_words,
)
from fallline._explain._numbers import count, listed
from fallline._records import Backprop, GraphNode, NodeKind, NodeMark
from fallline._wording import visible

MARKS = {
    NodeMark.VIEW: "It is a view: it shares the memory of its operand.",
    NodeMark.IN_PLACE: "It wrote over its operand (in place).",
    NodeMark.DETACHED: "Its gradient ends here: it is detached from what it was made of.",
    NodeMark.RANDOM: "It drew random numbers.",
    NodeMark.HIGHER_ORDER: "It was made by a backward pass inside: a derivative is differentiated here.",
    NodeMark.GRADIENT_NOT_FINITE_HERE: "The gradient that arrives here is finite, and one that leaves is not.",
    NodeMark.WRITTEN_PAST: "Its numbers were changed where autograd does not see it.",
    NodeMark.HOOK: "A hook changed the gradient that arrived here.",
}
IN_NOTES = frozenset({NodeMark.WRITTEN_PAST, NodeMark.HOOK})
"""Told by the node's own notes, where it has some."""


def node_sentence(graph: Backprop, node_id: int) -> str:
    """What one node computed on the way forward: ``y = x + 2 = [3.6695, 0.2056, 1.9685].``

    Args:
        graph: one forward and one backward pass.
        node_id: its place in ``graph.nodes``.
    """
    node = graph.nodes[node_id]
    told = [_value(node), *mark_sentences(node)]
    if NodeMark.GRADIENT_NOT_FINITE_HERE in node.marks:
        told.append(gradient_birth(graph, node))
    if node.gradient is None and node.no_gradient and node.kind is not NodeKind.CONSTANT:
        told.append(_full(f"No gradient arrived: {node.no_gradient[0].lower()}{node.no_gradient[1:]}"))
    if node.saved:
        told.append(f"Kept for the way back: {visible(listed(kept_words(graph, node)))}.")
    return " ".join(told)


def mark_sentences(node: GraphNode) -> list[str]:
    """Each mark in words, in the order in which the record names them, and the node's notes."""
    told = []
    for mark in NodeMark:
        if mark not in node.marks or (mark in IN_NOTES and node.notes):
            continue
        if mark is NodeMark.CUSTOM:
            told.append(f"Its step back is its author's own: {visible(node.op)}, an autograd.Function.")
        elif mark is NodeMark.NOT_FINITE_HERE:
            told.append(f"{born(node)} is born here: its operands are finite.")
        else:
            told.append(MARKS[mark])
    return [*told, *map(visible, node.notes)]


def birth_sentence(graph: Backprop, node: GraphNode) -> str:
    """Where a number stops being finite, and of what: ``NaN is born in log(x), at entry 1: x is −2 there.``"""
    entry = largest_entry(node.value)
    told = f"{born(node)} is born in {written_out(node)}"
    operands = [graph.nodes[edge.source] for edge in graph.edges if edge.target == node.id]
    empty = [called(one) for one in operands if one.value is not None and one.value.count == 0]
    if empty:
        return f"{told}: {listed(list(dict.fromkeys(empty)))} has no entries."
    operands = [one for one in operands if one.kind is not NodeKind.CONSTANT]
    known = [(called(one), at(one.value, entry if entry and one.value and one.value.shape else ())) for one in operands]
    if entry is None or not known or any(number is None for _, number in known):
        return f"{told}: its operands are finite."
    where = f", at {entry_words(entry)}" if entry else ""
    told_operands = listed(
        [f"{name} is {figure(number)}" for name, number in dict(known).items() if number is not None]
    )
    return f"{told}{where}: {told_operands}{' there' if entry else ''}."


def came_in_sentence(node: GraphNode) -> str:
    """A number that is not finite and was so from the beginning: ``NaN came in with x, at entry 1.``"""
    entry = largest_entry(node.value)
    return f"{born(node)} came in with {called(node)}{f', at {entry_words(entry)}' if entry else ''}."


def born(node: GraphNode) -> str:
    """What is not finite in a node's value: NaN, ∞, or either where the numbers were not kept."""
    numbers = node.value.numbers if node.value is not None else None
    if numbers is None:
        return "A number that is not finite"
    broken = np.asarray(numbers)[~np.isfinite(numbers)]
    if not broken.size or (np.isnan(broken).any() and not np.isnan(broken).all()):
        return "A number that is not finite"
    return "NaN" if np.isnan(broken).all() else "−∞" if bool((broken < 0).all()) else "∞"


def _value(node: GraphNode) -> str:
    value = f" = {tensor_words(node.value)}" if node.value is not None else ""
    if node.outputs:
        value = f", outputs {outputs_words([(each.place, each.value) for each in node.outputs])}"
    match node.kind:
        case NodeKind.INPUT:
            return f"{called(node)}{value}, an input."
        case NodeKind.PARAMETER:
            return f"{called(node)}{value}, a parameter."
        case NodeKind.CONSTANT:
            return f"{called(node)}{value}, a constant: no gradient is asked of it."
        case NodeKind.GROUP:
            inside = f" {count(len(node.members), 'node')} inside." if node.members else ""
            return f"{written_out(node)}{value}.{inside}"
    return f"{written_out(node)}{value}."


def _full(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
