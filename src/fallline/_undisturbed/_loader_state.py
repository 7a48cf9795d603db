"""A loader as it stands: its generators, counters and attributes, put back after it was gone through."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

import torch

from fallline._random_state import is_generator, state_of
from fallline._undisturbed._reached import PLAIN, Modules

LONGEST: Final = 200
"""Entries of a list or a dict that is gone into: longer ones are rows, names of files, indices."""
OF_OTHER_THREADS: Final = frozenset({"queue", "threading", "_thread", "multiprocessing", "concurrent", "asyncio"})
"""Modules whose objects other threads change meanwhile: they are left alone, and so are loggers."""
APART: Final = (type, ModuleType, torch.Tensor)


class LoaderState:
    """What a loader reaches: sampler, data set, collate function, transforms, and what these hold, at any depth.

    Attributes and the entries of short containers are put back to the very same objects, generators to where they
    stood. What arrays, tensors, files and long lists hold is not looked into.
    """

    def __init__(self, loader: Any) -> None:
        self._objects = _Objects([loader])
        self.generators: list[Any] = self._objects.generators
        self._states = [state_of(each) for each in self.generators]

    def put_back(self) -> None:
        """As it was; may be done again."""
        self._objects.put_back()
        for put_back in self._states:
            put_back()


@contextmanager
def loader_kept(loader: Any) -> Iterator[None]:
    """However this ends, the loader is as before."""
    state = LoaderState(loader)
    try:
        yield
    finally:
        state.put_back()


class _Objects(Modules):
    """Containers, modules, and the attributes of all other objects."""

    def add(self, root: Any) -> None:
        waiting = [root]
        for each in waiting:  # breadth first: what is near comes before what is many
            if type(each) not in PLAIN and id(each) not in self._known:
                self._known[id(each)] = each
                waiting += self._keep(each)

    def _keep(self, each: Any) -> Iterable[Any]:
        if isinstance(each, torch.nn.Module) or is_generator(each):
            return super()._keep(each)
        return [*super()._keep(each), *_called(each), *self._attributes_of(each)]

    def _attributes_of(self, each: Any) -> Iterable[Any]:
        held = getattr(each, "__dict__", None)
        if type(held) is not dict or isinstance(each, APART) or _is_of_other_threads(type(each)):
            return ()
        return self._keep_mapping(held) if self._has_room(len(held)) else ()

    def _has_room(self, entries: int) -> bool:
        return entries <= LONGEST and super()._has_room(entries)


def _called(each: Any) -> Iterable[Any]:
    """What a function brings with it: the object of a method, the arguments of a partial, the names around a def."""
    if isinstance(each, MethodType):
        return (each.__self__,)
    if isinstance(each, partial):
        return (each.func, *each.args, *each.keywords.values())
    if isinstance(each, FunctionType) and each.__closure__ is not None:
        return [cell.cell_contents for cell in each.__closure__ if _is_filled(cell)]
    return ()


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises when it is read, and says so in no other way
    except ValueError:
        return False
    return True


def _is_of_other_threads(kind: type) -> bool:
    """Also the iterator that a loader's workers fill."""
    home = kind.__module__.partition(".")[0]
    return home in OF_OTHER_THREADS or home == "logging" or kind.__name__.endswith("DataLoaderIter")
