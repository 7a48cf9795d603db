"""Parameters that a watch cannot measure, refused with a sentence before the first step."""

from collections.abc import Sequence

import torch
from torch import nn

from fallline._errors import OptionError

FULLY_SHARDED = "FullyShardedDataParallel"


def check_measurable(model: nn.Module, held: Sequence[tuple[str, nn.Parameter]]) -> None:
    """Refuse parameters that are not there yet, not here, or not plain real numbers.

    Raises:
        OptionError: it says which, and what to do.
    """
    if any(type(module).__name__ == FULLY_SHARDED for module in model.modules()):
        raise OptionError(f"A model under {FULLY_SHARDED} cannot be watched: no process holds a whole parameter.")
    for name, tensor in held:
        if nn.parameter.is_lazy(tensor):
            raise OptionError(
                f"{name} has no shape yet: run one batch through the model before fl.watch, "
                "and make the optimizer after it."
            )
        if type(tensor.data) is not torch.Tensor:
            raise OptionError(
                f"{name} is a {type(tensor.data).__name__}: only plain tensors can be watched, "
                "no sharded or quantised ones."
            )
        if tensor.is_meta:
            raise OptionError(f"{name} is on the meta device and has no numbers: move the model to a real one first.")
        if not tensor.dtype.is_floating_point:
            raise OptionError(f"{name} is of dtype {tensor.dtype}: only real floating point numbers can be watched.")
