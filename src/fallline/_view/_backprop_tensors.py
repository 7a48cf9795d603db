"""The tensors of a graph's page, each once: a gradient that went on unchanged travels no second time."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fallline._explain._backprop import tensor_words
from fallline._records import Backprop, TensorValue
from fallline._view._rounding import significant

_MOST_NUMBERS = 20_000
"""On one page: about 200 kB. Beyond, the larger tensors show their range only."""
_SIZES = (1000, 300, 100, 30, 10, 4)
"""The largest tensor whose numbers travel; the first of these that keeps a page below the limit."""
_DIGITS = 9
"""Of a number; enough to tell any two float32 apart."""


class Tensors:
    """Collects the tensors of a page and says where each stands."""

    def __init__(self, most_entries: int) -> None:
        self.most_entries = most_entries
        self.held: list[dict[str, Any]] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def place(self, value: TensorValue | None) -> int | None:
        """Where a tensor stands in the payload; None for one that is not there."""
        if value is None:
            return None
        numbers = value.numbers if value.count <= self.most_entries and value.parts is None else None
        key = (*_summary(value), None if numbers is None else np.asarray(numbers).tobytes(), _parts(value))
        if key not in self._places:
            self._places[key] = len(self.held)
            self.held.append(_spelled(value, numbers is not None))
        return self._places[key]


def tensors_for(graph: Backprop) -> Tensors:
    """An empty collection that keeps as many numbers as a page can carry."""
    counts = np.array([value.count for value in _values(graph) if value.numbers is not None], dtype=np.int64)
    for size in _SIZES:
        if int(counts[counts <= size].sum()) <= _MOST_NUMBERS:
            return Tensors(size)
    return Tensors(0)


def _values(graph: Backprop) -> Iterable[TensorValue]:
    for node in graph.nodes:
        every = [(node.value, node.gradient), *((each.value, each.gradient) for each in node.outputs)]
        yield from (value for pair in every for value in pair if value is not None)
    for edge in graph.edges:
        local = edge.local.value if edge.local is not None else None
        yield from (value for value in (local, edge.gradient) if value is not None)


def _summary(value: TensorValue) -> tuple[Any, ...]:
    """NaN is unequal to itself: as text it is one."""
    floats = tuple(repr(each) for each in (value.least, value.greatest, value.mean, value.norm))
    return (value.shape, value.dtype, value.not_finite, *floats)


def _parts(value: TensorValue) -> bytes | None:
    """What tells complex numbers of the same absolute values apart: only their words travel."""
    return None if value.parts is None else b"".join(np.asarray(part).tobytes() for part in value.parts)


def _spelled(value: TensorValue, whole: bool) -> dict[str, Any]:
    numbers = None
    if whole and value.numbers is not None:
        numbers = significant(np.asarray(value.numbers, dtype=np.float64).ravel(), _DIGITS).tolist()
    return {
        "words": tensor_words(value),
        "shape": list(value.shape),
        "dtype": value.dtype,
        "numbers": numbers,
        "least": value.least,
        "greatest": value.greatest,
        "mean": value.mean,
        "norm": value.norm,
        "not_finite": value.not_finite,
    }
