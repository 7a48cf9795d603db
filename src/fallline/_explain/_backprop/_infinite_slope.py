"""A gradient that is NaN although every step back is right: a slope on the way is infinite, and ∞ · 0 is no number."""

import math

import numpy as np

from fallline._explain._backprop._names import called
from fallline._explain._backprop._tensor_words import figure
from fallline._records import Backprop, CheckedInput, GraphEdge, NodeMark
from fallline._wording import visible


def wrong_inputs(graph: Backprop) -> list[CheckedInput]:
    """Those whose gradient is wrong; NaN behind an infinite slope is what the chain rule gives there."""
    return [one for one in _disagreeing(graph) if not _is_excused(graph, one)]


def infinite_slope_sentences(graph: Backprop) -> list[str]:
    """``The slope 1/(2·√u) at sqrt(u) is infinite, and ∞ · 0 is NaN: so autograd, rightly, has NaN for x …``"""
    edge = _infinite(graph)
    if edge is None or edge.local is None:
        return []
    rule = f"The slope {visible(edge.local.rule)}" if edge.local.rule else "The slope"
    where = called(graph.nodes[edge.target])
    return [
        f"{rule} at {where} is infinite, and ∞ · 0 is NaN: that is why autograd says {figure(one.autograd)} for "
        f"{visible(one.name)}, and none of its steps back is wrong. Central differences in float64 say "
        f"{figure(one.differences)}: they never ask for the slope at {where}."
        for one in _disagreeing(graph)
        if _is_excused(graph, one)
    ]


def _disagreeing(graph: Backprop) -> list[CheckedInput]:
    return [] if graph.check is None else [one for one in graph.check.inputs if one.compared and not one.agrees]


def _is_excused(graph: Backprop, one: CheckedInput) -> bool:
    check = graph.check
    known = check is not None and one.name in check.not_finite and not check.wrong_edges
    return known and not math.isfinite(one.autograd) and _infinite(graph) is not None


def _infinite(graph: Backprop) -> GraphEdge | None:
    """The step at which the gradient stops being finite, where that is for a slope of ±∞."""
    for edge in graph.edges:
        here = NodeMark.GRADIENT_NOT_FINITE_HERE in graph.nodes[edge.target].marks
        value = None if edge.local is None else edge.local.value
        if here and value is not None and value.numbers is not None and bool(np.isinf(value.numbers).any()):
            return edge
    return None
