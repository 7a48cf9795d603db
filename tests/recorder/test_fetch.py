"""Rows on a device that fails, and the user's own numbers among them: on the CPU, taken for a device."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import fallline as fl
from fallline._recorder import _begin, _device_gauge, _fetch, _hooks, _steps
from fallline._recorder._device_gauge import DeviceGauge
from fallline._recorder._fetch import Copy, Fetcher
from fallline._records import EventKind, Recording

pytestmark = pytest.mark.filterwarnings("ignore::fallline.FalllineWarning")


class Faulty:
    """Transfers of which some cannot begin, or not be read."""

    def __init__(self, begins: set[int] = frozenset(), arrives: set[int] = frozenset(), reads: set[int] = frozenset()):
        self._faults, self.begun = (begins, arrives, reads), 0

    def __call__(self, tensor: torch.Tensor) -> Copy:
        self.begun += 1
        begins, arrives, reads = (self.begun in faults for faults in self._faults)
        if begins:
            raise RuntimeError("no pinned memory")
        copy = Copy(tensor.clone())
        if arrives:
            copy.arrived = broken
        if reads:
            copy.numbers = broken
        return copy


def broken() -> None:
    raise RuntimeError("the device is gone")


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for module in (_device_gauge, _begin, _steps, _hooks):
        monkeypatch.setattr(module, "is_late", lambda _: True)
    monkeypatch.setattr(_begin, "gauge_of", lambda tensors, layers, _: DeviceGauge(tensors, layers))
    monkeypatch.setattr(_fetch, "BLOCK_ROWS", 10)
    monkeypatch.setattr(_fetch, "BLOCK_SECONDS", 1e9)
    monkeypatch.setattr(_fetch, "PAUSE_SECONDS", 1e9)
    return monkeypatch


def recorded(late: pytest.MonkeyPatch, path: Path, device: Faulty, steps: int = 100) -> Recording:
    late.setattr(_begin, "Fetcher", lambda: Fetcher(device))
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with fl.watch(model, optimizer, run=path, quiet=True) as watch:
        for step in range(steps):
            optimizer.zero_grad()
            loss = model(torch.ones(4, 3)).square().mean()
            loss.backward()
            optimizer.step()
            watch.step(loss)
            watch.log(step=torch.tensor(float(step)), twice=2 * step)
    return fl.load(path)


def gaps(recording: Recording) -> list[str]:
    return [event.text for event in recording.events if event.kind is EventKind.GAP]


def test_a_block_that_cannot_set_out_is_tried_again(late: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = recorded(late, tmp_path / "a.db", Faulty(begins={2}))
    assert found.steps.step.tolist() == list(range(100))
    assert gaps(found) == []
    assert any(
        "some rows that are on a device (gaps are marked) could not be measured" in event.text for event in found.events
    )


@pytest.mark.slow
def test_rows_that_never_set_out_are_a_gap(late: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = recorded(late, tmp_path / "a.db", Faulty(begins={2, 3, 4, 5}))
    (gap,) = gaps(found)
    assert gap == "Steps 10 to 49 are missing: their numbers could not be fetched from their device."
    assert found.steps.step.tolist() == [*range(10), *range(50, 100)]
    assert found.summary.steps == 60


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["arrives", "reads"])
def test_a_block_that_does_not_come_back_is_a_gap(fault: str, late: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = recorded(late, tmp_path / "a.db", Faulty(**{fault: {3}}))
    (gap,) = gaps(found)
    assert gap.startswith("Steps 20 to 29 are missing: ")
    assert len(found) == 90


def test_the_last_block_is_lost(late: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = recorded(late, tmp_path / "a.db", Faulty(reads={3}), steps=25)
    assert gaps(found) == ["Steps 20 to 24 are missing: their numbers could not be fetched from their device."]


@pytest.mark.slow
def test_numbers_of_the_user_travel_with_the_rows(late: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as strict:
        strict.setattr(torch.Tensor, "item", broken)
        found = recorded(late, tmp_path / "a.db", Faulty())
    assert found.logged["step"].step.tolist() == found.logged["step"].value.tolist() == list(range(100))
    assert found.logged["twice"].value.tolist() == list(range(0, 200, 2))


def test_a_loss_that_is_no_number_is_left_out(late: pytest.MonkeyPatch, tmp_path: Path) -> None:
    late.setattr(_begin, "Fetcher", lambda: Fetcher(Faulty()))
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with fl.watch(model, optimizer, run=tmp_path / "a.db", quiet=True) as watch:
        for loss in (torch.ones(2), torch.tensor(1j), torch.tensor(1.0, device="meta"), torch.tensor([0.5])):
            model(torch.ones(4, 3)).square().mean().backward()
            optimizer.step()
            watch.step(loss)
    steps = fl.load(tmp_path / "a.db").steps
    assert steps.loss_measured.tolist() == [False, False, False, True]
    assert steps.loss[3] == 0.5


def test_pinned_memory_is_of_the_host_whatever_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class OfDevice:
        shape, dtype, device = (2,), torch.float64, torch.device("cuda", 0)

    class Moment:
        def record(self, _: object) -> None:
            """Nothing happens."""

    def empty(*shape: object, **options: object) -> torch.Tensor:
        asked.append(options)
        raise EOFError

    monkeypatch.setattr(torch, "empty", empty)
    with pytest.raises(EOFError):
        Copy(OfDevice())
    assert asked[0]["device"] == "cpu"
