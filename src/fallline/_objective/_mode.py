"""What the mode does to layers that know one: said, or refused where the value would depend on it."""

from typing import Final

import torch
from torch import nn

from fallline._errors import OptionError
from fallline._wording import count, layer_in_words

BATCH_NORMS: Final = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
DROPOUTS: Final = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)


def batch_statistics(model: nn.Module, *, training: bool) -> list[str]:
    """Names of layers that take their statistics from the batch in this mode, so that rows depend on each other."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, BATCH_NORMS) and (training or module.running_mean is None)
    ]


def refuse_split(names: list[str], batches: int, *, training: bool) -> None:
    """Refuse batch statistics over several batches.

    Raises:
        OptionError: the loss would depend on how the rows are split into batches.
    """
    if not names or batches == 1:
        return
    instead = 'use mode="eval"' if training else "give it running statistics (track_running_stats=True)"
    raise OptionError(
        f"Batch norm ({layer_in_words(names[0])}) takes its statistics from each batch, so the loss depends on how "
        f"the rows are split: {instead}, or give all rows as one batch."
    )


def refuse_random(*, training: bool) -> OptionError:
    """Two passes over the same batch differ."""
    instead = 'use mode="eval"' if training else "it has to be off for a loss that is a function of the parameters"
    return OptionError(
        "Two passes over the same batch at the same parameters give different losses (dropout, or another random "
        f"number in the model): {instead}."
    )


def mode_notes(model: nn.Module, *, training: bool, stands_in_train: bool) -> list[str]:
    """What was done with batch norm and dropout, in sentences; also where the model itself stands in another mode."""
    norms = [one for one in model.modules() if isinstance(one, BATCH_NORMS)]
    drops = [one for one in model.modules() if isinstance(one, DROPOUTS) and one.p > 0]
    held = [one for one in norms if not training and one.running_mean is not None]
    notes = []
    if held:
        notes.append(
            f"Batch norm ({count(len(held), 'layer')}) uses the running statistics that the model holds; they stay "
            "as they are at all parameters."
        )
    if len(norms) > len(held):
        notes.append(
            f"Batch norm ({count(len(norms) - len(held), 'layer')}) takes its statistics from the one batch of all "
            "rows, anew at all parameters."
        )
    if drops and not training:
        notes.append("Dropout is off (eval mode).")
    if stands_in_train and not training and (norms or drops):
        notes.append(
            "The model itself stands in train mode, and is left so; it is evaluated in eval mode unless "
            'mode="train" is given.'
        )
    return notes


def parameter_notes(model: nn.Module) -> list[str]:
    """What of the parameters is held constant, or counted once."""
    every = list(model.named_parameters(remove_duplicate=False))
    distinct = dict(model.named_parameters())
    constant = [name for name, one in distinct.items() if not one.requires_grad]
    notes = []
    if constant:
        notes.append(f"Held constant, as they require no gradient: {count(len(constant), 'tensor')} of the parameters.")
    if len(every) > len(distinct):
        notes.append("Weights that several layers share count once.")
    return notes


def held_in_words(model: nn.Module, *, training: bool) -> tuple[str, ...]:
    """What of the model is no parameter that varies and may change in training: running statistics, what is frozen."""
    norms = [one for one in model.modules() if isinstance(one, BATCH_NORMS)]
    running = not training and any(one.running_mean is not None for one in norms)
    constant = any(not one.requires_grad for one in model.parameters())
    return (("running statistics",) if running else ()) + (("constant parameters",) if constant else ())


def same(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether two evaluations of the same thing agree to rounding; NaN agrees with NaN."""
    eps = torch.finfo(first.dtype).eps
    return bool(torch.isclose(first, second, rtol=64 * eps, atol=eps * 1e-6, equal_nan=True))
