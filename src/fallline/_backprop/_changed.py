"""Where a gradient that arrived is not the sum of those that were handed on: a hook changed it on its way."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from fallline._backprop._gradients import Gradients
from fallline._backprop._walk import Step, Walk
from fallline._backprop._words import listed
from fallline._records import Floats, GraphNode, TensorValue

ROUNDING: Final[Mapping[str, float]] = {"float64": 1e-6, "float32": 1e-3, "float16": 5e-2, "bfloat16": 0.2}
"""What adding up may lose, relative to the largest that was added; of other types nothing is said."""


def changed_in_words(
    walk: Walk, gradients: Gradients, nodes: Sequence[GraphNode], ids: Mapping[Step, int]
) -> list[str]:
    """One sentence that names the nodes whose gradient a hook changed; none where none did."""
    names = []
    for step in _changed(walk, gradients):
        node = nodes[ids[step]]
        names.append(node.name or node.text or node.op)
    if not names:
        return []
    return [f"{listed(names)}: what arrived is not what was handed on. A hook of your own changed the gradient there."]


def _changed(walk: Walk, gradients: Gradients) -> list[Step]:
    """Steps at which something else arrived than was sent, in the order of the forward pass."""
    sent: dict[tuple[Step, int], list[TensorValue | None]] = {}
    for step in walk.steps:
        left = gradients.left.get(step, ())
        for (operand, output), gradient in zip(step.next_functions, left, strict=False):
            if operand is not None:
                sent.setdefault((operand, output), []).append(gradient)
    found: dict[Step, None] = {}
    for step in walk.steps:
        for output, arrived in enumerate(gradients.arrived.get(step, ())):
            every = [each for each in sent.get((step, output), ()) if each is not None]
            if arrived is not None and every and _differ(arrived, every):
                found[step] = None
    return list(found)


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
    return bool(_far(np.array([arrived.norm, arrived.mean]), [np.array([sent[0].norm, sent[0].mean])], rounding))


def _far(arrived: Floats, sent: Sequence[Floats], rounding: float) -> bool:
    with np.errstate(all="ignore"):
        largest = np.max([np.abs(each) for each in sent], axis=0)
        away = np.abs(arrived - np.sum(sent, axis=0)) > rounding * largest
    return bool(np.any(away & np.isfinite(largest)))
