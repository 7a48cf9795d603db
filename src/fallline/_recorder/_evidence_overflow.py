"""Evidence for overflow in half precision: a gradient is not finite while the loss still is."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from fallline._recorder._broken import Broken
from fallline._recorder._ring import skipped_updates
from fallline._recorder._rows import Row
from fallline._records import Cause, Evidence, RecordingHeader
from fallline._wording import count, number

LARGEST: Final = 65_504.0
"""The largest number that float16 holds."""
NARROW: Final = "float16"
"""bfloat16 reaches as far as float32."""
JUST_BEFORE: Final = 5
"""An update skipped so many steps before belongs to the alarm."""


def overflow(broken: Broken, rows: Sequence[Row], header: RecordingHeader) -> Evidence:
    """Found where a gradient was seen not finite, of float16 parameters or with a skipped update.

    A skipped update alone is none: a loop may leave one out by itself.
    """
    return Evidence(Cause.OVERFLOW, *_told(broken, rows, header))


def _told(broken: Broken, rows: Sequence[Row], header: RecordingHeader) -> tuple[bool | None, str]:
    narrow = {info.layer for info in header.parameters if info.dtype == NARROW}
    skipped = _skipped(rows, len(header.optimizers))
    near = [step for step in skipped if broken.step - step <= JUST_BEFORE]
    early = _gradient_first(broken)
    if early is not None:
        row, layer = early
        where = _where(broken, row, layer, narrow)
        if layer in narrow or near:
            return True, f"{where}, and {_left_out(near)}." if near else f"{where}."
        return _too_large_for_half(broken, header) or (None, f"{where}; whether autocast was at work is not recorded.")
    if near:
        return _only_skipped(near, bool(narrow))
    if broken.flight.loss_measured[-1] and np.isfinite(broken.flight.loss[-1]):
        return False, "Every gradient of the last steps was finite, and so was every loss."
    unknown = "No parameter is float16 and no update was skipped; whether autocast was at work, in which activations"
    unknown += f" beyond {LARGEST:,.0f} overflow, is not recorded."
    if narrow:
        unknown = f"Parameters are float16: activations beyond {LARGEST:,.0f} overflow, and they are not recorded."
    return (None if narrow else _too_large_for_half(broken, header)) or (None, unknown)


def _only_skipped(near: Sequence[int], narrow: bool) -> tuple[bool | None, str]:
    said = _left_out(near)
    said = f"{said[0].upper()}{said[1:]} where a gradient is not finite"
    if narrow:
        return True, f"{said}; parameters are float16."
    return None, f"{said}; no such gradient was seen, and whether a scaler was at work is not recorded."


def _gradient_first(broken: Broken) -> tuple[int, int] | None:
    """(row, layer) of the first gradient that was not finite while the loss was; of several layers the last."""
    flight = broken.flight
    sound = flight.loss_measured & np.isfinite(flight.loss)
    gone = flight.measured & ~np.isfinite(flight.gradient_norm) & sound[:, None]
    rows = np.flatnonzero(gone.any(axis=1))
    return (int(rows[0]), int(np.flatnonzero(gone[rows[0]])[-1])) if len(rows) else None


def _where(broken: Broken, row: int, layer: int, narrow: set[int]) -> str:
    flight = broken.flight
    kind = "float16 gradient" if layer in narrow else "gradient"
    said = f"The {kind} of {broken.layers[layer]} was not finite at step {flight.step[row]:,}"
    said += f" while the loss was {number(float(flight.loss[row]))}"
    before = flight.gradient_norm[:row, layer][flight.measured[:row, layer]]
    sound = before[np.isfinite(before)]
    if layer in narrow and len(sound):
        said += f"; its norm before was {number(float(sound[-1]))}, and float16 ends at {LARGEST:,.0f}"
    return said


def _too_large_for_half(broken: Broken, header: RecordingHeader) -> tuple[bool, str] | None:
    """A gradient larger than float16 can hold was there, whole: it was not computed in it."""
    flight = broken.flight
    sizes = np.array([layer.parameters for layer in header.layers], dtype=np.float64)
    with np.errstate(all="ignore"):
        typical = np.where(flight.measured, flight.gradient_norm / np.sqrt(sizes), 0.0)
    typical = np.where(np.isfinite(typical), typical, 0.0)
    row, layer = (int(index) for index in np.unravel_index(int(typical.argmax()), typical.shape))
    if not typical[row, layer] > LARGEST:
        return None
    said = f"The gradient of {broken.layers[layer]} was {number(float(typical[row, layer]))} for each parameter"
    return False, f"{said} at step {flight.step[row]:,}: more than half precision holds ({LARGEST:,.0f})."


def _skipped(rows: Sequence[Row], optimizers: int) -> list[int]:
    """The steps at which an update that was due is missing."""
    found = {int(k) for each in range(optimizers) for k in skipped_updates([row.updates[each] for row in rows])}
    return [rows[k].step for k in sorted(found)]


def _left_out(steps: Sequence[int]) -> str:
    if len(steps) == 1:
        return f"the update of step {steps[0]:,} was skipped, as a loss scaler does"
    return f"{count(len(steps), 'update')} were skipped, as a loss scaler does, the last at step {steps[-1]:,}"
