"""Where a gradient of somebody's own ends: a backward that hands back None for an operand that asks for one."""

from typing import NamedTuple

import torch

from fallline._backprop._gradients import Gradients
from fallline._backprop._torch_private import custom_class
from fallline._backprop._walk import Walk, leaf_of, steps_behind


class GaveNone(NamedTuple):
    """The ``autograd.Function`` that a leaf's gradient ended at."""

    function: str
    at_once: bool
    """It got the leaf itself, and not what was made of it."""

    def in_words(self, name: str) -> str:
        """One sentence: why the leaf of this name has no gradient."""
        return f"{self.function}.backward gives None for {name if self.at_once else f'what was made of {name}'}."


def gave_none(back: Walk, gradients: Gradients) -> dict[int, GaveNone]:
    """By id, the leaves that got no gradient because a custom step back gave none; the last step on their way counts.

    Args:
        back: the way back from the result.
        gradients: that it carried.
    """
    without = {id(leaf) for leaf, each in zip(back.leaves, gradients.leaves, strict=True) if each is None}
    found: dict[int, GaveNone] = {}
    for step in back.steps if without else ():
        custom = custom_class(step)
        if custom is None or all(each is None for each in gradients.arrived.get(step, ())):
            continue
        for (operand, _), left in zip(step.next_functions, gradients.left.get(step, ()), strict=False):
            for leaf in _leaves_behind(operand) if operand is not None and left is None else ():
                if id(leaf) in without:
                    found[id(leaf)] = GaveNone(custom.__name__, leaf is leaf_of(operand))
    return found


def _leaves_behind(step: object) -> list[torch.Tensor]:
    return [leaf for leaf in map(leaf_of, steps_behind(step)) if leaf is not None]
