"""What one epoch consists of."""

from collections.abc import Iterator

import torch
from torch import Tensor


class Batches:
    """Rows cut into batches, shuffled anew each epoch; the whole table at once where no size is given.

    The order depends on seed and epoch alone, never on the global random state, so it can be asked for again.

    Args:
        features: [N, D].
        target: [N, 1].
        size: rows per batch; the last batch of an epoch may be smaller.
        seed: of the shuffling.

    >>> batches = Batches(torch.arange(5.0).view(5, 1), torch.zeros(5, 1), size=2, seed=1)
    >>> [len(features) for features, target in batches.epoch(0)], batches.per_epoch
    ([2, 2, 1], 3)
    """

    def __init__(self, features: Tensor, target: Tensor, *, size: int | None = None, seed: int = 0) -> None:
        self.features, self.target = features, target
        self.rows = len(features)
        self.size = self.rows if size is None else min(size, self.rows)
        self.seed = seed

    @property
    def full(self) -> bool:
        """True where every step sees all rows."""
        return self.size == self.rows

    @property
    def per_epoch(self) -> int:
        """Steps in one epoch."""
        return -(-self.rows // self.size)

    def indices(self, epoch: int) -> list[Tensor]:
        """The rows of each batch of this epoch."""
        if self.full:
            return [torch.arange(self.rows, device="cpu")]
        generator = torch.Generator(device="cpu").manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
        return list(torch.split(torch.randperm(self.rows, generator=generator, device="cpu"), self.size))

    def epoch(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """(features, target) of each batch of this epoch."""
        if self.full:
            yield self.features, self.target
            return
        for rows in self.indices(epoch):
            yield self.features[rows], self.target[rows]
