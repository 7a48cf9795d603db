"""Where ∞ on the way forward becomes NaN: in ∞/∞, 0 · ∞, ∞ − ∞."""

from collections.abc import Sequence

import numpy as np

from fallline._explain._backprop._names import called, written_out
from fallline._explain._backprop._tensor_words import at, entry_words, figure
from fallline._explain._numbers import listed
from fallline._records import Backprop, Floats, GraphNode, NodeKind

FORMS = {"div": "{} divided by {}", "mul": "{} · {}", "sub": "{} − {}", "add": "{} + {}"}
"""Of these operations with two operands the arithmetic is spelled out."""


def nan_birth(graph: Backprop) -> str | None:
    """``NaN is born in exp(x) / exp(x), at entry 0: ∞ divided by ∞.``

    None where no NaN comes of infinite numbers, or the numbers were not kept.

    Args:
        graph: one forward and one backward pass.
    """
    for node in graph.nodes:
        numbers = _numbers(node)
        if node.kind is not NodeKind.OPERATION or numbers is None or not np.isnan(numbers).any():
            continue
        edges = sorted((edge for edge in graph.edges if edge.target == node.id), key=lambda edge: edge.operand)
        operands = [graph.nodes[edge.source] for edge in edges]
        known = [each for each in map(_numbers, operands) if each is not None]
        if len(known) == len(operands) and any(np.isinf(each).any() for each in known):
            return None if any(np.isnan(each).any() for each in known) else _told(node, numbers, operands)
    return None


def gives_nan(graph: Backprop, node: GraphNode) -> bool:
    """Whether NaN is among the gradients that a node handed on."""
    went_on = [edge.gradient.numbers for edge in graph.edges if edge.target == node.id and edge.gradient is not None]
    return any(each is not None and bool(np.isnan(each).any()) for each in went_on)


def _numbers(node: GraphNode) -> Floats | None:
    return None if node.value is None or node.value.numbers is None else np.asarray(node.value.numbers)


def _told(node: GraphNode, numbers: Floats, operands: Sequence[GraphNode]) -> str:
    entry = tuple(int(each) for each in np.argwhere(np.isnan(numbers))[0])
    where = f", at {entry_words(entry)}" if entry else ""
    told = f"NaN is born in {written_out(node)}{where}"
    there = [_at(each, entry, numbers.shape) for each in operands]
    figures = [
        _bracketed(figure(each)) if place else figure(each) for place, each in enumerate(there) if each is not None
    ]
    form = FORMS.get(node.op)
    if form is not None and len(figures) == len(there) == 2:
        return f"{told}: {form.format(*figures)}."
    known = [(called(each), _numbers(each)) for each in operands]
    infinite = [name for name, own in known if own is not None and np.isinf(own).any()]
    return f"{told}: there is ∞ in {listed(list(dict.fromkeys(infinite)))}."


def _bracketed(told: str) -> str:
    return f"({told})" if told.startswith("−") else told


def _at(node: GraphNode, entry: Sequence[int], shape: tuple[int, ...]) -> float | None:
    """The operand's number for one entry of the output that it was stretched to; None where it goes elsewhere."""
    own = () if node.value is None else node.value.shape
    trailing = entry[len(entry) - len(own) :] if len(own) <= len(entry) else ()
    if len(trailing) != len(own) or any(
        size not in (1, whole) for size, whole in zip(own[::-1], shape[::-1], strict=False)
    ):
        return None
    return at(node.value, [0 if size == 1 else place for size, place in zip(own, trailing, strict=True)])
