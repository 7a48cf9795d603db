"""What a backward pass begins with: 1 for a single number, a weight for each entry of any other result."""

from math import prod
from typing import Any, Final

import torch

from fallline._backprop._handed_in import refuse_tensor
from fallline._errors import OptionError
from fallline._wording import count, visible

MOST_SHOWN: Final = 8
"""Entries for which an example is written out."""


def check_vector(result_shape: tuple[int, ...], given: Any, dtype: torch.dtype = torch.float64) -> torch.Tensor | None:
    """The weights as a tensor of the result's shape; None where the result is one number and none were given.

    Args:
        result_shape: of what the backward pass begins at.
        given: a tensor, array, list or number, or None.
        dtype: of what comes back.

    Raises:
        OptionError: there is no vector and the result has several entries (or none), or the vector does not fit.

    >>> check_vector((3,), [0.1, 1.0, 0.001])
    tensor([0.1000, 1.0000, 0.0010], dtype=torch.float64)
    >>> check_vector((), None) is None
    True
    """
    entries = prod(result_shape)
    if entries == 0:
        raise OptionError(f"The result has shape {_shape(result_shape)}, so no entry: nothing has a gradient.")
    if given is None:
        if entries == 1:
            return None
        raise OptionError(_why_needed(result_shape, entries))
    vector = _numbers(given)
    if vector.numel() != entries or (vector.dim() > 1 and tuple(vector.shape) != tuple(result_shape)):
        raise OptionError(_other_shape(tuple(vector.shape), tuple(result_shape), entries))
    wrong = int((~torch.isfinite(vector)).sum())
    if wrong:
        raise OptionError(
            f"{count(wrong)} of the {count(entries, 'weight')} in vector {'is' if wrong == 1 else 'are'} NaN or "
            "infinite: the gradients would be as well."
        )
    return vector.to(dtype).reshape(result_shape)


def _numbers(given: Any) -> torch.Tensor:
    """On the host in float64: integers are weights as good as others."""
    if isinstance(given, torch.Tensor):
        refuse_tensor("vector", given)
        plain = given.detach()
        if plain.is_complex() or plain.dtype is torch.bool:
            raise OptionError(f"vector must have real numbers; this one is of {str(plain.dtype)[6:]}.")
        return (plain.to_dense() if plain.layout is not torch.strided else plain).to("cpu", torch.float64).clone()
    try:
        made = torch.as_tensor(given)
        made = made.detach() if made.dtype is torch.float64 else torch.as_tensor(given, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        shown = visible(repr(given))[:40]
        raise OptionError(
            f"vector must be numbers, one for each entry of the result, such as [0.1, 1.0]; this is {shown}."
        ) from None
    return made.clone()


def _why_needed(shape: tuple[int, ...], entries: int) -> str:
    ones = ",".join(["1"] * entries) if len(shape) == 1 else f'"{_nested(shape)}"'
    python = f"vector={_nested(shape)}" if entries <= MOST_SHOWN else f"vector=torch.ones({_bare(shape)})"
    typed = (
        f"--vector {ones}, in Python {python},"
        if entries <= MOST_SHOWN
        else f"{python} (as text its numbers, --vector)"
    )
    return (
        f"A gradient is of one number; this result has shape {_shape(shape)}, {count(entries)} of them. "
        f"A vector says how much each weighs in the one number that is differentiated: {typed} adds them up."
    )


def _other_shape(given: tuple[int, ...], wanted: tuple[int, ...], entries: int) -> str:
    if given == ():
        return (
            f"vector is a single number, and the result has shape {_shape(wanted)}: it needs {count(entries)}, "
            "one weight for each entry."
        )
    return (
        f"vector has shape {_shape(given)}, and the result has {_shape(wanted)}: one weight for each entry is needed."
    )


def _nested(shape: tuple[int, ...]) -> str:
    return "1" if not shape else "[" + ", ".join([_nested(shape[1:])] * shape[0]) + "]"


def _shape(shape: tuple[int, ...]) -> str:
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


def _bare(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))
