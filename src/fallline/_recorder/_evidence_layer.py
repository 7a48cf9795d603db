"""Evidence for an exploding layer: its norms left their range before those of every other layer."""

import numpy as np

from fallline._recorder._broken import Broken
from fallline._recorder._first_to_break import QUANTITIES
from fallline._records import Cause, Evidence
from fallline._wording import count, number


def exploding_layer(broken: Broken) -> Evidence:
    """Found where one layer left its range, by any of its norms, at an earlier step than all of the others.

    Not where that norm became NaN or infinite from one step to the next: it did not grow.
    """
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
    if first == len(steps):
        known = bool(norms.known[:, seen].any())
        stayed = "The norms of every layer stayed in their range."
        return (False, stayed) if known else (None, f"No norm has a range yet after {count(len(steps), 'step')}.")
    if first == second:
        return False, f"{_together(broken, int(np.sum(rows == first)), len(seen))} at the same step {steps[first]:,}."
    return _one_layer(broken, int(seen[np.argmin(rows)]), first, second)


def _one_layer(broken: Broken, layer: int, first: int, second: int) -> tuple[bool, str]:
    """Of a layer that left its range at a row of its own: did it grow?"""
    steps = broken.flight.step
    quantity = int(np.argmin(broken.norms.broke[:, layer]))
    born = _born(broken, quantity, layer, first)
    if born is not None:
        return False, born
    ahead = "no other layer had left its own"
    if second < len(steps):
        ahead = f"{count(int(steps[second] - steps[first]), 'step')} before any other layer"
    norm = _norm(QUANTITIES[quantity])
    return True, f"The {norm} of {broken.layers[layer]} left its range at step {steps[first]:,}, {ahead}."


def _born(broken: Broken, quantity: int, layer: int, row: int) -> str | None:
    """A norm that is not finite from one step to the next has not grown; None where it had."""
    norms = broken.norms
    along = norms.values[quantity, :row, layer][norms.measured[:row, layer]]
    value = float(norms.values[quantity, row, layer])
    if np.isfinite(value) or not len(along):
        return None
    name, step = broken.layers[layer], int(broken.flight.step[row])
    became = f"The {_norm(QUANTITIES[quantity])} of {name} became {number(value)} in one step, at step {step:,}"
    return f"{became}, from {number(float(along[-1]))}: not by growing."


def _together(broken: Broken, together: int, seen: int) -> str:
    said = f"{together:,} of {count(seen, 'layer')} left their range"
    if broken.first.layer is None:
        return said
    nearest = broken.layers[broken.first.layer]
    said += f" (what is not finite spreads backward, and {nearest} is the nearest to the loss of them)"
    born = _born(broken, QUANTITIES.index("gradient"), broken.first.layer, broken.first.row)
    return said if born is None else f"{born} {said}"


def _norm(quantity: str) -> str:
    return "parameter norm" if quantity == "parameters" else f"{quantity} norm"
