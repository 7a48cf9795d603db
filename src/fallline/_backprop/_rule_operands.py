"""An operation as its rules read it: its operands by name, as words and as numbers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import torch
from torch import Tensor

from fallline._backprop._ran import Held, Ran
from fallline._wording import MINUS, RAISED, short

OF_ONE: Final = ("input",)
OF_TWO: Final = ("left", "right")
SETTINGS: Final = frozenset(
    (
        "mask",
        "condition",
        "target",
        "weight",
        "bias",
        "indices",
        "index",
        "running_mean",
        "running_var",
        "noise",
        "buffer",
    )
)
"""Tensors beside the operands proper: unlabelled, they are called what the schema calls them."""


SIDES: Final = {
    **dict.fromkeys(("mat", "mat1", "batch1", "vec1", "tensor1"), "left"),
    **dict.fromkeys(("vec", "mat2", "batch2", "vec2", "tensor2"), "right"),
}
"""Of a product or a quotient, also where something is added to it."""
OF_THE_FIELD: Final = frozenset({"query", "key", "value", "end", "min", "max", "source", "values"})
"""Names of the schema that are everybody's words."""
CONSTANTS: Final = {
    math.pi: "π",
    math.e: "e",
    3.1415927410125732: "π",
    2.7182817459106445: "e",
}
"""Numbers with a name, as float32 has them too."""


class NotKeptError(Exception):
    """A tensor that a formula needs is not there in numbers: too large, or written over."""


@dataclass(frozen=True, eq=False)
class Operands:
    """What one operation was called with, and what came out."""

    ran: Ran

    def has(self, name: str) -> bool:
        """Whether the argument is there and not None."""
        return self.ran.argument(name) is not None

    def given(self, name: str, otherwise: Any = None) -> Any:
        """An argument as it was given; ``otherwise`` where there is none."""
        found = self.ran.argument(name)
        return otherwise if found is None else found

    def number(self, name: str, otherwise: float = 1.0) -> float:
        """An argument that is a number, or a tensor with one.

        Raises:
            NotKeptError: it is a tensor that was not kept.
        """
        given = self.given(name, otherwise)
        return float(_kept(given)) if isinstance(given, Held) else float(given)

    def shape(self, name: str) -> tuple[int, ...]:
        """Of an operand; ``()`` of a number."""
        found = self.ran.argument(name)
        return found.shape if isinstance(found, Held) else ()

    @property
    def out(self) -> Held:
        """The first output."""
        first = self.ran.outputs[0]
        if first is None:
            raise NotKeptError
        return first

    def exact(self, name: str) -> Tensor:
        """An operand in its own type: a mask, class numbers.

        Raises:
            NotKeptError: it was not kept, or is neither tensor nor number.
        """
        found = self.ran.argument(name)
        if isinstance(found, Held):
            return _kept(found)
        if not isinstance(found, (int, float)):
            raise NotKeptError
        return exactly(found)

    def __getitem__(self, name: str) -> Tensor:
        """An operand in float64; of a Python number a tensor without dimensions.

        Raises:
            NotKeptError: it was not kept, or it is complex, sparse or quantized.
        """
        return _wide(self.exact(name))

    def output(self, index: int = 0) -> Tensor:
        """An output in its own type.

        Raises:
            NotKeptError: it was not kept.
        """
        found = self.ran.outputs[index]
        if found is None:
            raise NotKeptError
        return _kept(found)

    def like(self, name: str, value: float = 1.0) -> Tensor:
        """``value`` at every entry of an operand."""
        return torch.full(self.shape(name), value, dtype=torch.float64)

    def dims(self, name: str = "self") -> tuple[int, ...]:
        """The dimensions that a reduction of this operand runs over, from 0; all of them where none are given."""
        rank = max(len(self.shape(name)), 1)
        given = self.given("dim")
        chosen = [given] if isinstance(given, int) else list(given or range(rank))
        return tuple(dim % rank for dim in chosen) if self.shape(name) else ()

    def reduced(self, name: str = "self") -> int:
        """How many entries go into one entry of the result."""
        total = 1
        for dim in self.dims(name):
            total *= self.shape(name)[dim]
        return total

    def word(self, name: str) -> str:
        """What an operand is called: its label, a number's text, else its part: "input", "left", "right"."""
        found = self.ran.argument(name)
        if isinstance(found, Held):
            return found.label or self._part(name)
        if isinstance(found, (bool, type(None))):
            return str(found)
        return plain(found) if isinstance(found, (int, float)) else str(found)

    def _part(self, name: str) -> str:
        if name in SETTINGS:
            return name
        if name in SIDES:
            return SIDES[name]
        place = self._proper.index(name)
        if len(self._proper) == 1:
            return OF_ONE[0]
        if len(self._proper) == 2:
            return OF_TWO[place]
        if name in ("self", "input"):
            return "input"
        return name if name in OF_THE_FIELD else f"operand {place + 1}"

    @cached_property
    def _proper(self) -> list[str]:
        """Names of the operands proper, in their order."""
        pairs = zip(self.ran.names, self.ran.arguments, strict=True)
        return [name for name, given in pairs if isinstance(given, Held) and name not in SETTINGS]


def exactly(value: complex) -> Tensor:
    """A Python number without dimensions, as precise as it is: PyTorch would make 0.3 a float32."""
    return torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)


def tensors_of(given: Any) -> Iterator[Held]:
    """The tensors of one argument: itself, or those of a list."""
    if isinstance(given, Held):
        yield given
    elif isinstance(given, (tuple, list)):
        yield from (each for each in given if isinstance(each, Held))


def plain(value: float) -> str:
    """A number in a formula: no separators, a true minus sign.

    >>> plain(-2), plain(0.5), plain(1000.0), plain(1e-5), plain(math.pi)
    ('−2', '0.5', '1000', '1×10⁻⁵', 'π')
    """
    if isinstance(value, float) and abs(value) in CONSTANTS:
        return f"{MINUS if value < 0 else ''}{CONSTANTS[abs(value)]}"
    return short(value).replace(",", "") if isinstance(value, float) else str(value).replace("-", MINUS)


def power(base: str, exponent: float) -> str:
    """A power as written by hand.

    >>> power("x", 2), power("x", 1.0), power("x", -1), power("x", 0.5)
    ('x²', 'x', 'x⁻¹', 'x^0.5')
    """
    if exponent == 1:
        return base
    if float(exponent).is_integer() and abs(exponent) < 1000:
        return base + str(int(exponent)).translate(RAISED)
    return f"{base}^{plain(exponent)}"


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as PyTorch writes it.

    >>> shape_text((3,)), shape_text((4, 2)), shape_text(())
    ('(3,)', '(4, 2)', '()')
    """
    return str(tuple(shape))


def _kept(held: Held) -> Tensor:
    if held.tensor is None:
        raise NotKeptError
    return held.tensor


def _wide(tensor: Tensor) -> Tensor:
    """In float64 beside the processor, in two moves: not every device has float64."""
    plainly = tensor.layout is torch.strided and not (tensor.is_complex() or tensor.is_quantized or tensor.is_meta)
    if not plainly:
        raise NotKeptError
    return tensor.detach().to("cpu").to(torch.float64)
