"""What PyTorch complains of, and functions that were handed no tensor, as one sentence that says what to do."""

import dis
import re
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

import numpy as np
import torch

from fallline._backprop._handed_in import wrong_number
from fallline._backprop._question import Question
from fallline._backprop._rule_text import short_op
from fallline._backprop._seen import Operation, Seen
from fallline._backprop._torch_private import SAVED_WRITTEN, custom_class, number_of, overwritten
from fallline._backprop._walk import Walk
from fallline._backprop._words import backward_in_words, first_line, listed, shape_in_words, with_article

LEAF_WRITTEN: Final = "leaf Variable that requires grad is being used in an in-place operation"
RESIZED: Final = "cannot resize variables that require grad"
LEAF_VIEW_WRITTEN: Final = "view of a leaf Variable that requires grad is being used in an in-place operation"
SEVERAL_VIEWS: Final = "output of a function that returns multiple views"
FREED: Final = "after they have already been freed"
SHAPES: Final = re.compile(
    r"shapes?\b|(?<!changed )(?<!re)sizes?\b(?!.*\bstride\b)|\bdimensions?\b|\bchannels\b|\bcolumns\b"
    r"|number of elements|out of bounds|too many indices for tensor|index out of range in self|\b\d-D\b",
    re.IGNORECASE,
)
"""Words of PyTorch's many complaints about shapes and indices."""
UNDERIVED: Final = re.compile(r"derivative for '?(?:aten::)?(\w+)(?:: (\w+))?'? is not implemented")
"""Words of PyTorch's complaint; the operation and its argument."""
NUMPY: Final = "Can't call numpy() on Tensor"
MOST_WRITTEN_OUT: Final = 4
"""Numbers of a list."""


def forward_refusal(error: Exception, asked: Question) -> str | None:
    """What to do where the forward pass was refused; None where that is the function's own affair."""
    if isinstance(error, TypeError):
        return _wrong_call(error, asked)
    if isinstance(error, RecursionError):
        return (
            f"The function's calls lie more than {sys.getrecursionlimit():,} deep in one another, where Python stops: "
            "it calls itself without an end, or far too often."
        )
    written = _written_in_words(str(error)) if isinstance(error, RuntimeError) else None
    return _shapes_in_words(error, asked) if written is None else written


def _written_in_words(said: str) -> str | None:
    """Of operations in place."""
    if LEAF_WRITTEN in said or LEAF_VIEW_WRITTEN in said:
        return (
            "The function writes in place to an input or a parameter that a gradient is asked of: the backward "
            "pass needs what it was. Write to a copy, x.clone(), or use the operation without the underscore "
            "(inplace=False)."
        )
    if RESIZED in said:
        return (
            "The function changes the size of a tensor in place (resize_), and PyTorch does so only where no gradient "
            "is asked of it. Take a part with an index, x[:2], or make another shape with reshape."
        )
    if SEVERAL_VIEWS in said:
        return (
            "The function writes in place to a tensor that split, chunk or unbind made several views of, which PyTorch "
            "does not differentiate. Use the operation without the underscore, or clone() before it is taken apart."
        )
    return None


def _wrong_call(error: TypeError, asked: Question) -> str | None:
    """Too many or too few inputs, for the function or for the loss."""
    if asked.expression is not None:
        return None
    told = wrong_number(asked.fn, asked.inputs, asked.title)
    if told is not None or asked.loss is None or wrong_number(asked.loss, (None,), "loss") is None:
        return told
    name = getattr(asked.loss, "__name__", type(asked.loss).__name__)
    return (
        "loss= is called with one thing alone, what the function gives back, and this one cannot be: hand in, for "
        f"example, lambda made: {'loss' if name == '<lambda>' else name}(made, target). It said: {first_line(error)}"
    )


def _shapes_in_words(error: Exception, asked: Question) -> str | None:
    """The shapes that were handed in, where PyTorch says that some do not fit; what somebody raises is their own."""
    said = first_line(error)
    pairs = zip(asked.names, asked.inputs, strict=True)
    shapes = [f"{name} {shape_in_words(tuple(each.shape))}" for name, each in pairs if isinstance(each, torch.Tensor)]
    if isinstance(error, AttributeError) or not shapes or not SHAPES.search(said):
        return None
    if _raised_by_hand(error.__traceback__):
        return None
    return f"The shapes do not fit ({listed(shapes)}). The function said: {said}"


