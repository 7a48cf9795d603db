"""Where a gradient that arrived is not the sum of those that were handed on: a hook changed it on its way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch

from fallline._backprop._values import summed_up
from fallline._backprop._words import listed
from fallline._records import ChangedByHook, Floats, GraphEdge, GraphNode, NodeKind, NodeMark, TensorValue
from fallline._undisturbed import gradient_hooks_of
from fallline._wording import written

ROUNDING: Final[Mapping[str, float]] = {"float64": 1e-6, "float32": 1e-3, "float16": 5e-2, "bfloat16": 0.2}
"""What adding up may lose, relative to the largest that was added; of other types nothing is said."""
FEW: Final = 4
"""The more are added, the more is lost."""
Sent = Mapping[int, Sequence[TensorValue]]
"""What the edges brought, by output."""


def marked_where_hooked(
    nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], begun: Mapping[int, TensorValue]
) -> list[GraphNode]:
    """The nodes, those marked whose gradient a hook changed.

    Args:
        nodes: with what arrived at each.
        edges: with what was handed on along each.
        begun: what the backward pass began with, by the node that it began at.
    """
    sent: dict[int, dict[int, list[TensorValue]]] = {node: {0: [value]} for node, value in begun.items()}
    for edge in edges:
        if edge.gradient is not None:
            sent.setdefault(edge.source, {}).setdefault(edge.output or 0, []).append(edge.gradient)
    return [_marked(node, sent.get(node.id, {})) for node in nodes]


def _marked(node: GraphNode, sent: Sent) -> GraphNode:
    arrived = {each.place: each.gradient for each in node.outputs} or dict.fromkeys(list(sent)[:1], node.gradient)
    pairs = [(value, sent[place]) for place, value in arrived.items() if value is not None and sent.get(place)]
    changed = [(value, every) for value, every in pairs if _differ(value, every)]
    if not changed:
        return node
    before = summed_up(changed[0][1])
    factor = _factor(changed[0][0], before) if before is not None and len(changed) == len(pairs) == 1 else None
    what = f"times {written(factor, 5)}" if factor is not None else "by no single factor"
    return replace(
        node,
        marks=node.marks | {NodeMark.HOOK},
        hook=ChangedByHook(before if len(pairs) == 1 else None, factor),
        notes=(*node.notes, f"A hook on {node.name or node.text or node.op} changed its gradient: {what}."),
    )


def _differ(arrived: TensorValue, sent: Sequence[TensorValue]) -> bool:
    """Only where all numbers are there, or a single large one was sent."""
    rounding = ROUNDING.get(arrived.dtype)
    if rounding is None or any(each.shape != arrived.shape for each in sent):
        return False
    numbers = [each.numbers for each in sent if each.numbers is not None]
    if arrived.numbers is not None and len(numbers) == len(sent):
        return _far(arrived.numbers, numbers, rounding)
    if len(sent) > 1:
        return False
    return bool(_far(_summary(arrived), [_summary(sent[0])], rounding))


def _summary(value: TensorValue) -> Floats:
    return np.array([value.norm, value.mean])


def _far(arrived: Floats, sent: Sequence[Floats], rounding: float) -> bool:
    with np.errstate(all="ignore"):
        largest = np.max([np.abs(each) for each in sent], axis=0)
        away = np.abs(arrived - np.sum(sent, axis=0)) > rounding * largest * max(1.0, len(sent) / FEW)
    return bool(np.any(away & np.isfinite(largest)))


def _factor(after: TensorValue, before: TensorValue) -> float | None:
    """What all of it was multiplied by; None where there is no such number, as far as is known."""
    known = after.numbers is not None and before.numbers is not None
    one = np.asarray(after.numbers if known else _ends(after)).ravel()
    other = np.asarray(before.numbers if known else _ends(before)).ravel()
    if not known and one[0] * other[0] < 0:
        one = _ends(replace(after, least=after.greatest, greatest=after.least))
    if not (np.isfinite(one).all() and np.isfinite(other).all() and other.any()):
        return None
    factor = float(one @ other / (other @ other))
    rounding = ROUNDING.get(after.dtype, 0.0)
    return factor if np.allclose(one, factor * other, rtol=rounding, atol=rounding * np.abs(one).max()) else None


def _ends(value: TensorValue) -> Floats:
    """What is known of a large one that a factor multiplies."""
    return np.array([value.mean, value.least, value.greatest])


def names_behind_hooks(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> list[str]:
    """Inputs and parameters whose gradient came through a hook that changed it."""
    operands: dict[int, list[int]] = {}
    for edge in edges:
        operands.setdefault(edge.target, []).append(edge.source)
    behind: set[int] = set()
    waiting = [node.id for node in nodes if node.hook is not None]
    while waiting:
        node = waiting.pop()
        if node not in behind:
            behind.add(node)
            waiting.extend(operands.get(node, ()))
    leaves = (NodeKind.INPUT, NodeKind.PARAMETER)
    return [node.name for node in nodes if node.id in behind and node.name and node.kind in leaves]


def hooks_in_words(unknown: Sequence[str], inputs: Iterable[tuple[str, Any]]) -> list[str]:
    """Sentences about hooks whose doing cannot be told, or that did not run.

    Args:
        unknown: names of leaves with hooks that may have changed something.
        inputs: what was handed in, by name.
    """
    left_out = [name for name, each in inputs if isinstance(each, torch.Tensor) and gradient_hooks_of(each)]
    found = [f"{listed(unknown)}: a hook of yours may change the gradient on its way."] if unknown else []
    if left_out:
        found.append(f"{listed(left_out)}: differentiated as a copy, so the hook you registered on it did not run.")
    return found
