"""The arithmetic of one entry: what a page spells out of a gradient on its way, and of gradients that meet."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fallline._explain._backprop import followed_entry
from fallline._records import Backprop, Floats, GraphEdge, GraphNode


def equation(graph: Backprop, edge: GraphEdge) -> dict[str, Any] | None:
    """Slope × arrived = goes on, for the entry that carries most; None where what went on is no such product alone."""
    followed = followed_entry(graph, edge)
    if followed is None:
        return None
    entry, term, goes_on = followed
    return {"entry": list(entry), "slope": term.slope, "arrived": term.arrived, "goes_on": goes_on}


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


def _largest(values: Floats) -> tuple[int, ...]:
    """Where the first entry that is not finite stands, else the largest in size."""
    sizes = np.where(np.isfinite(values), np.abs(values), np.inf)
    return tuple(int(each) for each in np.unravel_index(int(np.argmax(sizes)), np.shape(values)))
