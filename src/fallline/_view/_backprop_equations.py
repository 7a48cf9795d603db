"""The arithmetic of one entry: what a page spells out of a gradient on its way, and of gradients that meet."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fallline._records import Backprop, Floats, GraphEdge, GraphNode

_AGREES = 1e-4
"""Relative: float32 rounding stays below; what differs by more is no such product, and none is shown."""


def equation(graph: Backprop, edge: GraphEdge) -> dict[str, Any] | None:
    """Slope × arrived = goes on, for the entry that carries most; None where what went on is no such product alone."""
    arrived, went = graph.nodes[edge.target].gradient, edge.gradient
    slope = edge.local.value if edge.local is not None else None
    if slope is None or arrived is None or went is None:
        return None
    if slope.numbers is None or arrived.numbers is None or went.numbers is None or went.count == 0:
        return None
    factors = _together(slope.numbers, arrived.numbers)
    if factors is None:
        return None
    slopes, arrivals = factors
    with np.errstate(all="ignore"):
        products = slopes * arrivals
    at = _largest(products)
    if products.shape != np.shape(went.numbers) or not _same(float(products[at]), float(np.asarray(went.numbers)[at])):
        return None
    return {
        "entry": [int(each) for each in at],
        "slope": float(slopes[at]),
        "arrived": float(arrivals[at]),
        "goes_on": float(np.asarray(went.numbers)[at]),
    }


def meeting(node: GraphNode, edges: Sequence[GraphEdge]) -> dict[str, Any] | None:
    """Gradients that met at a node, at the largest entry of their sum; None where fewer than two did."""
    came = [edge.gradient.numbers for edge in edges if edge.gradient is not None and edge.gradient.numbers is not None]
    if len(came) < 2 or len(came) != len(edges) or node.gradient is None or node.gradient.numbers is None:
        return None
    total = np.asarray(node.gradient.numbers)
    if total.size == 0 or any(np.shape(each) != total.shape for each in came):
        return None
    at = _largest(total)
    return {
        "entry": [int(each) for each in at],
        "terms": [float(np.asarray(each)[at]) for each in came],
        "sum": float(total[at]),
    }


def _together(first: Floats, second: Floats) -> tuple[Floats, Floats] | None:
    """Both in their common shape; None where they have none."""
    try:
        shape = np.broadcast_shapes(np.shape(first), np.shape(second))
    except ValueError:
        return None
    return np.broadcast_to(first, shape), np.broadcast_to(second, shape)


def _largest(values: Floats) -> tuple[int, ...]:
    """Where the first entry that is not finite stands, else the largest in size."""
    sizes = np.where(np.isfinite(values), np.abs(values), np.inf)
    return tuple(int(each) for each in np.unravel_index(int(np.argmax(sizes)), np.shape(values)))


def _same(first: float, second: float) -> bool:
    if not (np.isfinite(first) and np.isfinite(second)):
        return repr(first) == repr(second)
    return abs(first - second) <= _AGREES * max(abs(first), abs(second))
