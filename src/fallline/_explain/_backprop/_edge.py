"""One edge of the way back as a sentence: the slope here, what arrived, what it gives."""

import re
from collections.abc import Sequence

from fallline._explain._backprop._entries import Term, same, terms_at
from fallline._explain._backprop._names import called, edges_from
from fallline._explain._backprop._tensor_words import (
    at,
    entry_figure,
    entry_words,
    figure,
    largest_entry,
    shape_words,
    tensor_words,
)
from fallline._records import Backprop, GraphEdge
from fallline._wording import visible

MOST_SUMMANDS = 4
"""More of them are counted, not written out."""
MOST_STEPS = 12
"""The way back is told step by step where it has no more."""
NUMERAL = re.compile(r"−?[\d.,]+(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")


def edge_sentence(graph: Backprop, edge_index: int) -> str:
    """What happened to the gradient on its way back along one edge, with the numbers of this run.

    Args:
        graph: one forward and one backward pass.
        edge_index: its place in ``graph.edges``.

    Of several entries the one with the largest gradient is followed, and named.
    """
    entry, told, added = _step_back(graph, edge_index)
    where = entry_words(entry or ()).capitalize()
    return " ".join([f"{where}: {told}" if where else _sentence(told), *added, *_wrong(graph, edge_index)])


def way_back(graph: Backprop) -> list[str]:
    """Every step of a small graph from the result back, each with who and where; empty for a larger one."""
    places = [place for place, edge in enumerate(graph.edges) if edge.gradient is not None]
    if len(places) > MOST_STEPS:
        return []
    backward = sorted(places, key=lambda place: (-graph.edges[place].target, -graph.edges[place].source))
    last = {graph.edges[place].source: place for place in backward}
    told = []
    for place in backward:
        edge = graph.edges[place]
        entry, one, added = _step_back(graph, place)
        where = f", {entry_words(entry)}" if entry else ""
        who = f"Back from {called(graph.nodes[edge.target])} to {called(graph.nodes[edge.source])}{where}: {one}"
        adds = added if last[edge.source] == place else []  # once, behind the last of them
        told.append(" ".join([who, *adds, *_wrong(graph, place)]))
    return told


def _step_back(graph: Backprop, edge_index: int) -> tuple[Sequence[int] | None, str, list[str]]:
    """The entry that is followed, where one is; what happened to it, beginning small; what it adds up with."""
    edge = graph.edges[edge_index]
    if edge.gradient is None:
        return None, _nothing(graph, edge), []
    entry = largest_entry(edge.gradient)
    terms = terms_at(graph, edge, entry) if entry is not None else []
    if entry is None or not terms:
        return None, " ".join([_product(edge), *_stretched(edge)]), []
    one = _one_product(edge, terms[0]) if len(terms) == 1 else _sum(graph, edge, entry, terms)
    return entry, one, _added(graph, edge, entry)


def _sentence(told: str) -> str:
    return f"{told[0].upper()}{told[1:]}"


def rule_with_value(rule: str, value: float) -> str:
    """The slope as a formula and its number; a numeral stands for itself.

    >>> rule_with_value("2·y", 7.339), rule_with_value("1/3", 1 / 3), rule_with_value("2", 2.0)
    ('2·y = 7.339', '1/3 = 0.33333', '2')
    >>> rule_with_value("1 where x > 0, else 0", 1.0)
    '1 (1 where x > 0, else 0)'
    """
    told = figure(value)
    if not rule or rule == told or NUMERAL.fullmatch(rule):
        return told
    return f"{told} ({visible(rule)})" if " where " in rule or ", " in rule else f"{visible(rule)} = {told}"


def _one_product(edge: GraphEdge, term: Term) -> str:
    rule = edge.local.rule if edge.local is not None else ""
    return (
        f"the slope here is {rule_with_value(rule, term.slope)}, times {figure(term.arrived)} that arrived, "
        f"gives {figure(term.gives)}."
    )


