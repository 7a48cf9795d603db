"""Gradient descent for real: forward, loss, backward, step."""

from fallline._descent._batches import Batches
from fallline._descent._loop import descend, descend_on
from fallline._descent._optimizers import make_optimizer, optimizer_class, optimizer_options, take_step
from fallline._descent._rate_changes import LARGEST_RATE, RateChanges, changes_text
from fallline._descent._schedules import make_schedule

__all__ = [
    "LARGEST_RATE",
    "Batches",
    "RateChanges",
    "changes_text",
    "descend",
    "descend_on",
    "make_optimizer",
    "make_schedule",
    "optimizer_class",
    "optimizer_options",
    "take_step",
]
