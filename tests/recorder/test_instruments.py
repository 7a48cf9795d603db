"""When parts, effective steps and snapshots are taken in a loop, and what becomes of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fallline._errors import FalllineWarning
from fallline._recorder import watch
from fallline._recorder._guard import Guard
from fallline._recorder._host_gauge import HostGauge
from fallline._recorder._instruments import IntervalInstruments, PartsOfUpdates, _on_host, parts_of
from fallline._recorder._parts_of_update import SUMS
from fallline._recorder._snapshots import Copies
from fallline._recorder._split_update import UpdateSplitter
from fallline._records import EffectiveSeries, PartSeries, Recording, Snapshot
from fallline._store import read_recording, read_snapshot
from paced import Booked, Numbered


class Holding:
    """Hooks whose gauge holds an update, or does not."""

    holds = True


class Splitting(UpdateSplitter):
    """A splitter that only counts, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count, self.error = 0, error

    def split(self) -> np.ndarray:
        self.count += 1
        if self.error is not None:
            raise self.error
        sums = np.zeros((1, SUMS))
        sums[0, [0, 5, 10]] = 4.0 * self.count**2
        return sums


def parts(pace: Booked, splitters: Sequence[Splitting], hooks: Sequence[Holding] | None = None) -> PartsOfUpdates:
    layers = [np.array([0])] * len(splitters)
    listening = [Holding() for _ in splitters] if hooks is None else hooks
    return PartsOfUpdates(listening, splitters, layers, 1, pace=pace, guard=Guard())


def rows(taken: Sequence[Any]) -> list[PartSeries]:
    return [each for each in taken if isinstance(each, PartSeries)]


def test_measured_where_it_is_due() -> None:
    pace, splitting = Booked(1), Splitting()
    instruments = IntervalInstruments(parts(pace, [splitting]))
    found = []
    for step in range(3):
        assert instruments.prepare(step) is (step == 1)
        instruments.before_update()
        instruments.after_update(0)
        found += rows(instruments.take(step))
    assert splitting.count == 1
    assert pace.booked == ["parts"]
    assert [row.step.tolist() for row in found] == [[1]]
    assert found[0].norm.tolist() == [[[2.0, 0.0, 0.0, 0.0, 0.0]]]
    assert found[0].share.tolist() == [[[1.0, 0.0, 0.0, 0.0, 0.0]]]


def test_a_due_step_without_an_update_hands_it_on() -> None:
    """Gradient accumulation: rows 0, 1, 2 have no update, row 3 has."""
    pace = Booked(0)
    instruments = IntervalInstruments(parts(pace, [Splitting()]))
    found = []
    for step in range(5):
        assert instruments.prepare(step) is (step <= 3)
        if step == 3:
            instruments.after_update(0)
        found += rows(instruments.take(step))
    assert [row.step.tolist() for row in found] == [[3]]


def test_of_several_updates_in_one_row_the_last_counts() -> None:
    instruments = IntervalInstruments(parts(Booked(0), [Splitting(), Splitting()]))
    instruments.prepare(0)
    for which in (0, 0, 0):
        instruments.after_update(which)
    (row,) = rows(instruments.take(0))
    assert row.norm[0, :, 0].tolist() == [6.0, 0.0]
    assert row.measured.tolist() == [[True, False]]


def test_nothing_is_read_that_the_gauge_does_not_hold() -> None:
    listening, splitting = Holding(), Splitting()
    listening.holds = False
    instruments = IntervalInstruments(parts(Booked(0), [splitting], [listening]))
    instruments.prepare(0)
    instruments.after_update(0)
    assert instruments.take(0) == ()
    assert splitting.count == 0


def test_what_breaks_is_switched_off_and_said_once() -> None:
    instrument = parts(Booked(*range(9)), [Splitting(ValueError("odd"))])
    instruments = IntervalInstruments(instrument)
    instruments.prepare(0)
    with pytest.warns(FalllineWarning, match="the parts of an update could not be measured: ValueError: odd"):
        instruments.after_update(0)
    assert instruments.take(0) == ()
    for step in range(1, 4):
        assert instruments.prepare(step) is False
        instruments.after_update(0)
        assert instruments.take(step) == ()
    assert len(instrument.guard.said) == 1


def test_an_update_of_nothing_has_no_shares() -> None:
    row = parts_of(3, [np.zeros((2, SUMS)), np.full((1, SUMS), np.nan)], [True, True])
    assert row.measured.tolist() == [[False, True]]
    assert np.isnan(row.share[0, 1]).all()


def test_without_room_nothing_is_done() -> None:
    instruments = IntervalInstruments()
    instruments.before_update()
    assert instruments.prepare(0) is False
    instruments.after_update(0)
    assert instruments.take(0) == instruments.last(0) == ()
    assert instruments.kept_before(3) is None


