"""Parameter snapshots: which steps are kept within a budget of bytes, and how they are taken without waiting."""

import ctypes
import math
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from fallline._errors import OptionError
from fallline._recorder._in_one_piece import in_one_piece
from fallline._records import Snapshot
from fallline._wording import megabytes

LONGEST: Final = 10**7
"""Steps that the schedule makes room for."""
DENSEST: Final = 8
"""Snapshots for each doubling of the step, at most."""
START: Final = -1
"""The step of the parameters before the first update."""
BESIDE_SCHEDULE: Final = 3
"""The start, the end, and one from before an alarm."""
SMALL: Final = 1 << 20
"""Up to so many bytes PyTorch's calls take longer than the copying; more of them it copies without Python's lock."""
IN_FLIGHT: Final = 2
IN_FLIGHT_BYTES: Final = 16 << 20
"""Snapshots that may wait to be written: two, or more while they are small. While so many do, no other is taken."""


class SnapshotSchedule:
    """The steps whose parameters are kept: 0 and ⌊2^(j/k)⌋, so that at most ``room`` of them reach ``LONGEST``.

    k, their number for each doubling of the step, is a whole number or one over a whole number.

    >>> schedule = SnapshotSchedule(26)
    >>> step, steps = -1, []
    >>> while (step := schedule.after(step)) < 100:
    ...     steps.append(step)
    >>> steps
    [0, 1, 2, 4, 8, 16, 32, 64]
    """

    def __init__(self, room: int) -> None:
        density = (room - 2) / math.log2(LONGEST)
        if density >= 1:
            density = float(min(DENSEST, math.floor(density)))
        elif density > 0:
            density = 1 / math.ceil(1 / density)
        self._density = density

    @property
    def most(self) -> int:
        """How many are kept of ``LONGEST`` steps, at most."""
        return 0 if self._density < 0 else 2 + math.ceil(self._density * math.log2(LONGEST))

    def after(self, step: int) -> float:
        """The next step that is kept; ∞ where there is no room for any."""
        if self._density < 0:
            return math.inf
        if step < 0:
            return 0
        if step == 0:
            return 1
        if self._density == 0:
            return math.inf
        j = math.floor(math.log2(step) * self._density)
        while (kept := math.floor(math.exp2(j / self._density))) <= step:
            j += 1
        return kept


class Allowance:
    """How many snapshots the budget holds: the start, the end, one from before an alarm, the rest by a schedule."""

    def __init__(self, budget: int, size: int) -> None:
        """``size``: bytes of all parameters."""
        self.left = budget // size if size > 0 else 0
        if self.left < 2:
            self.left = 0
        self.schedule = SnapshotSchedule(self.left - BESIDE_SCHEDULE)

    def resumed(self, stored: int) -> None:
        """Take off what the file of a resumed run holds already, ends of earlier starts and all."""
        self.left = max(0, self.left - stored)

    @property
    def for_schedule(self) -> bool:
        """True while a scheduled one leaves room for the end and for an alarm."""
        return self.left > 2

    @property
    def for_alarm(self) -> bool:
        """True while one more leaves room for the end."""
        return self.left > 1


def left_out(budget: int, size: int) -> str | None:
    """A sentence where no snapshots fit, None where they do.

    >>> left_out(64 << 20, 40_000_000)
    'Parameters are not kept: a start and an end need 80 MB, snapshots= allows 67 MB.'
    """
    if Allowance(budget, size).left > 0:
        return None
    need = megabytes(2 * size)
    return f"Parameters are not kept: a start and an end need {need}, snapshots= allows {megabytes(budget)}."


