"""What a function gave back, if a backward pass can begin there; else the sentence that says what to do."""

from typing import Any

import torch

from fallline._backprop._handed_in import foreign_in_words
from fallline._backprop._words import with_article
from fallline._errors import OptionError
from fallline._wording import count


def the_result(made: Any) -> torch.Tensor:
    """The one floating-point tensor that the function gave back.

    Raises:
        OptionError: it gave back something else.
    """
    if isinstance(made, tuple | list | dict):
        raise OptionError(
            f"The function gives back {with_article(type(made).__name__)} of {count(len(made), 'part')}; a backward "
            "pass begins at one tensor: give back that one, or the sum of those that count; of a module choose it by "
            f"loss=, as in loss=lambda made: made[{_first_place(made)}].sum()."
        )
    if made is None:
        raise OptionError(
            "The function gives back nothing (None): its return is missing. A backward pass begins at the tensor that "
            "the operations made."
        )
    if not isinstance(made, torch.Tensor):
        raise OptionError(
            f"The function gives back {with_article(type(made).__name__)}, not a tensor: a backward pass begins at the "
            "tensor that the operations made (without .item(), float() or .numpy())."
        )
    dtype = str(made.dtype).removeprefix("torch.")
    if made.is_complex():
        raise OptionError(f"The result is complex ({dtype}), and a gradient is of a real number: give back its abs().")
    foreign = foreign_in_words("The result", made)
    if foreign is not None:
        raise OptionError(foreign)
    if made.is_meta:
        raise OptionError("The result lies on the meta device, where tensors have a shape and no numbers.")
    if made.layout is not torch.strided:
        raise OptionError(
            f"The result is a sparse tensor ({str(made.layout).removeprefix('torch.')}); a backward pass begins at a "
            "dense one: give back its to_dense()."
        )
    if not made.is_floating_point():
        raise OptionError(
            f"The result is of {dtype}: whole numbers and truth values have no slope, so no gradient. Where the inputs "
            "are whole numbers, hand them in as decimals: x.float()."
        )
    if made.is_inference():
        raise OptionError("The result was made in inference mode, where PyTorch builds no graph to go back through.")
    return made


def _first_place(made: tuple[Any, ...] | list[Any] | dict[Any, Any]) -> str:
    """Where the first tensor stands: a place, of a dictionary the key."""
    pairs = made.items() if isinstance(made, dict) else enumerate(made)
    return repr(next((key for key, each in pairs if isinstance(each, torch.Tensor)), 0))
