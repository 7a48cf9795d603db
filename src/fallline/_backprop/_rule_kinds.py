"""The three kinds of rules: a slope entry by entry, a share of a reduction, and a step said in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fallline._backprop._rule_operands import NotKeptError, Operands, exactly, shape_text, tensors_of
from fallline._backprop._rule_wording import filled
from fallline._backprop._values import KEPT, value_of
from fallline._records import LocalDerivative

Wording = str | Callable[[Operands], str]
"""A template with operands in braces (``"2·{self}"``), or what makes the text."""
Formula = Callable[[Operands], Tensor]


class Rule(Protocol):
    """What one operand of one operation gets back."""

    def local(self, call: Operands, name: str) -> LocalDerivative:
        """The local derivative to the operand ``name``."""
        ...


Rules = Mapping[str, Mapping[str, Rule]]
"""Operation → operand → rule."""


@dataclass(frozen=True)
class Slope:
    """Of an elementwise operation: ∂output/∂operand, in the output's shape."""

    rule: Wording
    value: Formula
    """In any shape that broadcasts to the output's."""

    def local(self, call: Operands, name: str) -> LocalDerivative:  # noqa: ARG002 - as every rule is called
        """With its numbers where the output has at most ``KEPT`` entries and all that is needed was kept."""
        return _with_numbers(self.rule, self.value, call, call.out.shape)


@dataclass(frozen=True)
class Share:
    """Of a reduction: ∂(its result)/∂(entry of the operand), in the operand's shape."""

    rule: Wording
    value: Formula

    def local(self, call: Operands, name: str) -> LocalDerivative:
        """With its numbers where the operand has at most ``KEPT`` entries and all that is needed was kept."""
        return _with_numbers(self.rule, self.value, call, call.shape(name))


@dataclass(frozen=True)
class Step:
    """Of everything else: what is done with the arriving gradient, said, and the shapes it was done with."""

    rule: Wording
    product: Wording | None = None
    """None: "(gradient's shape) → (operand's shape)"."""

    def local(self, call: Operands, name: str) -> LocalDerivative:
        """The rule in the operands' names."""
        product = from_to(call, name) if self.product is None else said(self.product, call)
        return LocalDerivative(said(self.rule, call), product=product)


def said(wording: Wording, call: Operands) -> str:
    """A wording with the operands' names put in."""
    return filled(wording, call.word) if isinstance(wording, str) else wording(call)


def constant(text: str, value: float) -> Slope:
    """A slope that is the same everywhere."""
    return Slope(text, lambda _: exactly(float(value)))


def from_to(call: Operands, name: str) -> str:
    """From the output's shape to the operand's, in text; of a list of tensors where all have the same."""
    shapes = {held.shape for held in tensors_of(call.given(name))}
    made = shape_text(shapes.pop()) if len(shapes) == 1 else "its part"
    return f"{shape_text(call.out.shape)} → {made}"


def _with_numbers(rule: Wording, formula: Formula, call: Operands, shape: tuple[int, ...]) -> LocalDerivative:
    text = said(rule, call)
    if torch.Size(shape).numel() > KEPT or call.out.dtype.is_complex:
        return LocalDerivative(text)
    try:
        slope = formula(call)
    except NotKeptError:
        return LocalDerivative(text)
    return LocalDerivative(text, value_of(slope.to(torch.float64).expand(shape)))
