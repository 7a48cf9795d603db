"""How many bytes the user allows, and how many a recorded graph holds."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor

from fallline._errors import OptionError

UNITS: Final = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
WRITTEN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)


def bytes_of(memory: str | float) -> int:
    """A size in bytes.

    Raises:
        OptionError: it is none.

    >>> bytes_of("1 GB"), bytes_of("1.5 MB"), bytes_of(2048)
    (1000000000, 1500000, 2048)
    """
    matched = WRITTEN.fullmatch(memory) if isinstance(memory, str) else WRITTEN.fullmatch(f"{memory}")
    if matched is None or isinstance(memory, bool) or matched[2].lower() not in UNITS:
        raise OptionError(f'memory is a size such as "1 GB" or "500 MB", or a number of bytes, not {memory!r}.')
    size = int(float(matched[1]) * UNITS[matched[2].lower()])
    if size < 1:
        raise OptionError(f'memory has to be more than nothing, such as "1 GB", not {memory!r}.')
    return size


class Held:
    """Bytes that autograd keeps for going backward; memory that is shared counts once.

    Args:
        apart: addresses of memory that does not count.
    """

    def __init__(self, apart: Collection[int] = ()) -> None:
        self._storages: dict[int, int] = {}
        self._apart = apart

    @property
    def bytes(self) -> int:
        """So far."""
        return sum(self._storages.values())

    @contextmanager
    def counting(self) -> Iterator[None]:
        """What is saved inside is counted."""
        with torch.autograd.graph.saved_tensors_hooks(self._pack, _same):
            yield

    def _pack(self, tensor: Tensor) -> Tensor:
        if tensor.layout is torch.strided:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in self._apart:
                self._storages[storage.data_ptr()] = storage.nbytes()
        return tensor


def _same(tensor: Tensor) -> Tensor:
    return tensor
