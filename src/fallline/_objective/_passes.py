"""Passes over all rows, each batch with its share of the mean, in pieces that fit memory."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Final

import torch
from torch import nn

from fallline._errors import OptionError
from fallline._objective._batches import Batch
from fallline._objective._functional import Evaluation, Functional
from fallline._objective._memory import Held
from fallline._objective._products import CONSTANT, Weighed
from fallline._objective._source import Source
from fallline._objective._trees import tensors
from fallline._objective._weighing import Weighing, prepared

FORWARD: Final = 3
"""Times what the forward pass leaves is more than it and its recorded gradient hold (measured: 1.8 to 2.6)."""
AT_ONCE: Final = 64_000_000
"""Bytes of a piece beyond which nothing is gained: larger ones are given back to the system and asked for again at each
step. Measured on a CNN on 1,797 digits, whose graph takes 153 MB: a product takes 0.75, a loss 0.63 of the time."""
CHECKPOINTED: Final = (
    "The model runs again while its gradient is taken (gradient checkpointing), and would then use other parameters: "
    "turn the checkpointing off."
)


class Passes:
    """The data as an objective goes through them.

    Args:
        memory: bytes that the recorded graph of one piece may take.
    """

    def __init__(self, functional: Functional, source: Source, weighing: Weighing, memory: int) -> None:
        self._functional, self._source, self._weighing = functional, source, weighing
        self.bytes_of_row = self._measure()
        self._piece = max(1, min(memory, AT_ONCE) // max(1, self.bytes_of_row))
        """Rows whose graph fits, and is no larger than is of use."""

    @property
    def largest(self) -> int:
        """Rows of the largest piece."""
        rows = math.ceil(self._source.largest)
        return min(rows, self._piece) if self._weighing.splits else rows

    @contextmanager
    def session(self, dtype: torch.dtype | None = None) -> Iterator[tuple[Evaluation, Iterator[Weighed]]]:
        """The loss, and one pass over the data."""
        with self._source.undisturbed(), self._functional.session(dtype) as evaluation:
            yield evaluation, self._weighed(dtype)

    def _weighed(self, dtype: torch.dtype | None) -> Iterator[Weighed]:
        for place, batch in enumerate(self._source.batches()):
            known = self._weighing.sizes[place] if self._source.kept else None
            for piece in self._pieces(batch):
                size = known if piece is batch and known is not None else self._weighing.rule.of(piece)
                if size:  # a piece in which nothing counts has no mean
                    yield prepared(self._functional, piece, dtype), size / self._weighing.total

    @contextmanager
    def sample(self, step: int, dtype: torch.dtype | None = None) -> Iterator[tuple[Evaluation, Iterator[Weighed]]]:
        """As :meth:`session`, over every ``step``-th row."""
        with self._functional.session(dtype) as evaluation:
            yield evaluation, self._weighed_sample(step, dtype)

    @property
    def can_sample(self) -> bool:
        """Whether rows can be taken out of the batches, which are at hand."""
        return self._source.kept and self._weighing.splits

    def _weighed_sample(self, step: int, dtype: torch.dtype | None) -> Iterator[Weighed]:
        found, seen = [], 0
        for batch in self._source.batches():
            begin = -seen % step
            seen += batch.rows
            if begin < batch.rows:
                few = batch.each(step, begin)
                found.append((few, self._weighing.rule.of(few) or 0.0))
        total = sum(size for _, size in found)
        for few, size in found:
            if size:
                yield prepared(self._functional, few, dtype), size / total

    def _pieces(self, batch: Batch) -> Iterator[Batch]:
        rows = batch.rows
        if not self._weighing.splits or rows <= self._piece:
            yield batch
            return
        count = math.ceil(rows / self._piece)
        ends = [round(rows * place / count) for place in range(count + 1)]
        for begin, end in pairwise(ends):
            yield batch.part(begin, end)

    def _measure(self) -> int:
        """Bytes that the graph of a row's loss holds, with its gradient, beside the data and the parameters.

        Raises:
            OptionError: there is no such graph.
        """
        cut = self._weighing.cut
        if cut is None:
            return 1
        with self._functional.session() as evaluation, torch.enable_grad():
            parts = [one.detach().clone().requires_grad_() for one in self._functional.tensors]
            batch = prepared(self._functional, cut.whole, None)
            there = [*parts, *(one for one in tensors(batch.given) if one.layout is torch.strided)]
            held = Held({one.untyped_storage().data_ptr() for one in there})
            loss = held.by(lambda: evaluation.loss(parts, batch), lambda found: [found])
            if not loss.requires_grad:
                raise OptionError(CONSTANT)
            with runs_of(self._functional.model) as runs:
                torch.autograd.grad(loss, parts, allow_unused=True)
        if runs:
            raise OptionError(CHECKPOINTED)
        return math.ceil(FORWARD * held.bytes / batch.rows)


@contextmanager
def runs_of(model: nn.Module) -> Iterator[list[str]]:
    """Which modules run inside."""
    runs: list[str] = []
    with ExitStack() as hooks:
        for each in model.modules():
            handle = each.register_forward_pre_hook(lambda module, _: runs.append(type(module).__name__))
            hooks.callback(handle.remove)
        yield runs
