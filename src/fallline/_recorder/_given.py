"""What a loop hands to its watch as a number, whatever it is made of."""

from numbers import Real
from typing import Any

import numpy as np
import torch

from fallline._recorder._guard import Guard, in_one_line


def number_of(value: Any) -> float:
    """One real number of Python, NumPy or PyTorch as a float of the host.

    Raises:
        TypeError: it is another thing, said in a few words.

    >>> number_of(torch.tensor([2.5], requires_grad=True)), number_of(np.float32(0.5)), number_of(3)
    (2.5, 0.5, 3.0)
    """
    if isinstance(value, torch.Tensor):
        if value.numel() == 1 and not value.is_meta and not value.is_complex():
            return float(value.item())
    elif isinstance(value, Real):
        if not isinstance(value, bool):
            return float(value)
    elif isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiu":
        return float(value.item())
    raise TypeError(f"expected one number, got {described(value)}")


def number_or_mark(given: Any, where: str, guard: Guard) -> float | None:
    """A number of the host; None, with one mark, where it is none."""
    try:
        return number_of(given)
    except (TypeError, ValueError, OverflowError, RuntimeError) as problem:
        guard.say(f"{where}: {in_one_line(problem).partition(': ')[2]}; it was left out.")
        return None


def described(value: object) -> str:
    """A value that is no number, in a few words.

    >>> described(torch.zeros(3)), described("0.5"), described(None)
    ('a tensor of shape (3,)', 'a str', 'None')
    """
    if isinstance(value, torch.Tensor):
        place = " on the meta device" if value.is_meta else ""
        return f"a {'complex ' if value.is_complex() else ''}tensor of shape {tuple(value.shape)}{place}"
    return "None" if value is None else f"a {type(value).__name__}"
