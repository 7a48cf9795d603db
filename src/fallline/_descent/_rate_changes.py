"""A learning rate that is changed by hand in mid-run: constant pieces, each from a given step on."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from fallline._errors import OptionError

NAME = "changes"
LARGEST_RATE = 1e30
"""Beyond this PyTorch itself fails to multiply a float32 gradient by the rate."""
MOST_CHANGES = 1_000
EXAMPLE = "changes:41=0.02,90=0.005"


class RateChanges(torch.optim.lr_scheduler.LRScheduler):
    """The optimizer's own rate up to the first change, then that of the latest one; stepped once an update.

    Args:
        optimizer: its rate is the first piece.
        changes: (step, rate), steps counted from 0 and rising: the update ``step`` is the first with that rate.

    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    >>> scheduler, rates = RateChanges(optimizer, [(2, 0.5)]), []
    >>> for _ in range(4):
    ...     rates.append(optimizer.param_groups[0]["lr"])
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.1, 0.1, 0.5, 0.5]
    """

    def __init__(self, optimizer: torch.optim.Optimizer, changes: Sequence[tuple[int, float]]) -> None:
        self.changes = dict(changes)
        super().__init__(optimizer)

    def get_lr(self) -> list[Any]:
        """The rate of each group for the coming update."""
        changed = self.changes.get(self.last_epoch)
        return [group["lr"] if changed is None else changed for group in self.optimizer.param_groups]


def steps_each_update(scheduler: torch.optim.lr_scheduler.LRScheduler | None) -> bool:
    """True for a schedule that counts updates, where PyTorch's are stepped once an epoch."""
    return isinstance(scheduler, RateChanges)


def read_changes(text: str) -> list[tuple[int, float]]:
    """``STEP=RATE,STEP=RATE`` as (step, rate), rising.

    Raises:
        OptionError: it is not that, a step comes twice, or a rate is none.

    >>> read_changes("90=0.005, 41=0.02")
    [(41, 0.02), (90, 0.005)]
    """
    found: dict[int, float] = {}
    parts = text.split(",") if text.strip() else []
    for part in parts:
        step_text, equals, rate_text = part.partition("=")
        try:
            step, rate = int(step_text), float(rate_text)
        except ValueError:
            step, rate = -1, math.nan
        if not equals or step < 0:
            raise OptionError(
                "The schedule changes takes STEP=RATE,STEP=RATE with steps counted from 0, "
                f'as in {EXAMPLE}, not "{part}".'
            )
        if not 0 < rate < LARGEST_RATE:
            raise OptionError(
                f"The learning rate from step {step:,} on must be a number above 0 and below {LARGEST_RATE:g}, "
                f"not {rate_text.strip()}."
            )
        if step in found:
            raise OptionError(f"The schedule changes names step {step:,} twice: give each step one rate.")
        found[step] = rate
    if not found:
        raise OptionError(f"The schedule changes needs at least one change, as in {EXAMPLE}.")
    if len(found) > MOST_CHANGES:
        raise OptionError(f"The schedule changes takes at most {MOST_CHANGES:,} changes, not {len(found):,}.")
    return sorted(found.items())


def changes_text(changes: Sequence[tuple[int, float]]) -> str:
    """The schedule as ``--schedule`` takes it; empty where nothing is changed.

    >>> changes_text([(41, 0.02), (90, 0.005)])
    'changes:41=0.02,90=0.005'
    """
    return f"{NAME}:{','.join(f'{step}={rate!r}' for step, rate in changes)}" if changes else ""
