"""How many bytes the user allows, and how many a recorded graph holds."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from typing import Final, TypeVar

import torch
from torch import Tensor

from fallline._errors import OptionError
from fallline._objective._trees import tensors

UNITS: Final = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
WRITTEN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
REFUSED: Final = "saved tensor hooks"
"""What PyTorch says where a model calls ``torch.func.grad`` and its like, which bear no such hooks."""

Recorded = TypeVar("Recorded")


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
        self._hooks = True
        self.forward_mode = False
        """Whether zeros came by that lie in no memory: forward-mode AD makes them."""

    @property
    def bytes(self) -> int:
        """So far."""
        return sum(self._storages.values())

    def by(self, work: Callable[[], Recorded], ends: Callable[[Recorded], Iterable[Tensor]]) -> Recorded:
        """What ``work`` returns; what autograd keeps for its ``ends`` is counted."""
        if self._hooks:
            try:
                with torch.autograd.graph.saved_tensors_hooks(self._pack, _same):
                    return work()
            except RuntimeError as error:
                if REFUSED not in str(error):
                    raise
                self._hooks = False
        found = work()
        for tensor in _saved_behind(ends(found)):
            self._pack(tensor)
        return found

    def _pack(self, tensor: Tensor) -> Tensor:
        if tensor.layout is torch.strided:
            storage = tensor.untyped_storage()
            try:
                place = storage.data_ptr()
            except RuntimeError:
                self.forward_mode = True
                return tensor
            if place not in self._apart:
                self._storages[place] = storage.nbytes()
        return tensor


def _saved_behind(ends: Iterable[Tensor]) -> Iterator[Tensor]:
    """What the nodes of a recorded graph keep, read off them: slower than by hooks, and for any model."""
    seen, waiting = set(), [end.grad_fn for end in ends]
    names: dict[type, list[str]] = {}
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [before for before, _ in node.next_functions]
        kind = type(node)
        if kind not in names:
            names[kind] = [name for name in dir(kind) if name.startswith("_saved_") or name == "saved_tensors"]
        for name in names[kind]:
            with suppress(RuntimeError):  # what was written over since
                kept = getattr(node, name)
                yield from tensors(kept)


def _same(tensor: Tensor) -> Tensor:
    return tensor
