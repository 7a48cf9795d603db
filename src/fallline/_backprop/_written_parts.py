"""Operations in place that wrote into a part of a tensor: the step back is that of the whole, the operation's not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from fallline._backprop._ran import Held, Ran
from fallline._backprop._rule_text import UNNAMED, describe
from fallline._backprop._rule_wording import grouped
from fallline._backprop._words import shape_in_words
from fallline._records import LocalDerivative

PART: Final = "part"
"""What the part that is written over is called in what is computed of it."""
SELECTIONS: Final = frozenset({"select", "slice"})
"""Views whose text is the name of the whole and a place in brackets."""
ONLY_THE_VALUE: Final = frozenset({"copy", "fill", "zero"})
"""Operations whose text names what is written, and no more of the operation."""
HERE: Final = "part of it"
MOST_CHARACTERS: Final = 16
"""A longer text of the whole is left out."""


def writing(ran: Ran) -> Ran:
    """The operation with the part that it wrote over called so."""
    first = ran.arguments[0]
    named = replace(first, label=PART) if isinstance(first, Held) else first
    return replace(ran, arguments=(named, *ran.arguments[1:]))


def described(ran: Ran, whole: str | None, view: Ran | None) -> str:
    """What the whole is afterwards: ``y with [1:] set to exp(part)``.

    Args:
        ran: the operation, as ``writing`` gives it.
        whole: what the whole tensor is called; None where it has no name.
        view: the operation that made the view that was written to; None where several did.
    """
    text = "0" if ran.op == "zero" else describe(ran)
    if ran.op in ONLY_THE_VALUE:
        text = text.removeprefix(f"{ran.op}(").removesuffix(")") if text.startswith(f"{ran.op}(") else text
    return f"{'(…)' if whole is None else grouped(whole)} with {_place(view)} set to {text}"


def short_enough(text: str) -> str | None:
    """The text of a nameless whole, where it is short and has no gaps itself."""
    return text if text and UNNAMED not in text and len(text) <= MOST_CHARACTERS else None


def locals_of(
    ran: Ran, found: Sequence[LocalDerivative | None], indices: Sequence[int], whole: tuple[int, ...]
) -> dict[int, LocalDerivative]:
    """What leads back to the whole as it was, and to the other operands; by place among the step's operands.

    Args:
        ran: the operation.
        found: its own local derivatives, which are those of the part …
        indices: … and the operands of the step that they belong to.
        whole: shape of the whole.
    """
    back = shape_in_words(whole)
    part = shape_in_words(ran.outputs[0].shape) if ran.outputs and ran.outputs[0] is not None else "the part"
    told: dict[int, LocalDerivative] = {}
    for index, own in zip(indices, found, strict=True):
        if index == 0:
            told[0] = LocalDerivative(_kept(own), product=f"{back} → {back}")
        elif own is not None:
            told[index] = LocalDerivative(_handed_on(own), product=f"{back} → {part}")
    return told


def _place(view: Ran | None) -> str:
    """The brackets of a selection alone."""
    if view is None or view.op not in SELECTIONS or not isinstance(view.arguments[0], Held):
        return HERE
    named = replace(view.arguments[0], label=PART)
    return describe(replace(view, arguments=(named, *view.arguments[1:]))).removeprefix(PART)


def _kept(own: LocalDerivative | None) -> str:
    if own is None:
        return "grad, in the part that was written to times the slope of what was written"
    if own.value is None and own.product is not None:
        return f"grad, in the part that was written to {own.rule}"
    numbers = own.value.numbers if own.value is not None else None
    if own.rule == "0" or (numbers is not None and not np.any(numbers)):
        return "grad, 0 in the part that was written over"
    if own.rule == "1":
        return "grad, unchanged"
    return f"grad, in the part that was written to times {own.rule}"


def _handed_on(own: LocalDerivative) -> str:
    if own.rule == "1":
        return "the part of grad that was written to"
    if own.value is None and own.product is not None:
        return f"of the part of grad that was written to {own.rule}"
    return f"the part of grad that was written to, times {own.rule}"
