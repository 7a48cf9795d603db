"""Learning-rate schedules by name: PyTorch's own classes, stepped once an epoch, and changes at given steps."""

import inspect
from collections.abc import Mapping

import torch

from fallline._descent._literals import keywords
from fallline._descent._rate_changes import LARGEST_RATE, NAME, RateChanges, read_changes
from fallline._errors import OptionError, near

SHORT_NAMES: Mapping[str, str] = {
    "constant": "",
    "cosine": "CosineAnnealingLR",
    "exponential": "ExponentialLR",
    "step": "StepLR",
    "linear": "LinearLR",
    "polynomial": "PolynomialLR",
    "onecycle": "OneCycleLR",
    "multistep": "MultiStepLR",
    "warmrestarts": "CosineAnnealingWarmRestarts",
}


def make_schedule(
    text: str, optimizer: torch.optim.Optimizer, epochs: int
) -> torch.optim.lr_scheduler.LRScheduler | None:
    """The schedule that ``text`` names, ``NAME`` or ``NAME:key=value,key=value``; None for a constant rate.

    NAME is one of ``cosine``, ``exponential``, ``step``, ``linear``, ``polynomial``, ``onecycle``, ``multistep``,
    ``warmrestarts`` or a class of ``torch.optim.lr_scheduler`` that is stepped without a metric. What the class
    demands and was not given follows from the run: its length is ``epochs``. ``changes:STEP=RATE,…`` changes the rate
    at given updates (:class:`RateChanges`), whatever an epoch holds.

    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    >>> type(make_schedule("step:step_size=30,gamma=0.5", optimizer, 90)).__name__
    'StepLR'
    """
    name, _, rest = text.partition(":")
    if name.strip().lower() == NAME:
        return RateChanges(optimizer, read_changes(rest))
    class_name = SHORT_NAMES.get(name.strip().lower(), name.strip())
    if not class_name:
        return None
    cls = getattr(torch.optim.lr_scheduler, class_name, None)
    if not (isinstance(cls, type) and issubclass(cls, torch.optim.lr_scheduler.LRScheduler)):
        raise OptionError(
            f'There is no schedule "{name}": use one of {", ".join([*SHORT_NAMES, NAME])}, or a class of '
            f"torch.optim.lr_scheduler.{near(name, [*SHORT_NAMES, NAME])}"
        )
    options = _defaults(class_name, optimizer, epochs) | keywords(rest)
    known = [key for key in inspect.signature(cls).parameters if key not in {"optimizer", "last_epoch"}]
    for key in options:
        if key not in known:
            raise OptionError(f'{class_name} has no option "{key}": it takes {", ".join(known)}.{near(key, known)}')
    if options.get("cycle_momentum"):
        raise OptionError(
            f"The schedule {text} would cycle the momentum too: a schedule here changes the learning rate alone. "
            "Leave cycle_momentum out, and give the momentum as an option of the optimizer."
        )
    try:
        _rehearse(cls, options, float(optimizer.param_groups[0]["lr"]), epochs)
        return cls(optimizer, **options)  # type: ignore[arg-type]  # the base class names no options
    # What PyTorch's schedules raise for an option of the wrong kind, each its own.
    except (TypeError, ValueError, ArithmeticError, NotImplementedError, AttributeError) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise OptionError(f"The schedule {text} cannot be used for {epochs} epochs: {reason}.") from error


def _rehearse(
    cls: type[torch.optim.lr_scheduler.LRScheduler], options: Mapping[str, object], rate: float, epochs: int
) -> None:
    """All its epochs on an optimizer of its own: some schedules fail, or give no usable rate, only later."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, device="cpu"))], lr=rate)
    scheduler = cls(optimizer, **options)  # type: ignore[arg-type]  # the base class names no options
    for epoch in range(epochs):
        value = float(optimizer.param_groups[0]["lr"])
        if not 0 <= value < LARGEST_RATE:
            raise ValueError(f"its learning rate in epoch {epoch:,} is {value:g}")
        optimizer.step()
        scheduler.step()


def _defaults(class_name: str, optimizer: torch.optim.Optimizer, epochs: int) -> dict[str, object]:
    """What a class demands, taken from the run: its length, and its rate as the highest."""
    defaults: dict[str, dict[str, object]] = {
        "CosineAnnealingLR": {"T_max": epochs},
        "CosineAnnealingWarmRestarts": {"T_0": max(1, epochs // 4)},
        "ExponentialLR": {"gamma": 0.99},
        "LinearLR": {"start_factor": 1.0, "end_factor": 0.01, "total_iters": epochs},
        "PolynomialLR": {"total_iters": epochs},
        "StepLR": {"step_size": max(1, epochs // 3)},
        "MultiStepLR": {"milestones": [epochs // 2, epochs * 3 // 4]},
        "OneCycleLR": {
            "max_lr": optimizer.param_groups[0]["lr"],
            "total_steps": epochs + 1,
            "cycle_momentum": False,  # a schedule of the rate alone: the momentum stays what was asked for
        },
        "CyclicLR": {"cycle_momentum": False},
    }
    return defaults.get(class_name, {})
