"""One entry of a gradient followed through one operation: its slope there, and what arrived."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from fallline._explain._backprop._tensor_words import at, largest_entry
from fallline._records import Backprop, GraphEdge, TensorValue

NEAR = 1e-3
"""A product is told only where it is what autograd got, to this part; float32 rounds, and cancels."""
MOST_TERMS = 10_000


@dataclass(frozen=True)
class Term:
    """slope × arrived, at one entry of the operation's output."""

    place: tuple[int, ...]
    slope: float
    arrived: float

    @property
    def gives(self) -> float:
        """What goes on."""
        return self.slope * self.arrived


def terms_at(graph: Backprop, edge: GraphEdge, entry: Sequence[int]) -> list[Term]:
    """The products whose sum went back along ``edge`` to ``entry`` of its source; empty where they are not known.

    One product for an elementwise operation, several where the operand was broadcast.
    """
    local = edge.local.value if edge.local is not None else None
    arrived = graph.nodes[edge.target].gradient
    goes_on = at(edge.gradient, entry)
    if local is None or arrived is None or edge.gradient is None or goes_on is None:
        return []
    terms = []
    for place in _reached(edge.gradient.shape, arrived.shape, edge.stretched, entry):
        slope, came = _slope(local, edge.gradient.shape, entry, place), at(arrived, place)
        if slope is None or came is None:
            return []
        terms.append(Term(place, slope, came))
    return terms if terms and same(sum(term.gives for term in terms), goes_on) else []


def followed_entry(graph: Backprop, edge: GraphEdge) -> tuple[tuple[int, ...], Term, float] | None:
    """The entry that a sentence follows back along ``edge``, its one product, and what went on; None where not one."""
    entry = largest_entry(edge.gradient)
    goes_on = None if entry is None else at(edge.gradient, entry)
    if entry is None or goes_on is None:
        return None
    terms = terms_at(graph, edge, entry)
    return (entry, terms[0], goes_on) if len(terms) == 1 else None


def same(one: float, other: float) -> bool:
    """Equal to rounding; not finite alike."""
    if not (math.isfinite(one) and math.isfinite(other)):
        return math.isnan(one) == math.isnan(other) and (math.isnan(one) or one == other)
    return abs(one - other) <= NEAR * max(abs(one), abs(other))


def _slope(local: TensorValue, source: tuple[int, ...], entry: Sequence[int], place: tuple[int, ...]) -> float | None:
    slope = at(local, place)
    if slope is None and local.shape == source:
        slope = at(local, entry)
    return at(local, (0,) * len(local.shape)) if slope is None and local.count == 1 else slope


def _reached(
    source: tuple[int, ...], target: tuple[int, ...], stretched: tuple[int, ...] | None, entry: Sequence[int]
) -> list[tuple[int, ...]]:
    """Entries of the output that this entry of the operand went into, of an elementwise operation or a whole sum."""
    if stretched is not None and stretched == target and len(source) <= len(target):
        lead = len(target) - len(source)
        ranges = [range(size) for size in target[:lead]]
        ranges += [
            range(size) if own == 1 else range(k, k + 1)
            for own, size, k in zip(source, target[lead:], entry, strict=True)
        ]
        return list(product(*ranges)) if math.prod(len(one) for one in ranges) <= MOST_TERMS else []
    if source == target:
        return [tuple(entry)]
    return [(0,) * len(target)] if math.prod(target) == 1 else []
