"""What is worth saying about a node: how its operation ran, and where numbers stop being finite."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from fallline._backprop._seen import Operation
from fallline._records import GraphEdge, GraphNode, NodeMark, TensorValue


def marks_of(operation: Operation | None, custom: type | None) -> frozenset[NodeMark]:
    """How the operation ran.

    Args:
        operation: as it was seen; None where nobody did.
        custom: the ``autograd.Function`` that it is the inside of, if it is.
    """
    own = custom is None
    marks = {NodeMark.CUSTOM: not own}
    if operation is not None:
        marks |= {
            NodeMark.VIEW: operation.view and own,
            NodeMark.IN_PLACE: operation.in_place and own,
            NodeMark.RANDOM: operation.random,
            NodeMark.HIGHER_ORDER: operation.higher_order,
        }
    return frozenset(mark for mark, there in marks.items() if there)


def marks_of_numbers(
    made: GraphNode, into: Sequence[GraphEdge], operands: Sequence[GraphNode], operation: Operation | None
) -> frozenset[NodeMark]:
    """Whether a value or a gradient stops being finite here.

    Args:
        made: the node …
        into: … the edges that lead to it …
        operands: … and the nodes that they come from.
        operation: what ran, with the numbers it was given beside its tensors.
    """
    marks = set()
    given = operation is not None and any(map(_is_not_finite, operation.arguments))
    if _bad(made.value) and not given and not any(_bad(operand.value) for operand in operands):
        marks.add(NodeMark.NOT_FINITE_HERE)
    if made.gradient is not None and not _bad(made.gradient) and any(_bad(edge.gradient) for edge in into):
        marks.add(NodeMark.GRADIENT_NOT_FINITE_HERE)
    return frozenset(marks)


def _bad(value: TensorValue | None) -> bool:
    return value is not None and value.not_finite > 0


def _is_not_finite(argument: Any) -> bool:
    """A number that was handed to the operation beside its tensors."""
    return isinstance(argument, float) and not isfinite(argument)
