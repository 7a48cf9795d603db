"""Where a gradient ends, and the sentence that says why: what a tensor's values went through on their way."""

from collections.abc import Iterator
from typing import Final

import torch

from fallline._backprop._handed_in import complex_in_words
from fallline._backprop._rule_text import short_op
from fallline._backprop._seen import Operation, Seen
from fallline._backprop._torch_private import ITEM
from fallline._backprop._trace import Trace

NOTHING: Final = frozenset({"lift_fresh", "is_same_size"})
"""Operations that are no use of a tensor's numbers."""


DETACHING: Final = frozenset({"detach", "alias"})
MADE_LIKE: Final = ("_like", "new_")
"""Operations that take the shape of a tensor and none of its numbers have one of these in their name."""
COMPARISONS: Final = {"gt": ">", "lt": "<", "ge": "≥", "le": "≤", "eq": "==", "ne": "≠"}


class Cuts:
    """Follows values forward through the operations that ran, those without a gradient too."""

    def __init__(self, trace: Trace, result: Seen) -> None:
        self._operations = trace.operations
        self._trace = trace
        self._result = result
        self._makers: dict[int, list[Operation]] = {}
        for operation in trace.operations:
            for output in operation.outputs:
                if output is not None:
                    self._makers.setdefault(output.token, []).append(operation)

    def maker(self, seen: Seen, before: int) -> Operation | None:
        """The operation that made this tensor, the last one before that place."""
        made = [each for each in self._makers.get(seen.token, ()) if each.place < before]
        return made[-1] if made else None

    def drawn(self, seen: Seen, before: int) -> bool:
        """Whether a random generator wrote into this tensor: a mask of dropout."""
        return any(each.random for each in self._makers.get(seen.token, ()) if each.place < before)

    def depends(self, operation: Operation) -> bool:
        """Whether anything that asks for a gradient went into it, at any distance."""
        waiting, known = [operation], {operation.place}
        while waiting:
            each = waiting.pop()
            if any(part in each.op for part in MADE_LIKE):
                continue
            if any(seen.requires_grad for _, seen in each.tensors):
                return True
            for _, seen in each.tensors:
                earlier = self.maker(seen, each.place)
                if earlier is not None and earlier.place not in known:
                    known.add(earlier.place)
                    waiting.append(earlier)
        return False

    def why_none(self, name: str, tensor: torch.Tensor) -> str:
        """One sentence why no gradient arrives at a tensor that was handed in."""
        if tensor.is_complex():
            return complex_in_words([name])
        if not tensor.is_floating_point():
            kind = str(tensor.dtype).removeprefix("torch.")
            return (
                f"{name} is of {kind}: only floating-point numbers can be moved a little, so only they have a gradient."
            )
        uses = self._uses({self._trace.token(tensor)}, -1)
        if not uses:
            return f"{name} was used by no operation of PyTorch (NumPy, .tolist() and the like are not seen)."
        cuts = [each for each in uses if self.ends_in(each)]
        through = [each for each in cuts if self.made_of_it_reaches(each)]
        if not through:
            through = [each for each in cuts if each.op == ITEM]
        if through:
            return self._sentence(name, through[0])
        return f"{name} was used, but nothing that was made of it reaches the result."

    def used_inside(self) -> Iterator[tuple[torch.Tensor, Operation]]:
        """Leaves that an operation inside of an ``autograd.Function`` used; one that is detached there is meant so."""
        for operation in self._operations:
            if operation.in_custom and operation.op not in DETACHING:
                for _, seen in operation.tensors:
                    if seen.leaf is not None and self.maker(seen, operation.place) is None:  # else a view of one
                        yield seen.leaf, operation

    def reaches(self, tensor: torch.Tensor) -> bool:
        """Whether the result was made of this tensor, with a gradient or without."""
        token = self._trace.token(tensor)
        return token == self._result.token or any(map(self.made_of_it_reaches, self._uses({token}, -1)))

    def cut_in_words(self, operation: Operation) -> str:
        """Why nothing goes back through this operation."""
        word = _word(operation)
        if operation.op in DETACHING:
            return "detach() hands on the numbers without their history: no gradient comes back through it."
        if not any(output is not None and _continuous(output) for output in operation.outputs):
            return (
                f"{word} gives whole numbers or truth values, which have no slope: no gradient comes back through it."
            )
        if operation.differentiable:
            return f"{word} is used only by what hands back no gradient."
        if operation.higher_order and not operation.grad_enabled:
            return f"{word} ran in a backward pass without create_graph=True: no gradient comes back through it."
        if not operation.grad_enabled:
            return f"{word} ran under torch.no_grad(): no gradient comes back through it."
        return f"{word} used only tensors without a gradient."

    def _sentence(self, name: str, operation: Operation) -> str:
        word = _word(operation)
        if operation.op == ITEM:
            return f"{name} was turned into a Python number (.item(), float() or if), which has no gradient."
        if operation.op in DETACHING:
            return (
                f"{name} was detached on its way to the result: detach(), .data or torch.tensor() of a tensor cuts the "
                "gradient off."
            )
        if operation.higher_order and not operation.grad_enabled:
            return f"{name} reaches the result only through a backward pass without create_graph=True."
        if not operation.grad_enabled and any(each is not None and _continuous(each) for each in operation.outputs):
            return f"{name} reaches the result only through {word} under torch.no_grad(), which cuts the gradient off."
        return f"{name} reaches the result only through {word}, whose whole numbers or truth values have no slope."

    def _uses(self, tokens: set[int], after: int) -> list[Operation]:
        """Operations behind that place that used one of these tensors, or what was made of them, in order."""
        made_of, found = set(tokens), []
        for operation in self._operations[after + 1 :]:
            if operation.op not in NOTHING and any(seen.token in made_of for _, seen in operation.tensors):
                made_of |= _made_by(operation)
                found.append(operation)
        return found

    def made_of_it_reaches(self, operation: Operation) -> bool:
        """Whether the result was made of what this operation made."""
        made = _made_by(operation)
        later = self._uses(made, operation.place)
        return self._result.token in made.union(*map(_made_by, later))

    @staticmethod
    def ends_in(operation: Operation) -> bool:
        """The gradient ends here: something that has one went in, and nothing that has one comes out."""
        passes = operation.differentiable or (operation.in_custom and operation.op not in DETACHING)
        return not passes and any(seen.requires_grad for _, seen in operation.tensors)


def _word(operation: Operation) -> str:
    word = short_op(operation.op)
    return f"the comparison {COMPARISONS[word]}" if word in COMPARISONS else word


def _made_by(operation: Operation) -> set[int]:
    """Tensors that it made, or wrote to."""
    return {each.token for each in operation.outputs if each is not None}


def _continuous(seen: Seen) -> bool:
    return seen.dtype.is_floating_point or seen.dtype.is_complex
