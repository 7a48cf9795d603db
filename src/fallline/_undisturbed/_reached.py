"""The modules, lists, dicts, sets and generators that somebody's function reaches in Python, at one moment."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from functools import cache
from operator import is_
from typing import Any, Final

from torch import nn

from fallline._random_state import is_generator

MAPPINGS: Final = frozenset({dict, OrderedDict, defaultdict})
SEQUENCES: Final = frozenset({list, deque, set})
PLAIN: Final = frozenset({bool, int, float, str, type(None)})
"""Most of what is met."""
MOST: Final = 10_000
"""Entries that are kept of all containers together: they are looked through each time the function has run."""


class Containers:
    """What containers held: which objects, not what is inside of those.

    Args:
        roots: containers; what these hold as well, at any depth.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        self.generators: list[Any] = []
        """Generators of random numbers that were met on the way."""
        self.modules: list[nn.Module] = []
        """Modules that were met on the way: what these hold is not kept here."""
        self._mappings: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        """With what they held."""
        self._empty: list[dict[Any, Any]] = []
        """Those that held nothing, by far the most of what modules have: a look at each is enough."""
        self._sequences: list[tuple[Any, list[Any]]] = []
        self._known: dict[int, Any] = {}
        """Held, so that no other object gets the identity of one."""
        self._left = MOST
        for root in roots:
            self.add(root)

    def add(self, root: Any) -> None:
        """Keep this one too, unless it is kept already."""
        waiting = [root]
        while waiting:
            each = waiting.pop()
            if id(each) not in self._known and _holds(each):
                self._known[id(each)] = each
                waiting += self._keep(each)

    def put_back(self) -> None:
        """All as it was; what did not change is not written to."""
        for empty in self._empty:
            if empty:
                empty.clear()
        for mapping, held in self._mappings:
            if not _same_mapping(mapping, held):
                _refill(mapping, held)
        for sequence, entries in self._sequences:
            if not _same(sequence, entries):
                sequence.clear()
                _fill(sequence)(entries)

    def _keep(self, each: Any) -> Iterable[Any]:
        """What it holds, where that is not too much."""
        if is_generator(each):
            self.generators.append(each)
        elif isinstance(each, nn.Module):
            return self._keep_module(each)
        elif type(each) in MAPPINGS and self._has_room(len(each)):
            return self._keep_mapping(each)
        elif type(each) is tuple and self._has_room(len(each)):
            return each
        elif type(each) in SEQUENCES and self._has_room(len(each)):
            entries = list(each)
            self._sequences.append((each, entries))
            return entries
        return ()

    def _keep_mapping(self, mapping: dict[Any, Any]) -> Iterable[Any]:
        if not mapping:
            self._empty.append(mapping)
            return ()
        held = dict(mapping)
        self._mappings.append((mapping, held))
        return held.values()

    def _keep_module(self, module: nn.Module) -> Iterable[Any]:
        self.modules.append(module)
        return ()

    def _has_room(self, entries: int) -> bool:
        fits = entries <= self._left
        self._left -= entries if fits else 0
        return fits


class Modules(Containers):
    """Modules as they were: all attributes, and what the containers among these held.

    Parameters, buffers, modules and hooks are attributes like others here: one that is made on the first call of a
    module is taken out again, and the attribute that it took the place of is there as before.
    """

    def _keep_module(self, module: nn.Module) -> Iterable[Any]:
        self.modules.append(module)
        usual, inside = usual_attributes(), list[Any]()
        for name, value in self._keep_attributes(module):
            if name in usual and type(value) in MAPPINGS and id(value) not in self._known:
                self._known[id(value)] = value
                inside += self._keep_mapping(value)  # however many: without it the module would be half as before
            else:
                inside.append(value)
        return inside

    def _keep_attributes(self, module: nn.Module) -> Iterable[tuple[str, Any]]:
        attributes = vars(module)
        self._keep_mapping(attributes)
        return attributes.items()


def _holds(each: Any) -> bool:
    kind = type(each)
    if kind in PLAIN:
        return False
    return kind in MAPPINGS or kind in SEQUENCES or kind is tuple or isinstance(each, nn.Module) or is_generator(each)


def _same(one: Collection[Any], other: Collection[Any]) -> bool:
    """The very same objects in the same order."""
    return len(one) == len(other) and all(map(is_, one, other))


def _same_mapping(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    return _same(one, other) and _same(one.values(), other.values())


def _refill(mapping: dict[Any, Any], held: dict[Any, Any]) -> None:
    """Entry by entry, so that what did not change is there for other threads all the time; and in the same order."""
    for name in mapping.keys() - held.keys():
        del mapping[name]
    mapping.update(held)
    if not _same_mapping(mapping, held):
        mapping.clear()
        mapping.update(held)


def _fill(sequence: Any) -> Callable[[Iterable[Any]], Any]:
    filling: Callable[[Iterable[Any]], Any] = sequence.update if isinstance(sequence, set) else sequence.extend
    return filling


@cache
def usual_attributes() -> frozenset[str]:
    """Attributes that every module has."""
    return frozenset(vars(nn.Module()))
