"""What PyTorch's operations measure, and how it comes to the host: on the CPU, with a device that is slow."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from fallline._recorder import _begin, _device_gauge, _fetch, _hooks, _steps
from fallline._recorder._device_gauge import DeviceGauge, DeviceReading
from fallline._recorder._fetch import Copy, Fetcher
from fallline._recorder._hooks import Doubtful, Taken
from fallline._recorder._host_gauge import HostGauge
from fallline._recorder._rows import Row
from fallline._records import Recording
from gauge_oracle import by_layer, step


class SlowDevice:
    """Transfers that arrive when they are told to."""

    def __init__(self) -> None:
        self.begun: list[SlowTransfer] = []

    def __call__(self, tensor: torch.Tensor) -> "SlowTransfer":
        self.begun.append(SlowTransfer(tensor))
        return self.begun[-1]


class SlowTransfer:
    """One of them."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor, self.here, self.waited = tensor.clone(), False, False

    def arrived(self) -> bool:
        return self.here

    def numbers(self) -> list[float]:
        self.waited = not self.here
        return self.tensor.tolist()


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDevice]:
    """The CPU taken for a device."""
    device = SlowDevice()
    for module in (_device_gauge, _begin, _steps, _hooks):
        monkeypatch.setattr(module, "is_late", lambda _: True)
    monkeypatch.setattr(_begin, "gauge_of", lambda tensors, layers, _: DeviceGauge(tensors, layers))
    monkeypatch.setattr(_begin, "Fetcher", lambda: Fetcher(device))
    monkeypatch.setattr(_fetch, "BLOCK_ROWS", 3)
    monkeypatch.setattr(_fetch, "BLOCK_SECONDS", 1e9)
    return device


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.complex64, torch.complex128])
def test_half_and_complex_numbers(dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(2)
    tensors = (
        [
            nn.Parameter(torch.randn(shape, generator=random, dtype=torch.complex64).to(dtype))
            for shape in [(3, 2), (5,)]
        ]
        if dtype.is_complex
        else [nn.Parameter(torch.randn(shape, generator=random).to(dtype)) for shape in [(3, 2), (5,)]]
    )
    for tensor in tensors:
        tensor.grad = torch.randn_like(tensor)
    gauge = DeviceGauge(tensors, [1, 0])

    def move() -> None:
        with torch.no_grad():
            for tensor in tensors:
                tensor.sub_(0.01 * tensor.grad)

    found, expected = step(gauge, tensors, [1, 0], move)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert gauge.update[0].shape == (3, 2)
    assert gauge.update[0].is_complex() == dtype.is_complex


def test_an_update_of_half_precision_is_not_rounded_twice() -> None:
    tensor = nn.Parameter(torch.tensor([256.0, 1.0], dtype=torch.bfloat16))
    tensor.grad = torch.ones_like(tensor)
    gauge = DeviceGauge([tensor], [0])
    gauge.remember()
    gauge.consume(None)
    with torch.no_grad():
        tensor.copy_(torch.tensor([-1.0, 1.0078125]))
    gauge.read()
    assert gauge.update[0].tolist() == [-257.0, 0.0078125]  # 257 is no number of bfloat16


def test_it_agrees_with_the_gauge_of_the_host() -> None:
    random = torch.Generator().manual_seed(4)
    readings = []
    for kind in (HostGauge, DeviceGauge):
        random.manual_seed(4)
        tensors = [nn.Parameter(torch.randn(30, 40, generator=random)), nn.Parameter(torch.randn(40, generator=random))]
        for tensor in tensors:
            tensor.grad = torch.randn(tensor.shape, generator=random)
        optimizer = torch.optim.Adam(tensors, lr=0.01)
        readings.append(step(kind(tensors, [0, 1]), tensors, [0, 1], optimizer.step)[0])
    np.testing.assert_allclose(*readings, rtol=1e-5)


def test_the_reading_stays_on_the_device_as_one_tensor(late: SlowDevice) -> None:
    tensors = [nn.Parameter(torch.randn(4, 4)), nn.Parameter(torch.randn(4))]
    for tensor in tensors:
        tensor.grad = torch.randn_like(tensor)
    gauge = DeviceGauge(tensors, [0, 0])
    gauge.remember()
    gauge.consume(None)
    reading = gauge.read()
    assert isinstance(reading, DeviceReading)
    assert [tuple(tensor.shape) for tensor in reading.tensors] == [(8,)]
    host = by_layer(gauge, reading.on_host([reading.tensors[0].tolist()]))
    np.testing.assert_allclose(host[0, 0], sum(float(t.grad.double().square().sum()) for t in tensors), rtol=1e-6)
    assert not late.begun


def row(number: int, loss: object, *readings: object) -> Row:
    return Row(number, 0.0, loss, (torch.tensor(0.5),), (1,), readings)


def taken(*doubtful: Doubtful) -> list[Taken]:
    return [Taken(1, (0.5,), None, True, 0.0, doubtful)]


def test_rows_come_in_order_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fetch, "BLOCK_ROWS", 2)
    monkeypatch.setattr(_fetch, "BLOCK_SECONDS", 1e9)
    device = SlowDevice()
    fetcher = Fetcher(device)
    for number in range(5):
        reading = DeviceReading((torch.tensor([1.0, 2.0, 3.0, 4.0 + number]),), ((0,),))
        fetcher.put(row(number, torch.tensor(number / 4), reading), taken(), None)
        assert list(fetcher.arrived()) == []
    assert len(device.begun) == 2
    device.begun[1].here = True
    assert list(fetcher.arrived()) == []  # the one before it is not here yet
    device.begun[0].here = True
    assert [whole.step for whole, _ in fetcher.arrived()] == [0, 1, 2, 3]
    assert not any(transfer.waited for transfer in device.begun)
    ((last, _),) = fetcher.rest()
    assert last == Row(4, 0.0, 1.0, (0.5,), (1,), ([1.0, 4.0, 9.0, 8.0],), True)
    assert device.begun[2].waited
    assert list(fetcher.rest()) == []


