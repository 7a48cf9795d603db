"""What an expression becomes when it is read: nodes that compute a value from the names' values."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from fallline._backprop._language_functions import FUNCTIONS
from fallline._backprop._language_shapes import Said, Words, check_broadcast, check_product
from fallline._errors import OptionError

Value = Tensor | float
LONGEST_LABEL: Final = 24

OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
}
"""Entry by entry, of which a number may be one side."""
WHOLE: Final = ("div", "sub")
"""Begun by a number they are still one operation: PyTorch makes a reciprocal and a product of a bare 1/x."""


@dataclass(frozen=True)
class Frame:
    """One evaluation: what the names stand for."""

    values: dict[str, Value]
    dtype: torch.dtype
    device: torch.device
    most: int
    """Entries of a result."""
    tell: Callable[[str, Tensor], None]
    truths: dict[int, tuple[Tensor, Tensor]]
    """Of a 0/1 value that was made of a comparison: itself, so that its id is nobody else's, and the comparison."""

    def tensor(self, value: Value, words: Words) -> Tensor:
        """A value as a tensor; a constant is told under its own text."""
        return value if isinstance(value, Tensor) else self.constant(value, words, self.dtype)

    def constant(self, numbers: Any, words: Words, dtype: torch.dtype) -> Tensor:
        """Typed numbers as a tensor."""
        return self.told(torch.tensor(numbers, dtype=dtype, device=self.device), str(words))

    def told(self, made: Tensor, label: str) -> Tensor:
        """A tensor that no gradient goes back through, told under its own text where that is short."""
        if len(label) <= LONGEST_LABEL:
            self.tell(label, made)
        return made

    def said(self, words: Words, *operands: Words) -> Said:
        """What is being computed, for sentences."""
        return Said(words, operands, self.most)


@dataclass(frozen=True)
class Node:
    """A piece of an expression."""

    words: Words
    run: Callable[[Frame], Value]
    number: float | None = None
    """Of what holds numbers alone."""


def number_node(words: Words, number: float) -> Node:
    """A number, as it was typed or folded from others."""
    return Node(words, lambda _: number, number)


def _folded(words: Words, made: Tensor, *given: float) -> Node:
    """A number made of numbers, refused where it is infinite and they are not: as 1e999 is."""
    number = float(made)
    if math.isinf(number) and all(map(math.isfinite, given)):
        raise OptionError(f'"{words}" is infinite: use numbers below 1.8e308, or give an input the value inf.')
    return number_node(words, number)


@dataclass(frozen=True)
class Link:
    """One ``+ b`` of ``a + b + c``."""

    words: Words
    """From a to b."""
    sign: str
    """Of ``OPERATORS``, or ``"matmul"``."""
    left: Words
    right: Node


def chained(first: Node, links: Sequence[Link]) -> Node:
    """a + b + c …, computed in turn: it may be long without being deep."""
    rest = list(links)
    for link in links:
        number = link.right.number
        if link.sign not in OPERATORS or first.number is None or number is None:
            break
        first = _folded(link.words, OPERATORS[link.sign](_double(first.number), _double(number)), first.number, number)
        rest = rest[1:]
    if not rest:
        return first

    def run(frame: Frame) -> Value:
        value = first.run(frame)
        for link in rest:
            value = _operated(frame, link, value, link.right.run(frame))
        return value

    return Node(rest[-1].words, run)


def _operated(frame: Frame, link: Link, left: Value, right: Value) -> Value:
    """Two values entry by entry, or their matrix product."""
    said = frame.said(link.words, link.left, link.right.words)
    if link.sign not in OPERATORS:
        one, other = frame.tensor(left, link.left), frame.tensor(right, link.right.words)
        check_product(said, one, other)
        return one @ other
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        check_broadcast(said, left, right)
    elif not isinstance(left, Tensor) and (link.sign in WHOLE or not isinstance(right, Tensor)):
        left = frame.tensor(left, link.left)
    result: Value = OPERATORS[link.sign](left, right)
    return result


def negated(words: Words, inner: Node) -> Node:
    """The value with the other sign."""
    if inner.number is not None:
        return number_node(words, -inner.number)
    return Node(words, lambda frame: -inner.run(frame))


def listed(words: Words, numbers: Any, dtype: torch.dtype | None = None) -> Node:
    """``[1, 2]``: numbers in nested lists of one shape."""
    return Node(words, lambda frame: frame.constant(numbers, words, dtype or frame.dtype))


def called(words: Words, name: str, arguments: Sequence[Any]) -> Node:
    """A function of values (nodes, or tuples of nodes) and settings."""
    function = FUNCTIONS[name]
    nodes = (node for each in arguments for node in (each if isinstance(each, tuple) else (each,)))
    operands = tuple(node.words for node in nodes if isinstance(node, Node))
    if function.entrywise and arguments[0].number is not None:
        only = arguments[0].number
        return _folded(words, function.run(Said(words, operands), _double(only)), only)

    def run(frame: Frame) -> Value:
        return function.run(frame.said(words, *operands), *(_evaluated(each, frame) for each in arguments))

    return Node(words, run)


def transposed(words: Words, inner: Node) -> Node:
    """``W.T``, which is ``W.t()``."""
    return called(words, "t", [inner])


def indexed(words: Words, inner: Node, index: tuple[int | slice, ...]) -> Node:
    """``x[0, 1:3]``."""

    def run(frame: Frame) -> Value:
        x = frame.tensor(inner.run(frame), inner.words)
        said = frame.said(words, inner.words)
        if len(index) > x.ndim:
            given = "an index" if len(index) == 1 else f"{len(index)} indices"
            raise said.fault(f"{said.has(0, x)}, which {given} cannot be taken of")
        for place, (each, size) in enumerate(zip(index, x.shape, strict=False)):
            if isinstance(each, int) and not -size <= each < size:
                shown = str(each).replace("-", "−")
                which = "an index" if x.ndim == 1 else f"index {place + 1}"
                raise said.fault(f"{said.has(0, x)}, so {which} is 0 to {size - 1}, and {shown} is none")
            if isinstance(each, slice) and len(range(*each.indices(size))) == 0:
                raise said.fault(f"{said.has(0, x)}, and nothing of it is there")
        return x[index]

    return Node(words, run)


def _evaluated(argument: Any, frame: Frame) -> Any:
    if isinstance(argument, Node):
        return frame.tensor(argument.run(frame), argument.words)
    if isinstance(argument, tuple) and argument and isinstance(argument[0], Node):
        return tuple(_evaluated(each, frame) for each in argument)
    return argument


def _double(number: float) -> Tensor:
    """For arithmetic in which 9^9^9 is ∞, to be refused, and a root of −1 is NaN."""
    return torch.tensor(number, dtype=torch.float64, device="cpu")
