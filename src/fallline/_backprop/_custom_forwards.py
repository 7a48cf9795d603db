"""Which tensors an ``autograd.Function`` made where autograd does not look, and which it only got from outside.

Inside of its forward nothing is recorded, so a tensor that asks for no gradient is one of two things there: held
constant, because it came in so, or made of the operands and moving with them. What the forward keeps for its step back
is of the second kind, and a step back that is differentiated once more uses it outside.
"""

from collections.abc import Callable
from typing import Any

import torch

from fallline._backprop._tensors_in import tensors_in
from fallline._backprop._torch_private import custom_class, kept_by, memory_of, saving_hooked


class _Memories:
    """A set of storages: a view is another object with the same memory."""

    def __init__(self, *tensors: torch.Tensor) -> None:
        self._known: set[Any] = set()
        self.add(*tensors)

    def add(self, *tensors: torch.Tensor) -> None:
        self._known |= {memory_of(each) for each in tensors} - {None}

    def discard(self, *tensors: torch.Tensor) -> None:
        self._known -= {memory_of(each) for each in tensors}

    def __contains__(self, tensor: torch.Tensor) -> bool:
        return bool(self._known) and memory_of(tensor) in self._known


class CustomForwards:
    """In one run of a function.

    Args:
        expected: whether there are any; else what is made is not looked at before the first one runs.
    """

    def __init__(self, *, expected: bool = True) -> None:
        self._expected = expected
        self.ran = False
        """Any of them."""
        self._own: _Memories | None = None
        """Of the forward that runs: its operands that ask for a gradient, and what it made; None outside."""
        self._held: set[int] = set()
        """Ids of its operands that ask for none."""
        self._outside = _Memories()
        """Made by operations outside of any forward."""
        self.used_again: dict[str, None] = {}
        """Names of those whose forward kept something that operations outside used."""
        self._kept: dict[int, tuple[torch.Tensor, str]] = {}
        """By id, with the name: what forwards made and kept for their steps back."""
        self._made_of_kept = _Memories()
        """What was computed of these outside; and they themselves, but where they share memory with others."""

    def run(self, apply: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Apply one ``autograd.Function``; one inside of another is a part of it."""
        if self._own is not None:
            return apply(*args, **kwargs)
        self.ran = self._expected = True
        operands = tensors_in((args, kwargs))
        self._held = {id(each) for each in operands if not each.requires_grad}
        self._own = _Memories(*(each for each in operands if each.requires_grad))
        try:
            made = apply(*args, **kwargs)
            self._note_kept(made, _Memories(*operands, *tensors_in(made)))
        finally:
            self._own = None
        self._outside.add(*tensors_in(made))
        return made

    def _note_kept(self, made: Any, known: _Memories) -> None:
        if saving_hooked():  # asked for it here, a checkpointed part would run again
            return
        functions = {each.grad_fn: custom_class(each.grad_fn) for each in tensors_in(made)}
        kept = [(each, of.__name__) for node, of in functions.items() if of is not None for each in kept_by(node)]
        for tensor, name in kept:
            if not (tensor.requires_grad or self.holds(tensor)):
                self._kept[id(tensor)] = tensor, name
                if tensor not in known:
                    self._made_of_kept.add(tensor)

    def holds(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor without a gradient came into the forward that runs from outside."""
        if id(tensor) in self._held:
            return True
        return (self._own is None or tensor not in self._own) and tensor in self._outside

    def made_inside(self, output: Any) -> None:
        """By an operation in the forward that runs."""
        if self._own is not None:
            self._own.add(*tensors_in(output))

    def made_outside(self, operands: list[torch.Tensor], output: Any, *, recorded: bool, cut: bool) -> None:
        """By any other operation.

        Args:
            operands: of the operation …
            output: … and what it made.
            recorded: autograd made a node for it.
            cut: it is on purpose without a gradient (``detach``, ``no_grad``).
        """
        if not self._expected:
            return
        made = tensors_in(output)
        self._outside.add(*made)
        if not self._kept:
            return
        self.used_again |= {self._kept[id(each)][1]: None for each in operands if id(each) in self._kept}
        if cut:
            self._made_of_kept.discard(*operands)
        elif not recorded and any(self.moves_unseen(each) for each in operands):
            shared = _Memories(*operands)
            self._made_of_kept.add(*(each for each in made if each not in shared))

    def moves_unseen(self, tensor: torch.Tensor) -> bool:
        """Whether it is what a forward kept, or made of it, and autograd takes it for a constant."""
        return not tensor.requires_grad and (id(tensor) in self._kept or tensor in self._made_of_kept)
