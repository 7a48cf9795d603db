"""What happened, in at most three lines: the result, the gradients, the chain, or what went wrong."""

from fallline._explain._backprop._chain import chain_sentence
from fallline._explain._backprop._gradient_birth import gradient_birth
from fallline._explain._backprop._names import LEAVES, called
from fallline._explain._backprop._nan_birth import gives_nan, nan_birth
from fallline._explain._backprop._node import birth_sentence, came_in_sentence
from fallline._explain._backprop._tensor_words import figure, tensor_words
from fallline._explain._numbers import count, listed
from fallline._records import Backprop, GraphNode, NodeKind, NodeMark
from fallline._wording import visible

MOST_GRADIENTS = 3
MOST_SHORT = 12
"""So many are written out where they fit on two lines of a terminal."""
TWO_LINES = 160


def story(graph: Backprop) -> list[str]:
    """At most three sentences: the result, the gradients, and the most important thing about the way between."""
    return [_result(graph), _gradients(graph), *_way(graph)][:3]


def asked_nodes(graph: Backprop) -> list[GraphNode]:
    """Leaves whose gradient was asked for: inputs, then parameters."""
    inputs = [graph.nodes[k] for k in graph.inputs]
    return [*inputs, *(node for node in graph.nodes if node.kind is NodeKind.PARAMETER)]


def _result(graph: Backprop) -> str:
    value = graph.nodes[graph.result].value
    told = f"The result is {tensor_words(value)}." if value is not None else "The result was not kept."
    if graph.vector is None:
        return told
    if not graph.vector.shape:
        weight = tensor_words(graph.vector)
        return f"{told} The way back began with v = {weight}{'' if weight == '1' else ' in place of 1'}."
    return f"{told} The way back began with the vector {tensor_words(graph.vector)}: so much each entry weighs."


def _gradients(graph: Backprop) -> str:
    asked = [node for node in asked_nodes(graph) if node.gradient is not None]
    without = [node for node in asked_nodes(graph) if node.gradient is None and _could_have_one(node)]
    if not asked:
        return " ".join(chain_sentence(graph, str(node.name)) for node in without[:1]) or "Nothing asks for a gradient."
    told = "; ".join(f"{called(node)}.grad = {tensor_words(node.gradient)}" for node in asked[:MOST_SHORT]) + "."
    if len(asked) > MOST_GRADIENTS and (len(asked) > MOST_SHORT or len(told) > TWO_LINES):
        told = f"{count(len(asked), 'tensor')} have a gradient: {_extremes(graph, asked)}."
    missing = [chain_sentence(graph, str(node.name)) for node in without[:1]]
    more = f" Nor {_have(without[1:])}." if len(without) > 1 else ""
    return " ".join([told, *missing]) + more


def _have(others: list[GraphNode]) -> str:
    if len(others) > MOST_GRADIENTS:
        return f"have {len(others):,} others"
    return f"{'has' if len(others) == 1 else 'have'} {listed([called(one) for one in others])}"


def _could_have_one(node: GraphNode) -> bool:
    """False of class numbers and masks: nobody expects a gradient of theirs."""
    return node.value is None or "float" in node.value.dtype or "complex" in node.value.dtype


def _extremes(graph: Backprop, asked: list[GraphNode]) -> str:
    """The longest and the shortest, in the Euclidean norm; single numbers by their size."""
    known = [(node, node.gradient) for node in asked if node.gradient is not None]
    (short, least), (long, most) = (end(known, key=lambda each: each[1].norm) for end in (min, max))
    alone = " (rounding alone)" if graph.check is not None and short.name in graph.check.rounding else ""
    if all(gradient.count == 1 for _, gradient in known):
        return (
            f"that of {called(long)} is the largest, {tensor_words(most)}, "
            f"that of {called(short)} the smallest, {tensor_words(least)}"
        )
    return (
        f"that of {called(long)} is the longest, {figure(most.norm)} (Euclidean norm), "
        f"that of {called(short)} the shortest, {figure(least.norm)}{alone}"
    )


def birth_told(graph: Backprop) -> str | None:
    """Where the first value or gradient stops being finite, and where ∞ becomes NaN; None where all are finite."""
    values = [birth_sentence(graph, node) for node in graph.nodes if NodeMark.NOT_FINITE_HERE in node.marks]
    marked = [node for node in reversed(graph.nodes) if NodeMark.GRADIENT_NOT_FINITE_HERE in node.marks]
    gradients = [gradient_birth(graph, node) for node in marked]
    result = graph.nodes[graph.result].value
    fine = result is not None and result.not_finite == 0  # what is not finite on the way was left out of it
    told = [*gradients, *values] if fine else [*(values or _came_in(graph)), *gradients]
    became = None if fine or not told else nan_birth(graph)
    if became is not None:
        to_nan = [gradient_birth(graph, node) for node in marked if gives_nan(graph, node)]
        return visible(" ".join([told[0], became, *(to_nan or gradients)[:1]]))
    return visible(told[0]) if told else None


def _came_in(graph: Backprop) -> list[str]:
    """What was not finite to begin with: inputs first, then what the function brought with it."""
    leaves = [node for node in graph.nodes if node.kind in LEAVES and node.value is not None and node.value.not_finite]
    return [came_in_sentence(node) for node in sorted(leaves, key=lambda node: node.id not in graph.inputs)]


def _way(graph: Backprop) -> list[str]:
    birth = birth_told(graph)
    if birth is not None:
        return [birth]
    for node in (graph.nodes[k] for k in graph.inputs):
        chain = chain_sentence(graph, str(node.name)) if node.gradient is not None and node.name else ""
        if " · " in chain or chain.count(" = ") > 1:
            return [chain]
    return []