def test_two_devices_and_a_number_that_is_not_finite() -> None:
    fetcher = Fetcher()
    found = DeviceReading((torch.tensor([1.0, 2, 3, 4]), torch.tensor([5.0, 6, float("nan"), 8])), ((1,), (0,)))
    fetcher.put(row(0, 3.0, found), taken(), None)
    ((whole, _),) = fetcher.rest()
    assert whole.readings[0][:4] == [25.0, 1.0, 36.0, 4.0]
    assert not whole.finite


def test_updates_that_only_the_device_knows_of() -> None:
    def reading(size: float) -> DeviceReading:
        return DeviceReading((torch.full((4,), size),), ((0,),))

    fetcher = Fetcher()
    made, skipped = torch.tensor(0.0), torch.tensor(1.0)
    fetcher.put(row(0, 1.0, None)._replace(updates=(0,)), taken(Doubtful(reading(9.0), skipped)), None)
    fetcher.put(
        row(1, 1.0, None)._replace(updates=(0,)),
        taken(Doubtful(reading(2.0), made), Doubtful(reading(3.0), made), Doubtful(reading(4.0), skipped)),
        None,
    )
    (first, _), (second, _) = fetcher.rest()
    assert (first.updates, first.readings) == ((0,), (None,))
    assert (second.updates, second.readings) == ((2,), ([9.0, 9.0, 9.0, 3.0],))


def test_a_copy_that_needs_no_event() -> None:
    copy = Copy(torch.tensor([1.0, 2.0]))
    assert copy.arrived()
    assert copy.numbers() == [1.0, 2.0]


def recorded(path: Path, device: SlowDevice | None) -> Recording:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x = torch.randn(8, 3)
    with fl.watch(model, optimizer, run=path, quiet=True) as watch:
        for number in range(20):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            watch.step(loss)
            loss.detach().zero_()  # the row holds a copy
            if device is not None and number == 12:
                for transfer in device.begun:
                    transfer.here = True
    return fl.load(path)


@pytest.mark.slow
def test_a_watch_on_a_slow_device_records_the_same(late: SlowDevice, tmp_path: Path) -> None:
    slow = recorded(tmp_path / "slow.db", late)
    with pytest.MonkeyPatch.context() as undone:
        for module in (_device_gauge, _begin, _steps, _hooks):
            undone.setattr(module, "is_late", lambda _: False)
        fast = recorded(tmp_path / "fast.db", None)
    assert slow.steps.step.tolist() == list(range(20))
    for column in ("loss", "gradient_norm", "update_norm", "parameter_norm", "first_order_change"):
        np.testing.assert_allclose(getattr(slow.steps, column), getattr(fast.steps, column), rtol=1e-6)
    assert [transfer.waited for transfer in late.begun] == [False] * 4 + [True] * (len(late.begun) - 4)
    assert slow.layers.step.tolist() == fast.layers.step.tolist()