class Copies:
    """Takes the bytes of all parameters, each in its own dtype, in the order given."""

    def __init__(self, tensors: Sequence[nn.Parameter], names: Sequence[str] = ()) -> None:
        """``names``: of the tensors, for messages."""
        self._tensors = tuple(tensors)
        self._names = tuple(names) or tuple(f"parameter {k}" for k in range(len(self._tensors)))
        self._kinds = [(tensor.dtype, tensor.shape) for tensor in self._tensors]
        self.size = sum(tensor.numel() * tensor.element_size() for tensor in self._tensors)
        self._pinned = any(tensor.device.type == "cuda" for tensor in self._tensors)
        self._alive: list[weakref.ref[Any]] = []

    @property
    def room(self) -> bool:
        """True while another copy may be handed out: those that nobody holds any more do not count."""
        self._alive = [ref for ref in self._alive if ref() is not None]
        return len(self._alive) < in_flight(self.size)

    def buffer(self) -> torch.Tensor:
        """Room for one copy, in the host's memory."""
        if self._pinned:
            return torch.empty(self.size, dtype=torch.uint8, device="cpu", pin_memory=True)
        return torch.from_numpy(np.empty(self.size, dtype=np.uint8))

    def take(self, buffer: torch.Tensor) -> Callable[[], None] | None:
        """Copy the parameters into ``buffer``; what is returned waits until they are there, None where they are.

        Raises:
            OptionError: a parameter has another dtype or shape than it had.
        """
        self._check()
        if self.size <= SMALL and all(map(in_one_piece, self._tensors)):
            self._take_at_once(buffer.data_ptr())
            return None
        offset = 0
        with torch.no_grad():
            for tensor in self._tensors:
                raw = tensor.detach().reshape(-1).view(torch.uint8)
                target = buffer[offset : offset + raw.numel()]
                target.copy_(raw, non_blocking=tensor.device.type == "cuda")  # only there somebody waits: arrival
                offset += raw.numel()
        return arrival(self._tensors)

    def _take_at_once(self, address: int) -> None:
        """Tensors that lie in one piece each in the host's memory: a tenth of what PyTorch's copies of them take."""
        for tensor in self._tensors:
            ctypes.memmove(address, tensor.data_ptr(), tensor.nbytes)
            address += tensor.nbytes

    def _check(self) -> None:
        for name, tensor, (dtype, shape) in zip(self._names, self._tensors, self._kinds, strict=True):
            if tensor.dtype != dtype or tensor.shape != shape:
                was, now = (
                    f"{str(kind).removeprefix('torch.')} {tuple(size)}"
                    for kind, size in ((dtype, shape), (tensor.dtype, tensor.shape))
                )
                raise OptionError(f"{name} was {was} and is {now} now.")

    def handed_out(self, step: int, buffer: torch.Tensor) -> Snapshot:
        """The record of a copy, counted as waiting for as long as anybody holds its bytes."""
        values = buffer.numpy()
        self._alive.append(weakref.ref(values))
        return Snapshot(step, values)


def arrival(tensors: Sequence[torch.Tensor]) -> Callable[[], None] | None:
    """Waits, beside the loop, for all that is queued by now on the tensors' devices; None where nothing is queued."""
    devices = {tensor.device for tensor in tensors if tensor.device.type == "cuda"}
    if not devices:
        return None
    moments = [torch.cuda.current_stream(device).record_event() for device in devices]

    def wait() -> None:
        for moment in moments:
            moment.synchronize()

    return wait


def in_flight(size: int) -> int:
    """How many copies of ``size`` bytes may wait to be written.

    >>> in_flight(20_000_000), in_flight(1 << 20)
    (2, 16)
    """
    return max(IN_FLIGHT, IN_FLIGHT_BYTES // max(1, size))


def on_their_way(size: int, budget: int) -> int:
    """Bytes of the snapshots that wait to be written, at most; there are no more than the schedule has.

    >>> on_their_way(8, 64 << 20), on_their_way(20_000_000, 64 << 20)
    (1536, 40000000)
    """
    allowance = Allowance(budget, size)
    return size * min(in_flight(size), allowance.left, allowance.schedule.most + BESIDE_SCHEDULE)


def step_before(first_step: int, steps: Iterable[int]) -> int | None:
    """Of these steps' parameters the last from before ``first_step``, at which something broke; None where none are.

    From those of the step right before it the loss of ``first_step`` was computed: they are taken only where there are
    no others.

    >>> step_before(100, [0, 94, 98, 99, 100]), step_before(1, [0, 1]), step_before(0, [0])
    (98, 0, None)
    """
    before = [step for step in steps if step < first_step]
    return max((step for step in before if step < first_step - 1), default=max(before, default=None))


class RecentCopies:
    """The parameters of a recent step: two copies, each replaced in turn every ``spacing`` steps."""

    def __init__(self, copies: Copies, spacing: int) -> None:
        self._copies, self._spacing = copies, max(1, spacing)
        self._kept: list[tuple[int, torch.Tensor, Callable[[], None] | None]] = []
        self.next: float = START

    def keep(self, step: int) -> None:
        """Replace the older copy by the parameters as they are after ``step``."""
        buffer = self._kept.pop(0)[1] if len(self._kept) == 2 else self._copies.buffer()
        self._kept.append((step, buffer, self._copies.take(buffer)))
        self.next = (step // self._spacing + 1) * self._spacing

    @property
    def steps(self) -> tuple[int, ...]:
        """Those whose parameters are kept."""
        return tuple(step for step, _, _ in self._kept)

    def give(self, step: int) -> tuple[torch.Tensor, Callable[[], None] | None] | None:
        """Hand over the copy of ``step``; it is no longer kept here."""
        for k, (kept, buffer, arrived) in enumerate(self._kept):
            if kept == step:
                del self._kept[k]
                return buffer, arrived
        return None
