"""Slopes that have no number in the dtype of the run: too small, so that they are 0 there, or too large."""

from dataclasses import dataclass

from fallline._explain._backprop._names import called
from fallline._explain._backprop._tensor_words import figure
from fallline._records import Backprop, GraphEdge
from fallline._wording import number, visible


@dataclass(frozen=True)
class Reach:
    """What a dtype can write."""

    least: float
    """Below half of it a number is 0."""
    greatest: float


REACHES = {
    "float16": Reach(2.0**-24, 65_504.0),
    "bfloat16": Reach(2.0**-133, (2 - 2.0**-7) * 2.0**127),
    "float32": Reach(2.0**-149, (2 - 2.0**-23) * 2.0**127),
}


def beyond_words(graph: Backprop, dtype: str) -> list[str]:
    """``The slope σ(x)·(1 − σ(x)) at sigmoid(x) is 1.3839×10⁻⁸⁷: float32 has no number between 0 and 1.4×10⁻⁴⁵.``

    The last such slope on the way forward, the first on the way back; nothing where there is none.
    """
    reach = REACHES.get(dtype)
    if reach is None:
        return []
    for edge in sorted(graph.edges, key=lambda each: -each.target):
        told = _told(graph, edge, reach, dtype)
        if told is not None:
            return [told]
    return []


def _told(graph: Backprop, edge: GraphEdge, reach: Reach, dtype: str) -> str | None:
    local = edge.local
    if local is None or local.value is None or edge.gradient is None or local.value.not_finite or not local.value.count:
        return None
    size = max(-local.value.least, local.value.greatest)
    where = f"The slope {visible(local.rule)}" if local.rule else "The slope"
    where += f" at {called(graph.nodes[edge.target])} is {figure(size)}"
    if 0 < size < reach.least / 2:
        return f"{where}: {dtype} has no number between 0 and {number(reach.least, 2)}, so it is 0 there."
    if size > reach.greatest:
        return f"{where}: {dtype} has no number above {number(reach.greatest, 2)}."
    return None
