"""Where a gradient stops being finite on its way back: along which edge, and of which product."""

from fallline._explain._backprop._entries import followed_entry
from fallline._explain._backprop._names import called, written_out
from fallline._explain._backprop._tensor_words import entry_words, figure
from fallline._records import Backprop, GraphEdge, GraphNode
from fallline._wording import visible


def gradient_birth(graph: Backprop, node: GraphNode) -> str:
    """``The gradient stops being finite at log(x), on its way to x, at entry 0: 0 arrived, the slope 1/x is ∞: 0 · ∞ =
    NaN.``

    Args:
        graph: one forward and one backward pass.
        node: marked ``GRADIENT_NOT_FINITE_HERE``.
    """
    told = f"The gradient stops being finite at {written_out(node)}"
    broken = [edge for edge in graph.edges if edge.target == node.id and edge.gradient is not None]
    broken = [edge for edge in broken if edge.gradient is not None and edge.gradient.not_finite]
    known = next((one for edge in broken if (one := _product(graph, edge)) is not None), None)
    if known is not None:
        return f"{told}, {known}"
    to = f", on its way to {called(graph.nodes[broken[0].source])}" if broken else ""
    return f"{told}{to}: what arrives there is, what leaves is not."


def _product(graph: Backprop, edge: GraphEdge) -> str | None:
    """None where it is no single product, or its numbers were not kept."""
    followed = followed_entry(graph, edge)
    if followed is None or edge.local is None:
        return None
    entry, term, _ = followed
    arrived, slope = figure(term.arrived), figure(term.slope)
    where = f", at {entry_words(entry)}" if entry else ""
    rule = f"the slope {visible(edge.local.rule)}" if edge.local.rule else "the slope"
    return (
        f"on its way to {called(graph.nodes[edge.source])}{where}: {arrived} arrived, {rule} is {slope}: "
        f"{arrived} · {slope} = {figure(term.gives)}."
    )
