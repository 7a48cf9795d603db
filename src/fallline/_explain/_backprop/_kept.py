"""What an operation kept for its way back, in the operands' names in place of PyTorch's."""

import re
from collections.abc import Mapping
from typing import Final

from fallline._explain._backprop._names import called
from fallline._explain._backprop._tensor_words import shape_words
from fallline._records import Backprop, GraphNode

FIRST: Final = frozenset({"self", "input", "A", "condition"})
SECOND: Final = frozenset({"other", "tensor", "weight", "target", "exponent", "tensor1", "mat1", "batch1", "indices"})
LAST: Final = frozenset({"mat2", "batch2", "tensor2", "vec"})
"""PyTorch's names of kept tensors, by which of its operands each means."""
ITS_OWN: Final = re.compile(r"result\d+")
"""Of normalisations and the like: means, deviations."""


def kept_words(graph: Backprop, node: GraphNode) -> list[str]:
    """What was kept by the operands' names, ``y (3,)``, in place of PyTorch's ``self (3,)``; each once.

    Args:
        graph: one forward and one backward pass.
        node: one of its operations.
    """
    operands = {edge.operand: graph.nodes[edge.source] for edge in graph.edges if edge.target == node.id}
    words = frozenset(saved.partition(" ")[0] for saved in node.saved)
    return list(dict.fromkeys(_told(saved, words, operands) for saved in node.saved))


def _told(saved: str, words: frozenset[str], operands: Mapping[int, GraphNode]) -> str:
    word, _, shape = saved.partition(" ")
    if word == "result":
        return f"its own value {shape}".strip()
    if ITS_OWN.fullmatch(word):
        return f"numbers of its own {shape}"
    place = _place(word, words, operands)
    if place is None:
        return saved
    named = operands.get(place)
    if named is not None and _has(named, shape):
        return _named(named, shape)
    alike = {operand.id: operand for operand in operands.values() if _has(operand, shape)}
    if len(alike) == 1:  # one of the arguments before it was a number
        return _named(next(iter(alike.values())), shape)
    return "a number" if shape == "()" else f"an operand {shape}"


def _place(word: str, words: frozenset[str], operands: Mapping[int, GraphNode]) -> int | None:
    """Which operand a name of PyTorch's means; None of a name that speaks for itself."""
    if word in LAST:
        return max(operands, default=0)
    if word == "weight" and "target" in words:  # of a loss
        return 2
    return 0 if word in FIRST else 1 if word in SECOND else None


def _named(operand: GraphNode, shape: str) -> str:
    name = called(operand)  # of a nameless constant it says its shape already
    return name if name.endswith(f" {shape}") else f"{name} {shape}"


def _has(operand: GraphNode, shape: str) -> bool:
    return operand.value is not None and shape_words(operand.value.shape) == shape
