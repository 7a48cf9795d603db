"""The data behind an objective: kept where they fit memory, else read anew at each pass and checked."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from fallline._errors import DataError
from fallline._objective._batches import Batch, read_batch
from fallline._objective._fingerprint import fingerprint
from fallline._objective._open_end import OpenEnd
from fallline._objective._trees import size_in_bytes, tensors
from fallline._undisturbed import loader_kept

CHANGED: Final = (
    "The data changed between two passes: the rows of the second are not those of the first. Augmentation, sampling "
    "and drop_last with shuffling do this; give a list of batches, which stay as they are."
)


class Source:
    """Batches that can be gone through again and again, the same rows at every pass.

    Args:
        data: what the user gave.
        memory: bytes that may be kept.
    """

    def __init__(self, data: Any, memory: int) -> None:
        self._data, self._again = given_batches(data)
        self._kept: list[Batch] | None = []
        self._seen: int | None = None
        self.rows = self.count = self.largest = 0
        self._memory = memory

    @property
    def kept(self) -> bool:
        """Whether all batches are held here."""
        return self._seen is not None and self._kept is not None

    def first_pass(self) -> Iterator[Batch]:
        """Every batch, read for the first time.

        Raises:
            DataError: there is none, or data that are read anew at each pass are others the second time.
        """
        size = total = 0
        open_end = OpenEnd(self._data)
        for batch in self._read():
            self.rows, self.count = self.rows + batch.rows, self.count + 1
            self.largest = max(self.largest, batch.rows)
            size += size_in_bytes(batch.given)
            total += fingerprint(batch)
            open_end.look(self.count, self.rows)
            yield self._keep(batch, size)
        if self.count == 0:
            raise DataError("There are no data: not one batch came. An objective needs at least one row.")
        if self.rows == 0:
            raise DataError("There are no data: the batches have no rows.")
        self._seen = total % 2**64
        if not self._again:
            for _ in self._streamed():
                pass

    def _keep(self, batch: Batch, size: int) -> Batch:
        """A copy that is kept, while all so far fit: a loader may fill the same memory again."""
        if self._kept is None or size > self._memory:
            self._kept = None
            return batch
        copy = batch.mapped(_copied)
        self._kept.append(copy)
        return copy

    def batches(self) -> Iterator[Batch]:
        """Every batch of one more pass.

        Raises:
            DataError: the rows are others than at the first pass.
        """
        return iter(self._kept) if self._kept is not None else self._streamed()

    def _streamed(self) -> Iterator[Batch]:
        total = 0
        for batch in self._read():
            total += fingerprint(batch)
            yield batch
        if total % 2**64 != self._seen:
            raise DataError(CHANGED)

    def _read(self) -> Iterator[Batch]:
        for given in own_iterator(self._data):
            yield read_batch(given)

    def undisturbed(self) -> AbstractContextManager[None]:
        """Around whatever goes through the data: a loader, its sampler and its data set are put back as they were."""
        return nullcontext() if self._again or self.kept else loader_kept(self._data)


def own_iterator(loader: Any) -> Iterator[Any]:
    """One that the user's own iterator shares nothing with: of workers that stay, a loader has only one."""
    if isinstance(loader, torch.utils.data.DataLoader) and loader.persistent_workers:
        loader = copy.copy(loader)
        loader._iterator = None
    return iter(loader)


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()


def given_batches(data: Any) -> tuple[Iterable[Any], bool]:
    """The batches in what a user gave, and whether they lie there (rather than being made at each pass).

    Raises:
        DataError: it is neither a pair of tensors, nor batches.
    """
    if isinstance(data, Mapping):
        return [data], True
    if isinstance(data, tuple | list):
        if len(data) == 2 and tensors(data) and _is_pair(data):
            return [tuple(data)], True
        if len(data) == 2 and all(isinstance(one, np.ndarray) for one in data):
            raise DataError(
                "data is a pair (input, target) of tensors; these are arrays. Give (torch.as_tensor(input), "
                "torch.as_tensor(target)), in the dtypes that the model and its loss take."
            )
        if data and isinstance(data[0], Tensor):
            raise DataError(
                f"data is a pair (input, target), a list of batches, or a loader; here are {len(data)} things, the "
                "first a tensor. Several inputs go together: ((first, second), target)."
            )
        return list(data), True
    if isinstance(data, torch.utils.data.Dataset) and hasattr(data, "__getitem__"):
        raise DataError("A dataset has single rows: give a loader of it, torch.utils.data.DataLoader(dataset, 256).")
    if isinstance(data, Iterator):
        raise DataError("These data can be read only once, and every pass reads them: give a list or a loader.")
    if isinstance(data, Tensor) or not isinstance(data, Iterable):
        raise DataError(
            f"data is a pair (input, target) of tensors, a list of batches, or a loader, not a {type(data).__name__}."
        )
    return data, False


def _is_pair(data: Any) -> bool:
    """Whether two things are input and target rather than two batches.

    Raises:
        DataError: they may be either.
    """
    if isinstance(data[0], Tensor) or isinstance(data[1], Tensor):
        return True
    if isinstance(data[0], Mapping) or isinstance(data[1], Mapping):
        return isinstance(data[0], Mapping) != isinstance(data[1], Mapping)
    return isinstance(data, tuple) and _several_of_each(data)


def _several_of_each(data: Any) -> bool:
    """Whether a tuple of two holds several inputs and several targets of the same rows, rather than two batches.

    Raises:
        DataError: it may be either.
    """
    first, second = tensors(data[0]), tensors(data[1])
    if not first or not second or len({one.shape[:1] for one in (*first, *second)}) > 1:
        return False
    pairs = zip(first, second, strict=False)
    if len(data[0]) != 2 or len(data[1]) != 2 or any(not _alike(one, other) for one, other in pairs):
        return True
    raise DataError(
        "These data can be read in two ways. Are they two batches? Then give a list of them, "
        "[(input, target), (input, target)]. Or two inputs with two targets? Then give a list of one batch, "
        "[((first, second), (target, other_target))]."
    )


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether two batches may have these at the same place."""
    return one.dtype == other.dtype and one.dim() == other.dim()
