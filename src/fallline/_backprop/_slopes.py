"""The local derivatives of one operation, for each of the operands that a step back leads to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from fallline._backprop._ran import Ran
from fallline._backprop._rule_operands import shape_text
from fallline._backprop._rules import local_derivatives
from fallline._backprop._seen import Operation
from fallline._backprop._written_parts import locals_of
from fallline._records import LocalDerivative, TensorValue

TURNED: Final = "ᵀ"
BROADCASTING: Final = frozenset({"expand", "addmm", "addmv", "baddbmm", "addbmm"})
"""Operations beside the elementwise ones that repeat an operand: the bias of a layer."""


def local_slopes(
    operation: Operation | None, ran: Ran | None, places: Sequence[int | None], *, into_part: bool
) -> Mapping[int, LocalDerivative | None]:
    """What each step back multiplied with, by place among the step's operands."""
    if operation is None or ran is None:
        return {}
    told = [(index, operation.tensors[place][0]) for index, place in enumerate(places) if place is not None]
    found = [_turned_back(each) for each in local_derivatives(ran, [argument for _, argument in told])]
    indices = [index for index, _ in told]
    if into_part and operation.whole is not None:
        return dict(locals_of(ran, found, indices, operation.whole.shape))
    return dict(zip(indices, found, strict=True))


def custom_slopes(
    custom: type | None, arrived: TensorValue | None, left: Sequence[TensorValue | None]
) -> Mapping[int, LocalDerivative | None]:
    """Of a step back that its author wrote: nobody else knows its rule, or whether it is right.

    Args:
        custom: the ``autograd.Function`` whose it is; None of PyTorch's own steps.
        arrived: the gradient that arrived.
        left: what went back to each operand.
    """
    if custom is None:
        return {}
    rule = f"written by its author in {custom.__name__}.backward"
    return {
        index: LocalDerivative(rule, product=_from_to(arrived, each))
        for index, each in enumerate(left)
        if each is not None
    }


def _from_to(arrived: TensorValue | None, left: TensorValue) -> str | None:
    return None if arrived is None else f"{shape_text(arrived.shape)} → {shape_text(left.shape)}"


def _turned_back(rule: LocalDerivative | None) -> LocalDerivative | None:
    """A matrix that was transposed twice is itself."""
    return None if rule is None else replace(rule, rule=rule.rule.replace(2 * TURNED, ""))


def stretched_to(operation: Operation, place: int) -> tuple[int, ...] | None:
    """The shape that this operand was broadcast to; None where it was not."""
    made = operation.outputs[0] if operation.outputs else None
    operand = operation.tensors[place][1]
    repeats = operation.pointwise or operation.op in BROADCASTING
    if made is None or not repeats or operand.shape == made.shape:
        return None
    if not operation.pointwise and operation.op != "expand" and operation.tensors[place][0] != 0:
        return None  # a factor of the product, not what is added to it
    return made.shape
