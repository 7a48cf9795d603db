"""Parameters that an ``autograd.Function`` used and did not get as an argument: their gradient does not come back."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from fallline._backprop._cuts import Cuts
from fallline._backprop._torch_private import custom_class, number_of
from fallline._backprop._walk import Walk


class PassedBy(NamedTuple):
    """One of them."""

    name: str
    tensor: torch.Tensor
    function: str | None
    """Name of the ``autograd.Function``; None where it is not on the way back."""

    def in_words(self) -> str:
        """One sentence."""
        function = "an autograd.Function" if self.function is None else f"{self.function}, an autograd.Function"
        return (
            f"{self.name} reaches the result through {function} that used it without getting it as an argument: no "
            "gradient comes back."
        )


def passed_by(cuts: Cuts, back: Walk, name: Callable[[torch.Tensor], str]) -> list[PassedBy]:
    """Leaves that reach the result only inside of an ``autograd.Function``.

    Args:
        cuts: of the forward pass.
        back: the way back from the result.
        name: gives each of them its name.
    """
    reached = {id(leaf) for leaf in back.leaves}
    functions = {number_of(step): custom_class(step) for step in back.steps if custom_class(step) is not None}
    found = []
    for leaf, operation in cuts.used_inside():
        if id(leaf) not in reached and cuts.made_of_it_reaches(operation):
            reached.add(id(leaf))
            function = functions.get(operation.number)
            found.append(PassedBy(name(leaf), leaf, None if function is None else function.__name__))
    return found
