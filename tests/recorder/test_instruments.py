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
from fallline._recorder._instruments import IntervalInstruments, PartsOfUpdates, Snapshots, parts_of
from fallline._recorder._parts_of_update import SUMS
from fallline._recorder._snapshots import START, Allowance, Copies
from fallline._recorder._split_update import UpdateSplitter
from fallline._records import Alarm, EffectiveSeries, Flight, PartSeries, Recording, Snapshot, Trigger
from fallline._store import read_recording, read_snapshot


class Booked:
    """A pace that is due at chosen steps."""

    def __init__(self, *steps: int) -> None:
        self.steps, self.booked = set(steps), []

    def due(self, instrument: str, step: int) -> bool:
        assert instrument == "parts"
        return step in self.steps

    def spent(self, instrument: str, seconds: float) -> None:
        assert seconds >= 0
        self.booked.append(instrument)


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


class Numbered:
    """One parameter that holds the number of the step; its snapshots."""

    def __init__(self, budget: int, *, spacing: int | None = None, first_step: int = 0, size: int = 1) -> None:
        self.tensor = nn.Parameter(torch.full((size,), first_step - 1.0))
        copies = Copies([self.tensor])
        self.pace = Booked()
        self.snapshots = Snapshots(
            copies,
            Allowance(budget, copies.size),
            spacing=spacing,
            pace=self.pace,
            guard=Guard(),
            first_step=first_step,
        )
        self.instruments = IntervalInstruments(snapshots=self.snapshots)
        self.step = first_step
        self.found: dict[int, float] = {}

    def go(self, steps: int) -> None:
        for _ in range(steps):
            self.instruments.prepare(self.step)
            self.instruments.before_update()
            self.tensor.data.fill_(float(self.step))
            self.keep(self.instruments.take(self.step))
            self.step += 1

    def keep(self, taken: Sequence[Any]) -> None:
        for snapshot in taken:
            assert isinstance(snapshot, Snapshot)
            assert snapshot.step not in self.found
            self.found[snapshot.step] = float(snapshot.values.view(np.float32)[0])

    def end(self) -> None:
        self.keep(self.instruments.last(self.step - 1))


def test_start_schedule_and_end() -> None:
    run = Numbered(4 * 29)
    run.go(100)
    run.end()
    assert run.found == {step: float(step) for step in (-1, 0, 1, 2, 4, 8, 16, 32, 64, 99)}
    assert set(run.pace.booked) == {"snapshots"}


def test_start_and_end_alone() -> None:
    run = Numbered(4 * 2, spacing=5)
    run.go(50)
    run.end()
    assert list(run.found) == [START, 49]
    assert run.instruments.kept_before(49) is None  # no room left for it in the file


def test_the_end_is_kept_once() -> None:
    run = Numbered(4 * 29)
    run.go(9)
    run.end()
    assert list(run.found) == [-1, 0, 1, 2, 4, 8]


def test_a_loop_without_an_update_has_no_snapshots() -> None:
    run = Numbered(4 * 29)
    assert run.instruments.take(0) == ()
    assert run.instruments.last(0) == ()


def test_the_budget_holds_however_long_it_goes() -> None:
    for room in (3, 6, 11, 40):
        run = Numbered(4 * room)
        run.go(3_000)
        run.end()
        assert len(run.found) <= room


def test_a_resumed_run_goes_on_with_the_schedule() -> None:
    run = Numbered(4 * 29, first_step=20)
    run.go(60)
    run.end()
    assert run.found == {32: 32.0, 64: 64.0, 79: 79.0}
    assert run.snapshots._allowance.left == 29 - len([-1, 0, 1, 2, 4, 8, 16]) - 3


def test_no_snapshot_while_others_wait_to_be_written() -> None:
    """Large ones: two may wait; the next is taken when there is room, of the step that it is then."""
    run = Numbered(1 << 30, size=1 << 22)
    held: list[Any] = []
    run.instruments.before_update()
    for step in range(6):
        held += run.instruments.take(step)
    assert [snapshot.step for snapshot in held] == [START, 0]
    held.clear()
    assert [snapshot.step for snapshot in run.instruments.take(6)] == [6]


def alarm(step: int, snapshot_step: int | None) -> Alarm:
    nothing = np.zeros(0)
    none = np.zeros(0, dtype=np.bool_)
    flight = Flight(nothing.astype(np.int64), nothing, *[nothing[:, None]] * 3, none[:, None], none)
    trigger = Trigger.LOSS_NOT_FINITE
    return Alarm(step, trigger, None, "loss", step, None, None, None, (), flight, snapshot_step)


@pytest.mark.parametrize("broke", [1, 7, 30, 57, 99])
def test_the_parameters_from_before_an_alarm(broke: int) -> None:
    run = Numbered(4 * 29, spacing=10)
    run.go(broke + 1)
    step = run.instruments.kept_before(broke)
    assert step is not None
    assert step < broke
    assert broke - step <= 20
    run.keep(run.instruments.from_before(alarm(broke, step)))
    assert run.found[step] == float(step)


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
    assert {"parts", "snapshots"} <= set(recording.summary.cost.by_instrument)  # type: ignore[union-attr]


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
