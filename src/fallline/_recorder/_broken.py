"""A flight that ended in an alarm, taken apart: what the evidence for every cause is read from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fallline._recorder._first_to_break import FirstToBreak, Norms, first_to_break, norms_of
from fallline._records import Flight, Mask


@dataclass(frozen=True, eq=False)
class Broken:
    """The ring of an alarm, and what broke in it."""

    flight: Flight
    norms: Norms
    first: FirstToBreak
    layers: Sequence[str]
    """[L] in words."""
    ceiling: float
    """Of the loss's recent range; infinite where none was known."""

    @property
    def step(self) -> int:
        """At which the alarm went off."""
        return int(self.flight.step[-1])

    @property
    def loss_out(self) -> Mask:
        """[D] where the loss was not finite or above the ceiling."""
        loss = self.flight.loss
        return np.asarray(self.flight.loss_measured & (~np.isfinite(loss) | (loss > self.ceiling)))


def taken_apart(flight: Flight, layers: Sequence[str], ceiling: float) -> Broken:
    """What broke first in a flight."""
    norms = norms_of(flight)
    return Broken(flight, norms, first_to_break(norms, flight, ceiling), layers, ceiling)
