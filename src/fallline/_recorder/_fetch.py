"""Rows whose numbers are on a device, fetched in blocks: the loop never waits for its device.

A block is put together on the device, copied without blocking, and taken when an event behind the copy has passed.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

import torch

from fallline._recorder._device_gauge import DeviceReading
from fallline._recorder._hooks import Doubtful, Taken
from fallline._recorder._rows import Row
from fallline._records import SameBatchSeries

BLOCK_ROWS: Final = 256
BLOCK_SECONDS: Final = 0.1
"""Rows set out for the host after so many of them, or after so long."""

Whole = tuple[Row, SameBatchSeries | None]


class Transfer(Protocol):
    """Numbers on their way to the host."""

    def arrived(self) -> bool:
        """True where they are here; never waits."""

    def numbers(self) -> list[float]:
        """They; waits until they are here."""


class Copy:
    """A copy into pinned memory with an event behind it; where there is no such thing, one that waits."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._event: Any = None
        self._host = tensor
        if tensor.device.type == "cuda":
            self._host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._host.copy_(tensor, non_blocking=True)
            self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]  # PyTorch's own lacks annotations
            self._event.record(torch.cuda.current_stream(tensor.device))

    def arrived(self) -> bool:
        """True where the event has passed."""
        return self._event is None or self._event.query()

    def numbers(self) -> list[float]:
        """What was copied."""
        if self._event is not None:
            self._event.synchronize()
        found: list[float] = self._host.tolist()
        return found


class Waiting(NamedTuple):
    """A row with tensors in the places of its numbers."""

    row: Row
    doubtful: tuple[tuple[Doubtful, ...], ...]
    """[O]"""
    batch: SameBatchSeries | None


class Fetcher:
    """Gives rows back in order, some steps later, with numbers instead of tensors."""

    def __init__(self, begin: Callable[[torch.Tensor], Transfer] = Copy) -> None:
        self._begin = begin
        self._rows: list[Waiting] = []
        self._since = 0.0
        self._under_way: deque[tuple[list[Waiting], list[tuple[torch.device, Transfer]]]] = deque()

    def put(self, row: Row, taken: Sequence[Taken], batch: SameBatchSeries | None) -> None:
        """Take a row whose numbers are still on a device."""
        if not self._rows:
            self._since = time.perf_counter()
        self._rows.append(Waiting(row, tuple(each.doubtful for each in taken), batch))
        if len(self._rows) >= BLOCK_ROWS or time.perf_counter() - self._since > BLOCK_SECONDS:
            self._send()

    def arrived(self) -> Iterator[Whole]:
        """The rows that have arrived meanwhile."""
        while self._under_way and all(transfer.arrived() for _, transfer in self._under_way[0][1]):
            yield from _whole(*self._under_way.popleft())

    def rest(self) -> Iterator[Whole]:
        """All that are left; waits for them."""
        if self._rows:
            self._send()
        while self._under_way:
            yield from _whole(*self._under_way.popleft())

    def _send(self) -> None:
        rows, self._rows = self._rows, []
        by_device: dict[torch.device, list[torch.Tensor]] = {}
        for row in rows:
            for tensor in _tensors_of(row):
                by_device.setdefault(tensor.device, []).append(tensor.detach().reshape(-1))
        transfers = [
            (device, self._begin(torch.cat([tensor.to(_longest(device)) for tensor in tensors])))
            for device, tensors in by_device.items()
        ]
        self._under_way.append((rows, transfers))


def _longest(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _tensors_of(waiting: Waiting) -> Iterator[torch.Tensor]:
    """In a fixed order."""
    row = waiting.row
    for value in (row.loss, *row.rates):
        if isinstance(value, torch.Tensor):
            yield value
    for reading, doubtful in zip(row.readings, waiting.doubtful, strict=True):
        if isinstance(reading, DeviceReading):
            yield from reading.tensors
        for each in doubtful:
            if isinstance(each.reading, DeviceReading):
                yield from each.reading.tensors
            yield each.skipped


class _Numbers:
    """Hands out the numbers that have arrived, in the order in which their tensors set out."""

    def __init__(self, transfers: Sequence[tuple[torch.device, Transfer]]) -> None:
        self._of = {device: transfer.numbers() for device, transfer in transfers}
        self._next = dict.fromkeys(self._of, 0)

    def of(self, value: Any) -> Any:
        """What stands for ``value`` on the host."""
        if isinstance(value, DeviceReading):
            return value.on_host([self._take(tensor) for tensor in value.tensors])
        return self._take(value)[0] if isinstance(value, torch.Tensor) else value

    def _take(self, tensor: torch.Tensor) -> list[float]:
        start = self._next[tensor.device]
        self._next[tensor.device] = end = start + tensor.numel()
        return self._of[tensor.device][start:end]


def _whole(rows: Sequence[Waiting], transfers: Sequence[tuple[torch.device, Transfer]]) -> Iterator[Whole]:
    numbers = _Numbers(transfers)
    for row, doubtful, batch in rows:
        loss, rates = numbers.of(row.loss), tuple([numbers.of(rate) for rate in row.rates])
        updates, readings = [], []
        for made, reading, doubts in zip(row.updates, row.readings, doubtful, strict=True):
            found = numbers.of(reading)
            count = made
            for each in doubts:
                of_each, skipped = numbers.of(each.reading), numbers.of(each.skipped)
                if skipped == 0:
                    count, found = count + 1, of_each
            updates.append(count)
            readings.append(found)
        finite = all(math.isfinite(sum(each)) for each in readings if each is not None)
        yield Row(row.step, row.seconds, loss, rates, tuple(updates), tuple(readings), finite), batch
