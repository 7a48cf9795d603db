"""What a pass over the data saw, whatever the order of its rows and their split into batches."""

from typing import Final

import torch
from torch import Tensor

from fallline._objective._batches import Batch, has_rows
from fallline._objective._trees import leaves

STRETCH: Final = 1 << 22
"""Numbers that are taken at once."""
ODD: Final = -7046029254386353131
"""2⁶⁴ over the golden ratio, as a signed number: odd, so that nothing is lost in a product modulo 2⁶⁴."""
MIX: Final = -4658895280553007687
WORDS: Final = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def fingerprint(batch: Batch) -> int:
    """A sum over the rows of a hash of each row's bits, modulo 2⁶⁴: equal for the same rows in any order.

    Input and target of a row are hashed together, so that a target at another row shows.
    """
    rows = batch.rows
    total, other = torch.zeros(rows, dtype=torch.int64), 0
    for place, (path, leaf) in enumerate(leaves((batch.input, None if batch.is_mapping else batch.target))):
        seed = _mixed(torch.tensor([sum(map(ord, path)) + 131 * place], dtype=torch.int64))
        if isinstance(leaf, Tensor) and has_rows(leaf, rows):
            total += _mixed(_row_hashes(leaf) + seed)
        elif isinstance(leaf, Tensor):
            other += int(_mixed(_row_hashes(leaf.reshape(1, -1)) + seed).sum())
    return (int(_mixed(total).sum()) + other) % 2**64


def _row_hashes(tensor: Tensor) -> Tensor:
    """[rows] a sum of each row's words, each word times an odd number of its own."""
    words = _words(tensor)
    weights = _mixed(torch.arange(1, words.shape[1] + 1) * ODD) | 1
    step = max(1, STRETCH // max(1, words.shape[1]))
    parts = [(part.to(torch.int64) * weights).sum(1) for part in torch.split(words, step)]
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64)


def _words(tensor: Tensor) -> Tensor:
    """The bits as whole numbers [rows, …]."""
    plain = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
    plain = torch.view_as_real(plain.resolve_conj()) if plain.is_complex() else plain
    plain = plain.cpu().contiguous().reshape(len(plain), plain[:1].numel() if len(plain) else 1)
    words: Tensor = plain.view(WORDS[plain.element_size()]) if plain.numel() else plain.to(torch.int64)
    return words


def _mixed(words: Tensor) -> Tensor:
    """Every bit of the result depends on many of the word's (a round of splitmix64, on signed numbers)."""
    words = (words ^ (words >> 30)) * MIX
    words = (words ^ (words >> 27)) * ODD
    return words ^ (words >> 31)
