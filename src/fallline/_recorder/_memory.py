"""What fits into the memory that a watch may take: planned before the first step, and said in the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from fallline._recorder._host_gauge import FEW_PIECES, PIECE, readable
from fallline._recorder._rows import row_bytes
from fallline._recorder._snapshots import left_out as snapshots_left_out
from fallline._recorder._snapshots import on_their_way
from fallline._recorder._split_update import CPU_TENSOR_STRETCH, DEVICE_STRETCH, HOST_STRETCH
from fallline._wording import megabytes

WAITING_SHARE: Final = 8
"""One part in so many of the memory is for rows that wait to be written."""
WAITING_LEAST: Final = 4 << 20
"""But so many bytes at least, or half of the memory: a disk that is in order must not cost a step."""
HOST_COPIES: Final = 2
"""Of all numbers in the widest dtype among them: the gradient, and the update."""
DEVICE_COPIES: Final = 4
"""Of all numbers: the gradient, the update, and two for their product."""
NARROWEST: Final = 4
"""Bytes of a number that a gauge keeps: half precision is widened."""
RECENT_COPIES: Final = 2
ALIVE: Final = 14
"""Arrays of one stretch that exist at a time while an update is split."""

WAITING = "rows waiting to be written"
NORMS = "norms"
LAST_STEPS = "the last steps"
SAME_BATCH = "the loss on the same batch"
SHARPNESS = "the sharpness"
PARTS = "parts of an update and effective steps"
SNAPSHOTS = "parameter snapshots on their way"
RECENT = "the parameters from before an alarm"


@dataclass(frozen=True)
class Sizes:
    """What the plan depends on, in bytes unless told otherwise."""

    parameters: int
    gauges: int
    """Of what the norms are taken from."""
    same_batch: int
    """Of what the measurement on the same batch keeps, as it says itself."""
    stretch: int
    """Of the longest stretch of numbers that is worked on at a time."""
    columns: int
    """How many sums of each kind a step's reading has."""
    sharpness: int | None = None
    """Of the vectors that a measurement of the sharpness takes; None where none is asked for."""


@dataclass(frozen=True)
class MemoryPlan:
    """Which instruments have room, and what each takes at most."""

    bytes: Mapping[str, int]
    """By instrument, of those that have room."""
    left_out: tuple[str, ...]
    """A sentence for each of the others."""

    @property
    def total(self) -> int:
        """All together."""
        return sum(self.bytes.values())

    def has(self, instrument: str) -> bool:
        """True where there is room for it."""
        return instrument in self.bytes


def sizes_of(tensors: Sequence[nn.Parameter], *, parts: int, same_batch: int, sharpness: int | None = None) -> Sizes:
    """Of the watched parameters, which are so many ``parts`` of layers.

    >>> sizes_of(list(nn.BatchNorm1d(3).parameters()), parts=1, same_batch=100)
    Sizes(parameters=24, gauges=48, same_batch=100, stretch=12, columns=1, sharpness=None)
    """
    longest = 0
    for tensor in tensors:
        on_host = tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64)
        length = HOST_STRETCH if on_host else CPU_TENSOR_STRETCH if tensor.device.type == "cpu" else DEVICE_STRETCH
        longest = max(longest, min(tensor.numel(), length) * (tensor.element_size() if on_host else 8))
    gauges, columns = _gauges(tensors, parts)
    return Sizes(
        parameters=sum(map(_nbytes, tensors)),
        gauges=gauges,
        same_batch=same_batch,
        stretch=longest,
        columns=columns,
        sharpness=sharpness,
    )


def _gauges(tensors: Sequence[nn.Parameter], parts: int) -> tuple[int, int]:
    """What the gauges take, and how many columns their readings have, at most."""
    count = sum(tensor.numel() for tensor in tensors)
    if readable(tensors):
        widest = max((tensor.element_size() for tensor in tensors), default=0)
        pieces = parts + count // PIECE
        return HOST_COPIES * max(NARROWEST, widest) * count, pieces if pieces <= FEW_PIECES else max(parts, FEW_PIECES)
    wide = sum(max(NARROWEST, tensor.element_size()) * tensor.numel() for tensor in tensors)
    return DEVICE_COPIES * wide, len(tensors)


def plan_memory(sizes: Sizes, allowed: int, *, ring: int, snapshots: int) -> MemoryPlan:
    """What has room, the most important first.

    Args:
        sizes: of the model.
        allowed: bytes that all buffers together may take.
        ring: steps that the flight recorder holds.
        snapshots: bytes that snapshots may take in the file.

    >>> plan = plan_memory(Sizes(80_000_000, 240_000_000, 320_000_000, 65_536, 6), 300_000_000, ring=100, snapshots=0)
    >>> plan.has(NORMS), plan.has(SAME_BATCH), plan.left_out[0]
    (True, False, 'The loss on the same batch is not measured: it needs 320 MB; of memory= (300 MB) 22 MB are left.')
    """
    planned = {WAITING: max(allowed // WAITING_SHARE, min(allowed // 2, WAITING_LEAST))}
    said: list[str] = []

    def fit(instrument: str, needed: int, sentence: str) -> bool:
        left = allowed - sum(planned.values())
        if needed <= left:
            planned[instrument] = needed
            return True
        said.append(f"{sentence} {megabytes(needed)}; of memory= ({megabytes(allowed)}) {_left(left)} left.")
        return False

    norms = fit(NORMS, sizes.gauges, "Gradient, update and parameter norms are not measured: they need")
    row = row_bytes(sizes.columns if norms else 0)
    fit(LAST_STEPS, ring * row, f"The last {ring:,} steps are not kept for an alarm: they need")
    fit(SAME_BATCH, sizes.same_batch, "The loss on the same batch is not measured: it needs")
    if sizes.sharpness is not None:
        fit(SHARPNESS, sizes.sharpness, "The sharpness is not tracked: it needs")
    if norms:
        fit(PARTS, ALIVE * sizes.stretch, "Parts of an update and effective steps are not measured: they need")
    else:
        said.append("Parts of an update and effective steps are not measured: they need what the norms are taken from.")
    none = snapshots_left_out(snapshots, sizes.parameters)
    if none is not None:
        said.append(none)
    elif fit(SNAPSHOTS, on_their_way(sizes.parameters, snapshots), "Parameters are not kept: they need"):
        fit(RECENT, RECENT_COPIES * sizes.parameters, "Parameters from before an alarm are not kept: they need")
    return MemoryPlan(planned, tuple(said))


def _left(count: int) -> str:
    return f"{megabytes(count)} are" if count > 0 else "nothing is"


def _nbytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
