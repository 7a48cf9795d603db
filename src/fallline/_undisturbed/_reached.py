"""The lists, dicts, sets and generators that somebody's function reaches in Python itself, at one moment."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from functools import cache
from operator import is_
from typing import Any, Final

from torch import nn

from fallline._random_state import is_generator

MAPPINGS: Final = frozenset({dict, OrderedDict, defaultdict})
SEQUENCES: Final = frozenset({list, deque, set})
MOST: Final = 10_000
"""Entries that are kept of all containers together: they are looked through each time the function has run."""


class Containers:
    """What containers held: which objects, not what is inside of those.

    Args:
        roots: containers, and modules, whose attributes are kept; what these hold as well, at any depth.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        self.generators: list[Any] = []
        """Generators of random numbers that were met on the way."""
        self._mappings: list[tuple[dict[Any, Any], dict[Any, Any], frozenset[str]]] = []
        """With what they held, and the names that are left alone."""
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
        for mapping, held, apart in self._mappings:
            now = {name: value for name, value in mapping.items() if name not in apart}
            if not (_same(now, held) and _same(now.values(), held.values())):
                for name in now:
                    del mapping[name]
                mapping.update(held)
        for sequence, entries in self._sequences:
            if not _same(sequence, entries):
                sequence.clear()
                _fill(sequence)(entries)

    def _keep(self, each: Any) -> list[Any]:
        """What it holds, where that is not too much."""
        if is_generator(each):
            self.generators.append(each)
            return []
        attributes = isinstance(each, nn.Module)
        if attributes or type(each) in MAPPINGS:
            apart = usual_attributes() if attributes else frozenset()
            mapping = vars(each) if attributes else each
            held = {name: value for name, value in mapping.items() if name not in apart}
            if self._has_room(len(held)):
                self._mappings.append((mapping, held, apart))
                return [*held.values(), *(each.children() if attributes else ())]
        elif type(each) is tuple and self._has_room(len(each)):
            return list(each)
        elif type(each) in SEQUENCES and self._has_room(len(each)):
            entries = list(each)
            self._sequences.append((each, entries))
            return entries
        return []

    def _has_room(self, entries: int) -> bool:
        fits = entries <= self._left
        self._left -= entries if fits else 0
        return fits


def _holds(each: Any) -> bool:
    kind = type(each)
    return kind in MAPPINGS or kind in SEQUENCES or kind is tuple or isinstance(each, nn.Module) or is_generator(each)


def _same(one: Iterable[Any], other: Iterable[Any]) -> bool:
    """The very same objects in the same order."""
    ones, others = list(one), list(other)
    return len(ones) == len(others) and all(map(is_, ones, others))


def _fill(sequence: Any) -> Callable[[Iterable[Any]], Any]:
    filling: Callable[[Iterable[Any]], Any] = sequence.update if isinstance(sequence, set) else sequence.extend
    return filling


@cache
def usual_attributes() -> frozenset[str]:
    """Attributes that every module has: these are kept in another way."""
    return frozenset(vars(nn.Module()))