def _sum(graph: Backprop, edge: GraphEdge, entry: Sequence[int], terms: Sequence[Term]) -> str:
    """Why several products were summed: the operand was broadcast."""
    whole = at(edge.gradient, entry)
    shape = edge.gradient.shape if edge.gradient is not None else ()
    rule = edge.local.rule if edge.local is not None else ""
    slope = rule_with_value(rule, terms[0].slope) if len({term.slope for term in terms}) == 1 else visible(rule)
    summed = " + ".join(_bracketed(figure(term.gives)) for term in terms) if len(terms) <= MOST_SUMMANDS else ""
    return (
        f"here {called(graph.nodes[edge.source])} was stretched from {shape_words(shape)} to "
        f"{shape_words(edge.stretched or ())}: this {'entry' if entry else 'number'} was used {_times(len(terms))}, so "
        f"what comes back is summed. The slope is {slope}; times what arrived at each, it gives "
        f"{f'{summed} = ' if summed else ''}{figure(whole if whole is not None else 0.0)}."
    )


def _times(uses: int) -> str:
    return {1: "once", 2: "twice"}.get(uses, f"{uses:,} times")


def _product(edge: GraphEdge) -> str:
    """An operation that is not elementwise: its rule and the product that was formed."""
    local, gradient = edge.local, edge.gradient
    if gradient is None:
        return ""
    entry = largest_entry(gradient)
    value = entry_figure(gradient, entry) if entry is not None else None
    largest = f"; its largest entry is {value} at {entry_words(entry)}" if value is not None and entry else ""
    if local is None:
        return f"what goes back along here is {tensor_words(gradient)}{largest}."
    gives = f"gives {tensor_words(gradient)}{largest}."
    if local.product is None:
        return f"the slope here is {visible(local.rule)}, times what arrived; it {gives}"
    return f"what goes on is {visible(local.rule)}: {visible(local.product)}, which {gives}"


def _stretched(edge: GraphEdge) -> list[str]:
    if edge.stretched is None or edge.gradient is None:
        return []
    return [
        f"The operand was stretched from {shape_words(edge.gradient.shape)} to {shape_words(edge.stretched)}, so what "
        "came back was summed to its own shape."
    ]


def _added(graph: Backprop, edge: GraphEdge, entry: Sequence[int]) -> list[str]:
    """Where a value is used several times, that the gradients add up."""
    node = graph.nodes[edge.source]
    every = edges_from(graph, edge.source)
    uses = [use for use in every if use.output == edge.output]
    outputs = {use.output for use in every}
    if len(outputs) > 1:
        apart = f"{called(node)} has {len(outputs)} outputs that are used; each one's gradient comes back by itself."
        return [apart if len(uses) < 2 else f"{apart} This one is used {_times(len(uses))}: what comes back adds up."]
    if len(uses) < 2:
        return []
    parts, whole = [at(use.gradient, entry) for use in uses], at(node.gradient, entry)
    numbers = [part for part in parts if part is not None]
    told = f"{called(node)} is used {_times(len(uses))}: what comes back adds up"
    known = whole is not None and (node.gradient is None or node.gradient.parts is None)
    if (
        whole is None
        or not known
        or len(numbers) < len(parts)
        or len(parts) > MOST_SUMMANDS
        or not same(sum(numbers), whole)
    ):
        return [f"{told}."]
    return [f"{told}, {' + '.join(_bracketed(figure(part)) for part in numbers)} = {figure(whole)}."]


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


def _wrong(graph: Backprop, edge_index: int) -> list[str]:
    if graph.check is None or edge_index not in graph.check.wrong_edges:
        return []
    target = graph.nodes[graph.edges[edge_index].target]
    return [f"This step back is wrong: {target.op or called(target)} gives another slope than central differences."]


def _nothing(graph: Backprop, edge: GraphEdge) -> str:
    source, target = graph.nodes[edge.source], graph.nodes[edge.target]
    why = source.no_gradient or target.no_gradient
    said = f"nothing goes back from {called(target)} to {called(source)}"
    return f"{said}: {why[0].lower()}{why[1:]}" if why else f"{said}."
