"""A function of one parameter vector, at each of a stack of them: all at once where that is faster."""

import warnings
from collections.abc import Callable
from typing import Final, Literal

import torch
from torch import Tensor
from torch.func import vmap

CLOSE: Final = 256
"""Units of rounding that the two ways may differ by."""
AT_ONCE: Final = 16_000_000
"""Bytes that are worked on at once: beyond what a cache holds nothing is gained."""
WORTH_IT: Final = 16
"""So many vectors have to fit into these bytes. Measured on one thread: 17 parameters on 100 rows are 20 times faster
together, an MLP and a CNN on 1,797 digits (4 MB a vector and more) slower. The choice is one of sizes and not of a
clock, so that the same call gives the same bits."""

Kind = Literal["loss", "gradient"]
Function = Callable[[Tensor], Tensor]
Singly = Callable[[Tensor], Tensor]
"""The same of every row of a stack, one after the other."""


class Stacked:
    """Evaluates stacks of vectors; remembers for which function both ways say the same.

    Args:
        bytes_each: what one vector's evaluation holds at most.
        memory: what may be held.
    """

    def __init__(self, bytes_each: int, memory: int) -> None:
        self.chunk = max(1, min(AT_ONCE, memory) // max(1, bytes_each))
        """Vectors at once."""
        self.vectorised: dict[Kind, bool] = {}
        """By function; what was not yet tried is missing."""

    def each(self, kind: Kind, many: Function, singly: Singly, stack: Tensor) -> Tensor:
        """``many``, in a form that vmap takes, of chunks of the stack, or ``singly`` of all of it."""
        if self.chunk < WORTH_IT or len(stack) < 2:
            return singly(stack)
        if kind not in self.vectorised:
            self.vectorised[kind] = _says_the_same(many, singly, stack[:2])
        if not self.vectorised[kind]:
            return singly(stack)
        together: Tensor = vmap(many, chunk_size=self.chunk)(stack)
        return together.detach()


def one_by_one(one: Function, stack: Tensor) -> Tensor:
    """``one`` of every row."""
    return torch.stack([one(row).detach() for row in stack])


def _says_the_same(many: Function, singly: Singly, few: Tensor) -> bool:
    """Not every model can be vectorised; what can has to give the same numbers.

    What PyTorch warns of (an operation that it runs row by row after all) is no gain, and no news to the user.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            found = vmap(many)(few.clone()).detach()  # a model may write to its parameters: not to the caller's
    except (RuntimeError, UserWarning):
        return False
    alone = singly(few)
    size = float(alone.abs().nan_to_num(0.0, 0.0, 0.0).max())
    rounding = CLOSE * torch.finfo(alone.dtype).eps
    return torch.allclose(alone, found, rtol=rounding, atol=rounding * size, equal_nan=True)