def _raised_by_hand(trace: TracebackType | None) -> bool:
    """Whether Python code outside of PyTorch raised it with ``raise``."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code
    inside = str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0] == torch.__name__
    return not inside and dis.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"


def backward_refusal(error: RuntimeError, walk: Walk, operations: Sequence[Operation]) -> str | None:
    """What to do where PyTorch refused to go back; None where the reason is another one."""
    said = str(error)
    if SAVED_WRITTEN in said:
        return _saved_written(walk, operations)
    underived = UNDERIVED.search(said)
    if underived is not None:
        op, argument = underived.groups()
        to = "" if argument in (None, "self") else f" to {argument}"
        return (
            f"PyTorch has no derivative of {op}{to}, so no gradient goes back through it. Where none is meant to, "
            "detach() what it is computed of; else write it with other operations."
        )
    if FREED not in said:
        return None
    if any(operation.higher_order for operation in operations):
        return (
            "The function goes backward itself, with backward() or autograd.grad, and that frees the graph of its "
            "result. Leave that call out and hand back the loss: backprop goes back from there; or give the call "
            "retain_graph=True."
        )
    return (
        "A part of the graph was made before this call, and somebody has gone back through it already, which frees it. "
        "Compute that part inside of the function, or hand in its tensor as an input."
    )


def handed_in_as_tensor(name: str, given: Any) -> str | None:
    """What to hand in instead of a number, a list of numbers or an array; None of anything else."""
    word = name if name.isidentifier() else "…"
    if isinstance(given, np.ndarray) and given.dtype.kind in "fiu":
        shape = shape_in_words(given.shape)
        dtype = "" if given.dtype.kind == "f" else ", dtype=torch.float32"
        return f"{name} is a NumPy array of shape {shape}, not a tensor: hand in torch.as_tensor({word}{dtype})."
    if isinstance(given, int | float | np.number) and not isinstance(given, bool | np.complexfloating):
        kind = type(given).__name__
        return f"{name} is {with_article(kind)}, not a tensor: hand in torch.tensor({_as_float(given)})."
    numbers = _numbers_in(given)
    if numbers is None:
        return None
    kind = type(given).__name__
    flat = isinstance(given[0], int | float) and len(given) <= MOST_WRITTEN_OUT
    what = f"[{', '.join(map(_as_float, given))}]" if flat else f"{word}, dtype=torch.float32"
    return f"{name} is a {kind} of {_counted(numbers)}, not a tensor: hand in torch.tensor({what})."


def arrays_refused(error: Exception, names: Sequence[str], inputs: Sequence[Any]) -> str:
    """What to hand in, where arrays or lists of numbers were beside tensors and did not go with them; else nothing."""
    if not isinstance(error, TypeError | AttributeError) and NUMPY not in str(error):
        return ""
    pairs = [(name, each) for name, each in zip(names, inputs, strict=True) if isinstance(each, np.ndarray | list)]
    told = [handed_in_as_tensor(name, each) for name, each in pairs if not _is_whole(each)]
    return " ".join(sentence for sentence in told if sentence is not None)


def _is_whole(given: Any) -> bool:
    """Whole numbers alone: a shape, indices, not meant as a tensor."""
    if isinstance(given, np.ndarray):
        return bool(given.dtype.kind != "f")
    return all(_is_whole(each) if isinstance(each, list | tuple) else isinstance(each, int) for each in given)


def _counted(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers:,} numbers"


def _numbers_in(given: Any) -> int | None:
    """How many numbers a nested list holds; None of what holds anything else, or nothing."""
    if not isinstance(given, list | tuple):
        return None
    total = 0
    for each in given:
        inside = 1 if isinstance(each, int | float) and not isinstance(each, bool) else _numbers_in(each)
        if inside is None:
            return None
        total += inside
    return total or None


def _saved_written(walk: Walk, operations: Sequence[Operation]) -> str:
    """Names the operation that kept the tensor, and the one that wrote over it."""
    by_number = {each.number: each for each in reversed(operations) if each.differentiable}
    for step in reversed(walk.steps):
        kept = overwritten(step)
        if not kept:
            continue
        operation = by_number.get(number_of(step))
        custom = custom_class(step)
        keeper = custom.__name__ if custom is not None else backward_in_words(step)
        keeper = keeper if operation is None else short_op(operation.op)
        writer = None if operation is None else _writer(operation, operations)
        what = f"{writer.op}_ writes" if writer is not None else "An operation in place writes"
        return f"{what} over a tensor that {keeper} needs as it was ({kept[0]}) for its step back. {_instead(writer)}"
    return (
        "An operation in place writes over a tensor that an earlier operation needs as it was for its step back. Use "
        "the operation without the underscore, or let it write to a clone()."
    )


def _instead(writer: Operation | None) -> str:
    if writer is not None and not writer.grad_enabled:
        return "It ran under torch.no_grad(), as an optimizer's step does: leave it out of the function."
    use = f"{writer.op} in place of {writer.op}_" if writer is not None else "the operation without the underscore"
    return f"Use {use}, or let it write to a clone()."


def _writer(keeper: Operation, operations: Sequence[Operation]) -> Operation | None:
    """The first operation in place behind ``keeper`` that wrote to one of its tensors; the only one, where none did."""
    own = {seen.token for _, seen in keeper.tensors} | {each.token for each in keeper.outputs if each is not None}
    later = [each for each in operations[keeper.place + 1 :] if each.in_place and each.tensors]
    wrote = [each for each in later if _written(each).token in own]
    found = wrote or (later if len(later) == 1 else [])
    return found[0] if found else None


def _written(operation: Operation) -> Seen:
    return operation.tensors[0][1]


def _as_float(number: Any) -> str:
    """Written out; … of whole numbers beyond the largest float."""
    try:
        return str(float(number))
    except OverflowError:
        return "…"
