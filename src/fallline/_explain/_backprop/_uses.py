"""A value that is used several times: what comes back along each use adds up to what arrived."""

from fallline._explain._backprop._entries import same
from fallline._explain._backprop._names import edges_from
from fallline._explain._backprop._tensor_words import at, figure
from fallline._records import Backprop, GraphEdge, TensorValue

MOST_SUMMANDS = 4
"""More of them are counted, not written out."""


def arrived_words(graph: Backprop, edge: GraphEdge) -> list[tuple[str, TensorValue]]:
    """What became of one edge's gradient at its source: added to that of the other uses, changed by a hook.

    ``("both uses: −2 + (−3)", −5)``; empty where what the edge brought is all that arrived.
    """
    node = graph.nodes[edge.source]
    if node.gradient is None or node.outputs or edge.gradient is None:
        return []
    told = []
    brought = node.gradient if node.hook is None else node.hook.before
    others = [use for use in edges_from(graph, edge.source) if use is not edge]
    if others and brought is not None:
        all_uses = "both uses" if len(others) == 1 else f"all {len(others) + 1:,} uses"
        told.append((f"{all_uses}{_summands([edge, *others], brought)}", brought))
    if node.hook is not None:
        told.append(("changed by a hook", node.gradient))
    return told


def uses_words(graph: Backprop, node_id: int) -> str:
    """Where one tensor is what came back along several edges: ``2 uses added up``; else nothing."""
    uses = len(edges_from(graph, node_id))
    return f"{uses:,} uses added up" if uses > 1 and not graph.nodes[node_id].outputs else ""


def _summands(uses: list[GraphEdge], whole: TensorValue) -> str:
    """``: −2 + (−3)`` of single numbers that give the whole; else in words."""
    numbers = [at(use.gradient, ()) for use in uses]
    known = [number for number in numbers if number is not None]
    total = at(whole, ())
    if (
        whole.parts is not None
        or total is None
        or len(known) < len(numbers)
        or len(known) > MOST_SUMMANDS
        or not same(sum(known), total)
    ):
        return " added up"
    first, *others = [figure(number) for number in known]
    return ": " + " + ".join([first, *(f"({each})" if each.startswith("−") else each for each in others)])
