"""Which layer broke first, and by which of its norms; docs/semantics.md#what-broke-first."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from fallline._recorder._recent_range import LEAST_WIDTH, WIDTHS
from fallline._records import Flight, Floats, Integers, Mask

QUANTITIES: Final = ("gradient", "update", "parameters")
"""In the order of cause and effect; a tie goes to the earlier one."""
FEWEST: Final = 2
"""Norms that a range needs."""


class Norms(NamedTuple):
    """The three norms of every layer along the ring, against what they were."""

    values: Floats
    """[3, D, L]; meaningless where not ``measured``."""
    measured: Mask
    """[D, L]"""
    usual: Floats
    """[3, L] median of the finite norms in the earlier half of the ring."""
    known: Mask
    """[3, L] False where there were fewer than two."""
    broke: Integers
    """[3, L] row of the ring from which on the norm was not finite or out of its range, D where it never was."""


class FirstToBreak(NamedTuple):
    """What went first."""

    layer: int | None
    """None where several layers went at once, or none did."""
    quantity: str
    """One of the norms, or ``loss``."""
    row: int
    """Of the ring."""
    growth: float | None
    """The last finite value of that norm in times its median; None where it had not grown, or no layer is named."""


def norms_of(flight: Flight) -> Norms:
    """Where every norm of the ring left its range for good."""
    values = np.stack([flight.gradient_norm, flight.update_norm, flight.parameter_norm])
    count, depth, layers = values.shape
    usual, known = np.zeros((count, layers)), np.zeros((count, layers), dtype=np.bool_)
    broke = np.full((count, layers), depth, dtype=np.int64)
    for layer in range(layers):
        rows = np.flatnonzero(flight.measured[:, layer])
        for quantity in range(count):
            along = values[quantity, rows, layer]
            earlier = along[: len(along) // 2]
            earlier = earlier[np.isfinite(earlier)]
            out = ~np.isfinite(along)
            if len(earlier) >= FEWEST:
                usual[quantity, layer], known[quantity, layer] = np.median(earlier), True
                out |= along > _ceiling(earlier)
            inside = np.flatnonzero(~out)
            begin = int(inside[-1]) + 1 if len(inside) else 0
            if begin < len(rows):
                broke[quantity, layer] = rows[begin]
    return Norms(values, flight.measured, usual, known, broke)


def first_to_break(norms: Norms, flight: Flight, ceiling: float) -> FirstToBreak:
    """The earliest of all; a layer is named where it broke alone, or where what is not finite began with it.

    A gradient that is not finite spreads backward, from the layer nearest to the loss to the first: where later layers
    are sound, the last of those that broke at once is where it began. Where all layers break together with the loss,
    it came from the loss or the data.
    """
    depth, layers = norms.measured.shape
    loss_row = _loss_broke(flight, ceiling)
    row = int(norms.broke.min()) if norms.broke.size else depth
    if row == depth:
        return FirstToBreak(None, "loss", depth - 1 if loss_row is None else loss_row, None)
    seen = norms.measured.any(axis=0)
    together = (norms.broke == row).any(axis=0)[seen].all()
    if together and loss_row == row and (layers > 1 or not np.isfinite(flight.loss[row])):
        return FirstToBreak(None, "loss", row, None)
    quantity, layer = _named(norms, row)
    return FirstToBreak(layer, QUANTITIES[quantity], row, None if layer is None else growth_of(norms, quantity, layer))


def layers_at_once(flight: Flight, step: int) -> tuple[int, int]:
    """How many layers left their range at this step of a ring for good, and how many were measured."""
    broke, seen = norms_of(flight).broke, flight.measured.any(axis=0)
    row = int(np.searchsorted(flight.step, step))
    return int((broke.min(axis=0)[seen] == row).sum()) if broke.size else 0, int(seen.sum())


def _ceiling(earlier: Floats) -> float:
    """What the norms of the earlier half stay below: as for the loss, so many widths above their median."""
    median = float(np.median(earlier))
    return median + WIDTHS * max(float(earlier.max()) - median, LEAST_WIDTH * median)


def growth_of(norms: Norms, quantity: int, layer: int) -> float | None:
    """The last finite norm in times its median; None where it was at most twice, or neither is known."""
    along = norms.values[quantity, norms.measured[:, layer], layer]
    finite = along[np.isfinite(along)]
    if not norms.known[quantity, layer] or not len(finite) or norms.usual[quantity, layer] == 0:
        return None
    growth = float(finite[-1] / norms.usual[quantity, layer])
    return growth if growth > 1 + WIDTHS * LEAST_WIDTH else None


def _named(norms: Norms, row: int) -> tuple[int, int | None]:
    """The first in cause and effect of the norms that broke at this row, and the layer that went first, if one did."""
    found = [(int(q), int(k)) for q, k in np.argwhere(norms.broke == row)]
    layers = {k for _, k in found}
    if len(layers) == 1:
        return min(found)
    gone = [k for q, k in found if q == 0 and not np.isfinite(norms.values[q, row, k])]
    last = int(np.flatnonzero(norms.measured[row])[-1])
    if gone and max(gone) == max(layers) < last:
        return 0, max(gone)
    return min(found)[0], None


def _loss_broke(flight: Flight, ceiling: float) -> int | None:
    """The row from which on the loss was not finite or above its ceiling."""
    rows = np.flatnonzero(flight.loss_measured)
    out = ~np.isfinite(flight.loss[rows]) | (flight.loss[rows] > ceiling)
    inside = np.flatnonzero(~out)
    begin = int(inside[-1]) + 1 if len(inside) else 0
    return int(rows[begin]) if begin < len(rows) else None


def named(layers: Sequence[str], layer: int | None) -> str | None:
    """A layer's name, None for none."""
    return None if layer is None else layers[layer]
