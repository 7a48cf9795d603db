"""Marks in the record of a watched loop, and the story of what broke. Plain frozen data.

Shapes: D steps of the flight recorder's ring, L layers.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fallline._records._run import Floats, Mask

Integers = NDArray[np.int64]


class EventKind(StrEnum):
    """What kind of mark stands in a record."""

    GAP = "gap"
    """Steps that could not be written, or were not recorded."""
    NOTE = "note"
    """Something was not measured, or changed in mid-run."""
    ALARM = "alarm"
    EXCEPTION = "exception"
    """The user's loop ended with an exception."""
    RESUMED = "resumed"


@dataclass(frozen=True)
class Event:
    """A mark in the record."""

    step: int
    kind: EventKind
    text: str
    """One sentence."""


class Trigger(StrEnum):
    """What set an alarm off."""

    LOSS_NOT_FINITE = "the loss is not finite"
    GRADIENT_NOT_FINITE = "a gradient is not finite"
    PARAMETER_NOT_FINITE = "a parameter is not finite"
    LOSS_OUT_OF_RANGE = "the loss left its recent range"


class Cause(StrEnum):
    """The known causes of a broken run."""

    PAST_THE_LIMIT = "step past the limit"
    EXPLODING_LAYER = "exploding layer"
    BAD_BATCH = "one bad batch"
    OVERFLOW = "overflow in half precision"


@dataclass(frozen=True)
class Evidence:
    """What this run says for or against one cause."""

    cause: Cause
    found: bool | None
    """None where what decides it was not measured."""
    text: str
    """One sentence with its numbers."""


@dataclass(frozen=True, eq=False)
class Flight:
    """The ring of the flight recorder: the last D steps before and at an alarm."""

    step: Integers
    """[D]"""
    loss: Floats
    """[D] meaningless where not ``loss_measured``."""
    gradient_norm: Floats
    """[D, L]"""
    update_norm: Floats
    """[D, L]"""
    parameter_norm: Floats
    """[D, L]"""
    measured: Mask
    """[D, L]"""
    loss_measured: Mask
    """[D]"""


@dataclass(frozen=True, eq=False)
class Alarm:
    """A loss or a gradient that is no longer finite, or a loss that left its recent range; with its story."""

    step: int
    trigger: Trigger
    first_layer: str | None
    """The layer that broke first, None where that cannot be told."""
    first_quantity: str | None
    """``gradient``, ``update``, ``parameters`` or ``loss``: what broke first."""
    first_step: int
    """When it broke."""
    growth: float | None
    """How many times its recent median it had become."""
    reach: float | None
    """The last reach that was measured before the alarm."""
    reach_step: int | None
    evidence: tuple[Evidence, ...]
    flight: Flight
    snapshot_step: int | None
    """The step of the parameters kept from before, None where there are none."""
