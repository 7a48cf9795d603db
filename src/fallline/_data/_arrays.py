"""NumPy arrays and tensors: one matrix with the target last, or a pair (X, y)."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fallline._data._blocks import Chunk
from fallline._data._columns import Column, copied
from fallline._data._source import Kind
from fallline._errors import DataError

_NUMERIC_KINDS = "biuf"


@dataclass(frozen=True)
class ArraySource:
    """Columns of arrays in memory. They are read, never altered."""

    columns: Mapping[str, "np.ndarray[Any, Any]"]
    label: str
    name: str = "table"
    notes: tuple[str, ...] = ()

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """Numbers throughout: anything else is refused on opening."""
        return dict.fromkeys(self.columns, Kind.NUMBER)

    def numbers(self, names: Sequence[str]) -> tuple[Column, ...]:
        """Copies of the columns [C]; see :class:`~fallline._data._source.Source`."""
        return copied(self.columns[name] for name in names)

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """The columns themselves [C], all in one; see :class:`~fallline._data._source.Source`."""
        yield tuple(self.columns[name] for name in names)


def is_tensor(source: object) -> bool:
    """Whether it is a torch tensor. Torch is only looked up: whoever holds a tensor has imported it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


def open_matrix(source: Any) -> ArraySource:
    """One array [N, D + 1], the target in the last column."""
    array = _numeric(source, "the array")
    if array.ndim != 2 or array.shape[1] < 2:
        raise DataError(
            f"The array has the shape {array.shape}: expected [N, D + 1] with the target in the last column, "
            f"or a pair (X, y)."
        )
    names = [*feature_names(array.shape[1] - 1), "y"]
    return ArraySource(dict(zip(names, array.T, strict=True)), _label(source))


def open_pair(source: tuple[Any, ...]) -> ArraySource:
    """A pair (X, y): X [N] or [N, D], y [N] or [N, 1]."""
    if len(source) != 2:
        raise DataError(f"A tuple of {len(source)} was given: expected the pair (X, y).")
    features, target = _numeric(source[0], "X"), _numeric(source[1], "y")
    if features.ndim == 1:
        features = features[:, np.newaxis]
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if features.ndim != 2 or features.shape[1] == 0:
        raise DataError(f"X has the shape {features.shape}: expected [N, D] with at least one column, or [N].")
    if target.ndim != 1:
        raise DataError(f"y has the shape {target.shape}: expected [N] or [N, 1], one target per row.")
    if len(features) != len(target):
        raise DataError(f"X has {len(features):,} rows and y has {len(target):,}: expected one target per row.")
    names = [*feature_names(features.shape[1]), "y"]
    columns = (*features.T, target)
    return ArraySource(dict(zip(names, columns, strict=True)), f"a pair: {_label(source[0])}, {_label(source[1])}")


def feature_names(count: int) -> list[str]:
    """Names for features that came without one.

    >>> feature_names(1), feature_names(2)
    (['x'], ['x1', 'x2'])
    """
    return ["x"] if count == 1 else [f"x{index}" for index in range(1, count + 1)]


def _label(source: object) -> str:
    if is_tensor(source):
        return "a torch tensor"
    return "a NumPy array" if isinstance(source, np.ndarray) else f"a {type(source).__name__}"


def _numeric(source: Any, what: str) -> "np.ndarray[Any, Any]":
    """The numbers as an array of at least one dimension, which may share its memory with ``source``."""
    if is_tensor(source):
        if source.is_complex():
            raise DataError(f"{what} holds complex numbers: expected real ones.")
        array = _array_of_tensor(source)
    else:
        try:
            array = np.asarray(source)
        except (TypeError, ValueError) as error:
            raise DataError(f"{what} cannot be read as an array of numbers ({error}).") from error
    if isinstance(source, np.ma.MaskedArray):
        array = np.ma.filled(source.astype(np.float64), np.nan)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"{what} holds values that are not numbers ({error}).") from error
    if array.dtype.kind not in _NUMERIC_KINDS:
        raise DataError(f"{what} holds values of the type {array.dtype}: expected real numbers.")
    return array


def _array_of_tensor(tensor: Any) -> "np.ndarray[Any, Any]":
    """A tensor's numbers in its own dtype, without a copy where NumPy knows it (bfloat16 it does not)."""
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    try:
        array: np.ndarray[Any, Any] = plain.numpy()
    except TypeError:
        array = plain.double().numpy()
    return array
