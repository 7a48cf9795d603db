"""Evidence for an exploding layer: its norms left their range before those of every other layer."""

import numpy as np

from fallline._recorder._broken import Broken
from fallline._recorder._first_to_break import QUANTITIES
from fallline._records import Cause, Evidence
from fallline._wording import count


def exploding_layer(broken: Broken) -> Evidence:
    """Found where one layer left its range, by any of its norms, at an earlier step than all of the others."""
    return Evidence(Cause.EXPLODING_LAYER, *_told(broken))


def _told(broken: Broken) -> tuple[bool | None, str]:
    norms, steps = broken.norms, broken.flight.step
    seen = np.flatnonzero(norms.measured.any(axis=0))
    if not len(seen):
        return None, "No norm of a layer was measured in the last steps."
    if len(seen) == 1:
        return False, "There is only one layer: none can go before the others."
    rows = norms.broke[:, seen].min(axis=0)
    first, second = (int(row) for row in np.sort(rows)[:2])
    if first == len(steps) and not norms.known[:, seen].any():
        return None, f"No norm has a range yet after {count(len(steps), 'step')}."
    if first == len(steps):
        return False, "The norms of every layer stayed in their range."
    if first == second:
        together = int(np.sum(rows == first))
        return False, f"{together:,} of {count(len(seen), 'layer')} left their range at the same step {steps[first]:,}."
    layer = int(seen[np.argmin(rows)])
    norm = _norm(QUANTITIES[int(np.argmin(norms.broke[:, layer]))])
    ahead = "no other layer had left its own"
    if second < len(steps):
        ahead = f"{count(int(steps[second] - steps[first]), 'step')} before any other layer"
    return True, f"The {norm} of {broken.layers[layer]} left its range at step {steps[first]:,}, {ahead}."


def _norm(quantity: str) -> str:
    return "parameter norm" if quantity == "parameters" else f"{quantity} norm"
