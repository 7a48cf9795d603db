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
from fallline._recorder._guard import Guard, guarded
from fallline._recorder._hooks import Doubtful, Taken
from fallline._recorder._rows import Row
from fallline._records import Logged, SameBatchSeries

BLOCK_ROWS: Final = 256
BLOCK_SECONDS: Final = 0.1
"""Rows set out for the host after so many of them, or after so long."""

PAUSE_SECONDS: Final = 1.0
TRIES: Final = 4
"""After a failure it is tried again when so long has passed or a block more has come; after so many blocks no more."""
FETCHED: Final = "some rows that are on a device (gaps are marked)"
LOST: Final = "their numbers could not be fetched from their device"

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
            self._host = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu", pin_memory=True)
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


class Late(NamedTuple):
    """One of the user's own numbers."""

    name: str
    step: int
    value: torch.Tensor | float


class Waiting(NamedTuple):
    """A row with tensors in the places of its numbers."""

    row: Row
    doubtful: tuple[tuple[Doubtful, ...], ...]
    """[O]"""
    batch: SameBatchSeries | None


class Block(NamedTuple):
    """What set out together."""

    rows: list[Waiting]
    logged: list[Late]
    transfers: list[tuple[torch.device, Transfer]]


class Fetcher:
    """Gives rows back in order, some steps later, with numbers instead of tensors."""

    def __init__(self, begin: Callable[[torch.Tensor], Transfer] = Copy) -> None:
        self.guard = Guard()
        """Told of what could not be fetched."""
        self.lost_to: int | None = None
        """The last step whose row is lost, where one is."""
        self._begin = begin
        self._rows: list[Waiting] = []
        self._logged: list[Late] = []
        self._arrived: list[Logged] = []
        self._since = 0.0
        self._patience = 0
        self._under_way: deque[Block] = deque()

    def put(self, row: Row, taken: Sequence[Taken], batch: SameBatchSeries | None) -> None:
        """Take a row whose numbers are still on a device."""
        if not self._rows:
            self._since, self._patience = time.perf_counter(), BLOCK_ROWS
        self._rows.append(Waiting(row, tuple(each.doubtful for each in taken), batch))
        if len(self._rows) >= self._patience or time.perf_counter() - self._since > BLOCK_SECONDS:
            self._send()

    def log(self, name: str, step: int, value: torch.Tensor | float) -> None:
        """Take one of the user's own numbers; it comes back with the rows."""
        self._logged.append(Late(name, step, value))
        if len(self._logged) >= BLOCK_ROWS and not self._rows:
            self._send()

    def take_logged(self) -> list[Logged]:
        """The user's own numbers that have arrived."""
        arrived, self._arrived = self._arrived, []
        return arrived

    def arrived(self) -> Iterator[Whole]:
        """The rows that have arrived meanwhile."""
        while self._under_way:
            here = self._is_here(self._under_way[0])
            if here is False:
                return
            yield from self._next(readable=here is True)

    def rest(self) -> Iterator[Whole]:
        """All that are left; waits for them."""
        if self._rows or self._logged:
            self._send()
            self._give_up()
        while self._under_way:
            yield from self._next(readable=True)

    def _next(self, *, readable: bool) -> list[Whole]:
        """The rows of the first block; it is let go of afterwards."""
        block = self._under_way[0]
        found = self._read(block) if readable else None
        self._under_way.popleft()
        if found is None:
            self._lose(block.rows)
            return []
        rows, logged = found
        self._arrived += logged
        return rows

    def _send(self) -> None:
        """Set everything out for the host; where that fails it is tried again a few times, with what came since."""
        if self._set_out() is not True:
            self._since = time.perf_counter() + PAUSE_SECONDS
            self._patience += BLOCK_ROWS
            if self._patience > TRIES * BLOCK_ROWS or not self._rows:
                self._give_up()

    def _give_up(self) -> None:
        self._lose(self._rows)
        self._rows, self._logged = [], []

    def _lose(self, rows: Sequence[Waiting]) -> None:
        if rows:
            self.lost_to = rows[-1].row.step

    @guarded(FETCHED, tries_again=True)
    def _set_out(self) -> bool:
        by_device: dict[torch.device, list[torch.Tensor]] = {}
        for tensor in _tensors_of(self._rows, self._logged):
            by_device.setdefault(tensor.device, []).append(tensor.detach().reshape(-1))
        transfers = [
            (device, self._begin(torch.cat([tensor.to(_longest(device)) for tensor in tensors])))
            for device, tensors in by_device.items()
        ]
        self._under_way.append(Block(self._rows, self._logged, transfers))
        self._rows, self._logged = [], []
        return True

    @guarded(FETCHED, tries_again=True)
    def _is_here(self, block: Block) -> bool:
        """None where its device cannot say any more."""
        return all(transfer.arrived() for _, transfer in block.transfers)

    @guarded(FETCHED, tries_again=True)
    def _read(self, block: Block) -> tuple[list[Whole], list[Logged]]:
        numbers = _Numbers(block.transfers)
        rows = [_whole(waiting, numbers) for waiting in block.rows]
        return rows, [Logged(name, step, float(numbers.of(value))) for name, step, value in block.logged]


def _longest(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _tensors_of(rows: Sequence[Waiting], logged: Sequence[Late]) -> Iterator[torch.Tensor]:
    """In a fixed order."""
    for waiting in rows:
        yield from _tensors_of_row(waiting)
    for late in logged:
        if isinstance(late.value, torch.Tensor):
            yield late.value


def _tensors_of_row(waiting: Waiting) -> Iterator[torch.Tensor]:
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


def _whole(waiting: Waiting, numbers: _Numbers) -> Whole:
    row, doubtful, batch = waiting
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
    return Row(row.step, row.seconds, loss, rates, tuple(updates), tuple(readings), finite), batch
