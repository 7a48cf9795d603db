"""What is handed to a function: refused before anything runs where it cannot be followed, else copied."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import torch

from fallline._backprop._tensors_in import tensors_within
from fallline._backprop._words import listed
from fallline._errors import OptionError
from fallline._wording import count

SPARSE: Final = frozenset({torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc})


def refuse_unfit(inputs: Sequence[tuple[str, Any]], captured: Iterable[tuple[str, Any]]) -> None:
    """PyTorch ends the whole program over some of these, so that nothing may touch them first.

    Raises:
        OptionError: a tensor without numbers, a nested one, or a sparse one that a gradient would be computed of.
    """
    for name, value in (*inputs, *captured):
        for each in tensors_within(value):
            refuse_tensor(name, each)
    for name, value in inputs:
        if isinstance(value, torch.Tensor) and value.layout in SPARSE:
            raise OptionError(
                f"{name} is a sparse tensor ({str(value.layout).removeprefix('torch.')}): a gradient is computed of "
                f"dense ones. Hand in {_word(name)}.to_dense(); or let the function use it without handing it in, "
                "where its gradient is not wanted."
            )


def refuse_tensor(name: str, tensor: torch.Tensor) -> None:
    """Refuse a tensor whose numbers cannot be had.

    Raises:
        OptionError: it is nested, has no numbers, or operations of its own in place of PyTorch's.
    """
    foreign = foreign_in_words(name, tensor)
    if foreign is not None:
        raise OptionError(foreign)
    if tensor.is_meta:
        raise OptionError(
            f"{name} lies on the meta device, where tensors have a shape and no numbers: nothing can be computed."
        )


def foreign_in_words(name: str, tensor: torch.Tensor) -> str | None:
    """Why nobody can look at a tensor as at others; None where one can."""
    if tensor.is_nested:
        return (
            f"{name} is a nested tensor, whose rows differ in length; these cannot be followed. Pad it to a full one "
            "before: .to_padded_tensor(0.0)."
        )
    if type(tensor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__:  # FakeTensor, MaskedTensor, DTensor …
        return f"{name} is a {type(tensor).__name__}, which computes in a way of its own: use a plain tensor."
    return None


def complex_in_words(names: Sequence[str]) -> str:
    """Of complex leaves."""
    what = "is complex" if len(names) == 1 else "are complex"
    return (
        f"{listed(names)} {what}: gradients are followed to real numbers alone. Keep the real and the imaginary part "
        "as two tensors, and let the function put them together with torch.complex(real, imaginary)."
    )


def refuse_complex(leaves: Iterable[tuple[str, torch.Tensor]]) -> None:
    """The numbers of a complex gradient are two for each entry, which neither the graph nor the check has room for.

    Raises:
        OptionError: one of the leaves that gradients arrive at is complex.
    """
    names = [name for name, leaf in leaves if leaf.is_complex()]
    if names:
        raise OptionError(complex_in_words(names))


def wrong_number(fn: Callable[..., Any], given: Sequence[Any], title: str) -> str | None:
    """How many inputs the function takes, where it cannot be called with these; None where that is not the matter."""
    called = fn.forward if isinstance(fn, torch.nn.Module) else fn
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):  # written in C
        return None
    try:
        signature.bind(*given)
    except TypeError:
        return _takes(signature, len(given), title)
    return None


def _takes(signature: inspect.Signature, given: int, title: str) -> str:
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    every = signature.parameters.values()
    positional = [each for each in every if each.kind in by_position]
    needed = [each for each in positional if each.default is each.empty]
    named = [each.name for each in every if each.kind is each.KEYWORD_ONLY and each.default is each.empty]
    if named:
        return (
            f"{title} needs {listed(named)} by name, and inputs go by position: hand in a function that gives it, "
            f"lambda x: {title}(x, {named[0]}=…)."
        )
    open_ended = any(each.kind is each.VAR_POSITIONAL for each in every)
    few = given < len(needed)
    shown = needed if few else positional
    bound = "" if len(needed) == len(positional) and not open_ended else "at least " if few else "at most "
    names = f" ({', '.join(each.name for each in shown)})" if shown else ""
    were = "was" if given == 1 else "were"
    return f"{title} takes {bound}{count(len(shown), 'input')}{names}, and {count(given)} {were} handed in."


def copies_of(given: Sequence[Any]) -> list[Any]:
    """What the function may have in place of its inputs; one that was handed in twice is one tensor still."""
    copies = {place: copy_of(each) for place, each in {id(each): each for each in given}.items()}
    return [copies[id(each)] for each in given]


def copy_of(given: Any) -> Any:
    """A tensor that the function may have: a floating one is copied, and asks for a gradient."""
    if not isinstance(given, torch.Tensor) or not given.is_floating_point():
        return given
    return given.detach().clone().requires_grad_()


def holds_tensors(value: Any) -> bool:
    """Whether this is a list, tuple or dict with a floating-point tensor in it."""
    if isinstance(value, torch.Tensor):
        return False
    return any(each.is_floating_point() for each in tensors_within(value))


def checked_switch(name: str, value: Any) -> bool:
    """A setting that is on or off.

    Raises:
        OptionError: it is neither.
    """
    if not isinstance(value, bool | np.bool_):
        raise OptionError(f"{name}= is True or False; this is of type {type(value).__name__}.")
    return bool(value)


def _word(name: str) -> str:
    return name if name.isidentifier() else "…"