@pytest.mark.parametrize("broken", ["parts", "snapshots"])
def test_one_that_breaks_leaves_the_other(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, pace = Numbered(1 << 20), Booked(*range(6))
    instruments = IntervalInstruments(parts(pace, [Splitting()]), run.snapshots)

    def odd(*_: Any) -> Any:
        raise ValueError("odd")

    if broken == "parts":
        monkeypatch.setattr(PartsOfUpdates, "_rows", odd)
    else:
        monkeypatch.setattr(Copies, "take", odd)

    def four_steps() -> list[Any]:
        found: list[Any] = []
        for step in range(4):
            instruments.prepare(step)
            instruments.before_update()
            instruments.after_update(0)
            found += instruments.take(step)
        return [*found, *instruments.last(3)]

    with pytest.warns(FalllineWarning, match="could not be measured: ValueError: odd"):
        found = four_steps()
    other = Snapshot if broken == "parts" else PartSeries
    assert [type(each) for each in found] == [other] * (5 if broken == "parts" else 4)
    if broken == "parts":
        assert instruments.prepare(4) is False


def test_what_breaks_beside_the_loop_is_said_and_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a device the sums arrive in the scribe's thread."""

    def lost() -> None:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr("fallline._recorder._instruments.arrival", lambda _: lost)
    instrument = parts(Booked(0), [Splitting()])
    instruments = IntervalInstruments(instrument)
    instruments.prepare(0)
    instruments.after_update(0)
    (later,) = instruments.take(0)
    with pytest.warns(FalllineWarning, match="the device is gone"):
        assert later() == ()
    assert instruments.prepare(1) is False


def test_sums_are_widened_on_the_host() -> None:
    """MPS has no float64."""
    asked: list[str] = []

    class Narrow:
        def cpu(self) -> torch.Tensor:
            asked.append("cpu")
            return torch.ones(1, SUMS)

    assert _on_host(Narrow()).dtype == np.float64
    assert asked == ["cpu"]


def test_the_record_of_a_real_loop(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    first = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizers = [torch.optim.SGD(model[0].parameters(), 0.1, momentum=0.9), torch.optim.Adam(model[2].parameters())]
    recording, last = recorded(model, optimizers, tmp_path / "a.db")
    assert recording.parts.step[:3].tolist() == [0, 1, 2]
    np.testing.assert_allclose(recording.parts.share.sum(axis=2), 1.0, rtol=1e-4)
    assert (recording.parts.norm[:, :, 4] < 1e-4 * recording.parts.norm.sum(axis=2)).all()
    assert (recording.parts.norm[:, 0, 2] == 0).all()
    assert (recording.parts.norm[1:, 1, 2] > 0).all()
    assert recording.effective.step.tolist() == recording.parts.step.tolist()
    assert recording.effective.measured.tolist() == [[False, True]] * len(recording.parts)
    assert recording.snapshots[:4] == (-1, 0, 1, 2)
    assert recording.snapshots[-1] == 39
    for step, values in ((-1, first), (39, last)):
        for name, value in read_snapshot(tmp_path / "a.db", step).items():
            assert value.tobytes() == values[name].numpy().tobytes()
    assert {"parts", "snapshots"} <= set(recording.summary.cost.by_instrument)


def recorded(
    model: nn.Module, optimizers: list[torch.optim.Optimizer], path: Path, every: int = 1, **settings: Any
) -> tuple[Recording, dict[str, torch.Tensor]]:
    """40 rows, an update at every so many."""
    torch.manual_seed(0)
    x = torch.randn(16, 3)
    with watch(model, optimizers, run=path, quiet=True, **settings) as watching:
        for step in range(40):
            loss = model(x).square().mean()
            loss.backward()
            if step % every == every - 1:
                for optimizer in optimizers:
                    optimizer.step()
                    optimizer.zero_grad()
            watching.step(loss)
    return read_recording(path), {name: value.detach().clone() for name, value in model.named_parameters()}


def test_parts_under_gradient_accumulation(tmp_path: Path) -> None:
    model = nn.Linear(3, 1)
    recording, _ = recorded(model, [torch.optim.SGD(model.parameters(), 0.01)], tmp_path / "a.db", every=4)
    assert set(recording.parts.step % 4) == {3}
    assert recording.parts.measured.all()


def test_without_memory_only_losses_are_kept(tmp_path: Path) -> None:
    model = nn.Linear(3, 1)
    recording, _ = recorded(model, [torch.optim.Adam(model.parameters())], tmp_path / "a.db", memory=0)
    assert recording.steps.loss_measured.all()
    assert not recording.steps.measured.any()
    assert (recording.steps.updates == 1).all()
    assert len(recording.parts) == len(recording.effective) == len(recording.snapshots) == 0
    assert recording.header.instruments.memory_used == 0
    assert len(recording.header.instruments.left_out) == 5


def test_two_gauges_of_one_loop(tmp_path: Path) -> None:
    """The parts are those of a splitter by itself."""
    torch.manual_seed(1)
    tensor = nn.Parameter(torch.randn(5))
    optimizer = torch.optim.AdamW([tensor])
    gauge = HostGauge([tensor], [0])
    instrument = PartsOfUpdates(
        [Holding()], [UpdateSplitter(optimizer, [tensor], gauge)], [np.array([0])], 1, pace=Booked(0), guard=Guard()
    )
    instruments = IntervalInstruments(instrument)
    instruments.prepare(0)
    tensor.grad = torch.randn(5)
    gauge.remember()
    gauge.consume(None)
    before = tensor.detach().clone()
    optimizer.step()
    gauge.read()
    instruments.after_update(0)
    row, effective = instruments.take(0)
    assert isinstance(row, PartSeries)
    assert isinstance(effective, EffectiveSeries)
    update = (tensor.detach() - before).double()
    decay = -1e-3 * 1e-2 * before.double()
    assert row.norm[0, 0, 3] == pytest.approx(decay.norm().item(), rel=1e-5)
    assert row.share[0, 0, 3] == pytest.approx((decay @ update / (update @ update)).item(), rel=1e-4)
