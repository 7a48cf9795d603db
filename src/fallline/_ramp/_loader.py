"""A loader gone through by iterators of its own, and put back as it was: generators, counters, everything in reach."""

import copy
import random
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import torch

from fallline._errors import DataError
from fallline._objective._batches import Batch, read_batch
from fallline._objective._source import given_batches

PARTS: Final = ("sampler", "batch_sampler", "dataset", "datasets", "loader", "data_source", "collate_fn", "transform")
"""Attributes through which a loader holds what may keep a place or draw random numbers."""
DEEPEST: Final = 6
LARGEST_SEED: Final = 2**32


class KeptLoader:
    """Everything that going through a loader may move; ``put_back`` puts it back, as often as asked.

    Args:
        given: a pair of tensors, a list of batches, or a loader that can be gone through again.

    Raises:
        DataError: it can be read only once, or holds no batches.
    """

    def __init__(self, given: Any) -> None:
        self._batches, self.listed = given_batches(given)
        self._objects = [] if self.listed else list(_within(given))
        self._attributes = [(held, dict(held)) for held in map(_attributes, self._objects) if held is not None]
        self._generators = [(each, _state(each)) for each in self._all_generators()]
        self._count: int | None = None

    def put_back(self) -> None:
        """Attributes and generators as they were at the beginning."""
        for held, before in self._attributes:
            if list(held) != list(before) or any(held[name] is not before[name] for name in before):
                held.clear()
                held.update(before)
        for generator, state in self._generators:
            _set_state(generator, state)

    def seed(self, seed: int) -> None:
        """Start all generators of the loader's own from ``seed``."""
        for generator, _ in self._generators:
            _seed(generator, seed)

    def endless(self, seed: int) -> Iterator[tuple[Batch, int]]:
        """Batches with the pass they come from, pass after pass; a list in an order drawn for each pass.

        Raises:
            DataError: a pass gave none.
        """
        draw = np.random.default_rng(seed % LARGEST_SEED)
        turn = 0
        while True:
            empty = True
            for given in self._in_order(draw):
                empty = False
                yield read_batch(given), turn
            if empty:
                raise DataError(
                    "There are no data: not one batch came."
                    if turn == 0
                    else "These data can be read only once, and a ramp reads them again: give a list or a loader."
                )
            turn += 1

    def _in_order(self, draw: np.random.Generator) -> Iterable[Any]:
        if self.listed:
            batches: Any = self._batches
            return (batches[place] for place in draw.permutation(len(batches)))
        return _own_iterator(self._batches)

    def _all_generators(self) -> Iterator[Any]:
        seen: set[int] = set()
        for each in self._objects:
            for value in (_attributes(each) or {}).values():
                if isinstance(value, GENERATORS) and id(value) not in seen:
                    seen.add(id(value))
                    yield value


def _own_iterator(loader: Any) -> Iterator[Any]:
    """One that the user's own iterator shares nothing with: of workers that stay, a loader has only one."""
    if isinstance(loader, torch.utils.data.DataLoader) and loader.persistent_workers:
        loader = copy.copy(loader)
        loader._iterator = None
    return iter(loader)


def _within(thing: Any, depth: int = 0, seen: set[int] | None = None) -> Iterator[Any]:
    """A loader and what it holds in the usual places."""
    seen = set() if seen is None else seen
    if depth > DEEPEST or thing is None or id(thing) in seen or isinstance(thing, torch.Tensor | torch.nn.Module):
        return
    seen.add(id(thing))
    yield thing
    held = _attributes(thing) or {}
    for name in PARTS:
        value = held.get(name)
        for each in value if isinstance(value, list | tuple) else [value]:
            yield from _within(each, depth + 1, seen)


def _attributes(thing: Any) -> dict[str, Any] | None:
    held = getattr(thing, "__dict__", None)
    return held if isinstance(held, dict) and not isinstance(thing, type) else None


GENERATORS: Final = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


def _state(generator: Any) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, np.random.Generator):
        return copy.deepcopy(generator.bit_generator.state)
    return generator.get_state(legacy=False) if isinstance(generator, np.random.RandomState) else generator.getstate()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, torch.Generator | np.random.RandomState):
        generator.set_state(state)
    elif isinstance(generator, np.random.Generator):
        generator.bit_generator.state = copy.deepcopy(state)
    else:
        generator.setstate(state)


def _seed(generator: Any, seed: int) -> None:
    if isinstance(generator, torch.Generator):
        generator.manual_seed(seed)
    elif isinstance(generator, np.random.Generator):
        kind: Any = type(generator.bit_generator)
        generator.bit_generator.state = kind(seed % LARGEST_SEED).state
    else:
        generator.seed(seed % LARGEST_SEED)


def first_pass(batches: Iterator[tuple[Batch, int]], most: int) -> tuple[list[Batch], bool]:
    """Up to ``most`` batches of the first pass, and whether these are all of it."""
    found: list[Batch] = []
    for batch, turn in batches:
        if turn > 0:
            return found, True
        if len(found) == most:
            return found, False
        found.append(batch.mapped(lambda tensor: tensor.detach().clone()))
    raise ValueError("an endless iterator ended")
