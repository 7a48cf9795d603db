"""A loader gone through by iterators of its own, and put back as it was: generators, counters, everything in reach."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import torch

from fallline._errors import DataError
from fallline._objective._batches import Batch, read_batch
from fallline._objective._source import given_batches, own_iterator
from fallline._undisturbed import LoaderState

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
        self._state = LoaderState(None if self.listed else given)
        self._count: int | None = None

    def put_back(self) -> None:
        """Attributes and generators as they were at the beginning."""
        self._state.put_back()

    def seed(self, seed: int) -> None:
        """Start all generators of the loader's own from ``seed``."""
        for generator in self._state.generators:
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
        return own_iterator(self._batches)


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
