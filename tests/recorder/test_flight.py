"""docs/semantics.md#alarms"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import fallline as fl
from fallline._recorder._flight import MOST_ALARMS, MOST_SPIKES
from fallline._recorder._recent_range import WINDOW
from fallline._recorder._rows import Row
from fallline._records import Cause, EventKind, Outcome, Recording, Trigger
from recorder_rows import Flown, measured, row

Turn = Callable[[int], torch.Tensor]


def calm(steps: int, begin: int = 0) -> list:
    return [row(step, 1.0) for step in range(begin, begin + steps)]


# -- made by hand ----------------------------------------------------------------------------------------------------


def test_calm_rows_set_nothing_off() -> None:
    flown = Flown()
    assert flown.fly(calm(500)) == []
    assert not flown.recorder.alarmed
    assert flown.marks == []


SEGMENTS = st.lists(
    st.tuples(
        st.sampled_from(["noise", "falling", "spike", "leap", "missing", "nan", "inf", "minus inf", "broken", "rate"]),
        st.integers(1, 150),
        st.sampled_from([1e-8, 0.3, 1.0, 1.0, 3.0, 40.0, 1e6, 1e308, 0.0, -2.0]),
    ),
    min_size=1,
    max_size=8,
)


def course(segments: Sequence[tuple[str, int, float]], seed: int) -> list[Row]:
    """Rows of a loop whose loss goes through these segments: of a kind, a length, a height."""
    random, rows = np.random.default_rng(seed), list[Row]()
    rate = 0.1
    for kind, length, height in segments:
        losses: list[float | None] = (height * (1 + 0.1 * random.normal(size=length))).tolist()
        if kind == "falling":
            losses = (height * np.exp(-np.arange(length) / 10)).tolist()
        elif kind == "spike":
            losses[0] = 50.0 * height
        elif kind == "leap":
            losses = [height, *[30.0 * height] * min(length, 7)]
        elif kind == "missing":
            losses = [None] * min(length, 20)
        elif kind in {"nan", "inf", "minus inf"}:
            losses[-1] = {"nan": np.nan, "inf": np.inf, "minus inf": -np.inf}[kind]
        elif kind == "rate":
            rate *= 1.5
        for k, loss in enumerate(losses):
            gradient = (1.0, np.nan, 1.0) if kind == "broken" and k == 0 else (1.0, 1.0, 1.0)
            rows.append(
                row(len(rows), loss, gradient, update=(9.0,) * 3 if random.random() < 0.02 else None, rate=rate)
            )
    return rows


def state(flown: Flown) -> list[object]:
    """Everything that a recorder knows, the last looks at a batch left out."""
    lookout = flown.recorder._lookout
    known = {**vars(lookout.range), **vars(lookout)}
    first = known.pop("_first")
    for name in ("range", "_lifted"):
        known.pop(name, None)
    known["first"] = None if first is None else {k: v for k, v in vars(first).items() if k != "_moved"}
    alarms = [(each.step, each.trigger, each.first_step, each.flight.step.tolist()) for each in flown.recorder.alarms]
    return [known, alarms, list(flown.recorder._ring), flown.marks, flown.asked]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(segments=SEGMENTS, seed=st.integers(0, 1000), most=st.sampled_from([1, 5, 64]))
def test_seen_together_is_as_seen_one_by_one(segments: list[tuple[str, int, float]], seed: int, most: int) -> None:
    rows = course(segments, seed)
    one_by_one, together = Flown(), Flown()
    with np.errstate(all="ignore"):
        assert together.fly_together(rows, most) == one_by_one.fly(rows)
    assert repr(state(together)) == repr(state(one_by_one))  # in words NaN is NaN


def test_most_rows_are_seen_together(monkeypatch: pytest.MonkeyPatch) -> None:
    flown, seen = Flown(), []
    plain_see = flown.recorder.see
    monkeypatch.setattr(flown.recorder, "see", lambda *given: (seen.append(1), plain_see(*given))[1])
    flown.fly_together([row(step, 1.0 + 0.01 * (step % 7)) for step in range(2000)])
    assert len(seen) < 128 + 2000 / 50  # but for the first ones


def test_the_story_of_an_alarm() -> None:
    flown = Flown(depth=30)
    grown = [row(40 + k, 1.0, (1.0, 4.0**k, 1.0)) for k in range(1, 6)]
    rows = [*calm(41), *grown, row(46, np.nan, (np.nan,) * 3)]
    assert flown.fly(rows, [measured(20, 0.9), measured(43, 2.6), measured(46, 7.0)]) == [46]
    (alarm,) = flown.recorder.alarms
    assert (alarm.step, alarm.trigger) == (46, Trigger.LOSS_NOT_FINITE)
    assert (alarm.first_layer, alarm.first_quantity, alarm.first_step) == ("second", "gradient", 41)
    assert alarm.growth == 4.0**5
    assert (alarm.reach, alarm.reach_step) == (2.6, 43)
    assert alarm.flight.step.tolist() == list(range(17, 47))
    assert flown.asked == [41]  # a snapshot from before it broke, not from before the alarm
    assert alarm.snapshot_step == 40
    assert {one.cause for one in alarm.evidence if one.found} == {Cause.PAST_THE_LIMIT, Cause.EXPLODING_LAYER}
    (mark,) = flown.marks
    assert (mark.step, mark.kind) == (46, EventKind.ALARM)
    assert mark.text == "The loss is not finite: NaN; second went first."


@pytest.mark.parametrize(
    ("broken", "trigger"),
    [
        (row(40, np.inf), Trigger.LOSS_NOT_FINITE),
        (row(40, 1.0, (1.0, np.inf, 1.0)), Trigger.GRADIENT_NOT_FINITE),
        (row(40, None, (1.0, np.nan, 1.0)), Trigger.GRADIENT_NOT_FINITE),
        (row(40, 1.0, parameters=(1.0, np.nan, 1.0)), Trigger.PARAMETER_NOT_FINITE),
        (row(40, 1e5), Trigger.LOSS_OUT_OF_RANGE),
    ],
)
def test_triggers(broken: object, trigger: Trigger) -> None:
    flown = Flown()
    assert flown.fly([*calm(40), broken]) == [40]
    assert flown.recorder.alarms[0].trigger is trigger
    assert flown.recorder.alarmed
    assert flown.recorder.open_alarm is flown.recorder.alarms[0]


def test_the_first_step_of_all() -> None:
    flown = Flown()
    assert flown.fly([row(0, np.nan, (np.nan,) * 3, (np.nan,) * 3, (np.nan,) * 3)]) == [0]
    alarm = flown.recorder.alarms[0]
    assert (alarm.first_layer, alarm.first_quantity, alarm.first_step, alarm.growth) == (None, "loss", 0, None)


def test_one_alarm_for_one_break() -> None:
    flown = Flown()
    assert flown.fly([*calm(40), *(row(40 + k, np.nan) for k in range(300))]) == [40]


def test_out_of_range_and_then_not_finite() -> None:
    flown = Flown()
    assert flown.fly([*calm(100), *(row(100 + k, 2.0**k) for k in range(20)), row(120, np.inf)]) == [106, 120]
    assert flown.recorder.open_alarm is flown.recorder.alarms[0]


def test_a_bad_batch_that_came_back_is_told() -> None:
    flown = Flown()
    flown.fly([*calm(200), row(200, 1e5), *calm(WINDOW, 201)])
    assert flown.recorder.open_alarm is None
    told = flown.marks[-1]
    assert (told.step, told.kind) == (200 + WINDOW, EventKind.NOTE)
    assert told.text == (
        "The alarm of step 200 is over: at the very next step the loss was back in its range, and stayed."
    )
    assert flown.fly([row(400, 1e5)]) == [400]


def test_no_more_than_twenty() -> None:
    flown, begin = Flown(), 0
    for _ in range(MOST_ALARMS + 3):
        flown.fly([*calm(WINDOW + 1, begin), row(begin + WINDOW + 1, np.nan)])
        begin += WINDOW + 2
    assert len(flown.recorder.alarms) == MOST_ALARMS
    assert sum("20 alarms" in mark.text for mark in flown.marks) == 1
    assert flown.recorder.open_alarm is None
    assert flown.recorder.alarmed


def test_a_spike_leaves_a_mark() -> None:
    flown = Flown()
    assert flown.fly([*calm(150), row(150, 14.3), *calm(40, 151)]) == []
    (mark,) = flown.marks
    assert (mark.step, mark.kind) == (150, EventKind.NOTE)
    assert (
        mark.text == "The loss jumped to 14.30 at step 150, 14 times its recent median, and was back at the next step."
    )


@pytest.mark.slow
def test_no_more_than_twenty_spikes_are_marked() -> None:
    flown, begin = Flown(), 0
    for _ in range(MOST_SPIKES + 3):
        flown.fly([*calm(2000, begin), row(begin + 2000, 14.3)])
        begin += 2001
    assert len(flown.marks) == MOST_SPIKES
    assert "Further" in flown.marks[-1].text


def test_calm_rows_may_be_seen_late() -> None:
    """Rows at or below ``calm_below`` wait up to 32 steps; alarms, their stories and marks are the same."""
    rng = np.random.default_rng(2)
    rows = [row(step, loss) for step, loss in enumerate(np.exp(1.2 * rng.normal(size=4000)).tolist())]
    rows[700:730] = [row(step, 3.0 ** (step - 690)) for step in range(700, 730)]
    rows[2000] = row(2000, 2.0, (1.0, np.nan, 1.0))
    rows[3000] = row(3000, None)
    at_once, late, waiting = Flown(), Flown(), []
    at_once.fly(rows)
    for one in rows:
        waiting.append(one)
        calm_row = one.finite and (one.loss is None or one.loss <= late.recorder.calm_below)
        if not calm_row or len(waiting) == 32:
            late.fly(waiting)
            waiting.clear()
    late.fly(waiting)
    assert len(at_once.recorder.alarms) >= 2
    assert late.marks == at_once.marks
    assert [one.evidence for one in late.recorder.alarms] == [one.evidence for one in at_once.recorder.alarms]


def test_wary_before_it_breaks() -> None:
    flown = Flown()
    flown.fly(calm(100))
    assert not flown.recorder.wary
    flown.fly([row(100, 2.5)])
    assert flown.recorder.wary
    flown.fly([row(101, 1.0)])
    assert not flown.recorder.wary


def test_a_ring_without_a_single_norm() -> None:
    flown = Flown()
    blind = [row(step, 1.0, None) for step in range(50)]
    assert flown.fly([*blind, row(50, np.nan, None)]) == [50]
    assert flown.recorder.alarms[0].first_layer is None


# -- real loops ------------------------------------------------------------------------------------------------------


def recorded(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, turn: Turn, steps: int, closure: bool = False
) -> tuple[Recording, list[float]]:
    """The record of a loop, and its losses; ``turn`` evaluates the loss of a step's batch."""
    losses = []
    with fl.watch(model, optimizer, run=path / "run.db", quiet=True) as watch:
        for step in range(steps):
            loss = turn(step)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            watch.step(loss, (lambda step=step: turn(step)) if closure else None)
    found = fl.load(watch.path)
    assert isinstance(found, Recording)
    return found, losses


def square(share: float) -> tuple[nn.Module, torch.optim.Optimizer, Turn]:
    """A parabola under SGD at a share of its stability limit."""
    torch.manual_seed(0)
    model, rows = nn.Linear(4, 1, bias=False), torch.randn(64, 4)
    sharpness = float(torch.linalg.eigvalsh(2 / 64 * rows.T @ rows)[-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=share * 2 / sharpness)

    def turn(step: int) -> torch.Tensor:
        del step  # every step sees all rows
        return (model(rows) - rows.sum(1, keepdim=True)).square().mean()

    return model, optimizer, turn


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.1, 1.5, 5.0])
def test_sgd_past_its_limit(tmp_path: Path, share: float) -> None:
    run, losses = recorded(tmp_path, *square(share), 60, closure=True)
    alarm = run.alarms[0]
    assert alarm.trigger is Trigger.LOSS_OUT_OF_RANGE
    assert losses[alarm.step] < 1e7  # float32 ends at 3e38
    assert alarm.reach == pytest.approx(2 * share, rel=0.25)  # less than along the sharpest direction at first
    assert alarm.reach_step is not None
    assert 0 < alarm.step - alarm.reach_step <= 3
    past = alarm.evidence[0]
    assert (past.cause, past.found) == (Cause.PAST_THE_LIMIT, True)
    assert run.summary is not None
    assert run.summary.outcome is Outcome.DIVERGED
    assert run.summary.line.startswith(f"Diverged at step {alarm.step}")
    assert not any(one.found for one in alarm.evidence[1:])


def test_sgd_within_its_limit(tmp_path: Path) -> None:
    run, _ = recorded(tmp_path, *square(0.9), 300, closure=True)
    assert run.alarms == ()


class Recurrent(nn.Module):
    """A recurrent network whose state grows along the sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.RNN(2, 16, nonlinearity="relu"), nn.Linear(16, 1)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return self.head(self.cell(sequence)[0][-1])


@pytest.mark.slow
def test_an_exploding_recurrent_network(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = Recurrent()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def turn(step: int) -> torch.Tensor:
        sequence = torch.randn(40, 16, 2, generator=torch.Generator().manual_seed(step))
        return (model(sequence) - sequence.sum(0)[:, :1]).square().mean()

    run, losses = recorded(tmp_path, model, optimizer, turn, 60)
    assert not np.isfinite(losses[-1])
    alarm = run.alarms[0]
    assert alarm.step < np.flatnonzero(~np.isfinite(losses))[0]
    said = {one.cause: one.found for one in alarm.evidence}
    assert said[Cause.PAST_THE_LIMIT] is True  # no closure, no reach, but an update over half as long as the parameters
    assert said[Cause.BAD_BATCH] is False


def classifier(rate: float) -> tuple[nn.Module, torch.optim.Optimizer, Turn]:
    """Cross entropy of an MLP on three clouds."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    centers = 2 * torch.randn(3, 8)

    def turn(step: int) -> torch.Tensor:
        rng = torch.Generator().manual_seed(step)
        which = torch.randint(0, 3, (32,), generator=rng)
        rows = centers[which] + torch.randn(32, 8, generator=rng)
        return nn.functional.cross_entropy(model(rows), which)

    return model, torch.optim.SGD(model.parameters(), lr=rate), turn


@pytest.mark.slow
def test_a_classifier_that_learns_sets_nothing_off(tmp_path: Path) -> None:
    run, _ = recorded(tmp_path, *classifier(0.1), 400)
    assert run.alarms == ()


@pytest.mark.parametrize("rate", [30.0, 1e3, 1e30])
def test_a_classifier_with_far_too_large_a_rate(tmp_path: Path, rate: float) -> None:
    run, losses = recorded(tmp_path, *classifier(rate), 40)
    broken = np.flatnonzero(~np.isfinite(losses))
    assert 1 <= run.alarms[0].step <= min(5, *broken)
    assert run.summary is not None
    assert run.summary.outcome is Outcome.DIVERGED


@pytest.mark.slow
def test_a_rate_raised_in_mid_run(tmp_path: Path) -> None:
    model, optimizer, turn = classifier(0.1)

    def scheduled(step: int) -> torch.Tensor:
        optimizer.param_groups[0]["lr"] = 0.1 if step < 300 else 1e3
        return turn(step)

    run, _ = recorded(tmp_path, model, optimizer, scheduled, 320)
    assert 300 < run.alarms[0].step < 310
    assert run.alarms[0].first_step in (300, 301)


@pytest.mark.slow
def test_a_modest_rise_of_the_rate_is_no_alarm(tmp_path: Path) -> None:
    model, optimizer, turn = classifier(0.01)

    def scheduled(step: int) -> torch.Tensor:
        optimizer.param_groups[0]["lr"] = 0.01 if step % 200 < 100 else 0.1
        return turn(step)

    assert recorded(tmp_path, model, optimizer, scheduled, 600)[0].alarms == ()


@pytest.mark.slow
def test_one_batch_of_nan(tmp_path: Path) -> None:
    model, optimizer, turn = classifier(0.1)
    run, _ = recorded(tmp_path, model, optimizer, lambda step: turn(step) * (np.nan if step == 150 else 1), 160)
    alarm = run.alarms[0]
    assert (alarm.step, alarm.first_layer, alarm.first_quantity) == (150, None, "loss")
    assert {one.cause: one.found for one in alarm.evidence}[Cause.BAD_BATCH] is None  # or a logarithm, or overflow
    assert alarm.snapshot_step is not None
    assert alarm.snapshot_step < 150


def test_two_players_that_run_away(tmp_path: Path) -> None:
    """Of x · y the one descends and the other climbs: both spiral outward, and the loss swings about 0 ever wider."""
    torch.manual_seed(0)
    model = nn.ParameterDict({"maker": torch.ones(3), "critic": torch.ones(3)})
    makes = torch.optim.SGD([model["maker"]], lr=0.2)
    judges = torch.optim.SGD([model["critic"]], lr=0.2, maximize=True)
    with fl.watch(model, [makes, judges], run=tmp_path / "gan.db", quiet=True) as watch:
        for _ in range(2000):
            loss = model["maker"] @ model["critic"]
            makes.zero_grad()
            judges.zero_grad()
            loss.backward()
            makes.step()
            judges.step()
            watch.step(loss)
            if watch.should_stop:
                break
    run = fl.load(watch.path)
    assert isinstance(run, Recording)
    assert watch.should_stop
    assert run.alarms[0].step == len(run) - 1
    assert np.abs(run.steps.loss).max() < 1e6
    assert (run.alarms[0].first_layer, run.alarms[0].first_quantity) == (None, "gradient")  # both at the same step


def test_float16_parameters_that_overflow(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)).half()

    def turn(step: int) -> torch.Tensor:
        rows = torch.randn(16, 8, generator=torch.Generator().manual_seed(step)).half()
        return (model(rows).float() - 1).square().mean() * (1 if step < 40 else 1e6)

    run, losses = recorded(tmp_path, model, torch.optim.SGD(model.parameters(), lr=1e-3), turn, 42)
    alarm = run.alarms[0]
    assert np.isfinite(losses[40])
    assert (alarm.step, alarm.trigger) == (40, Trigger.GRADIENT_NOT_FINITE)
    assert {one.cause: one.found for one in alarm.evidence}[Cause.OVERFLOW] is True


def test_a_loss_scaler_that_skips_is_no_alarm(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True) as watch:
        for step in range(60):
            loss = (model(torch.ones(4, 8)) - 1).square().mean()
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            if step in {30, 58}:
                assert model.weight.grad is not None
                model.weight.grad[0, 0] = float("inf")
            scaler.step(optimizer)
            scaler.update()
            watch.step(loss * (float("nan") if step == 59 else 1))
    run = fl.load(watch.path)
    assert isinstance(run, Recording)
    assert run.steps.updates[[29, 30, 31, 58], 0].tolist() == [1, 0, 1, 0]
    assert [alarm.step for alarm in run.alarms] == [59]
    overflow = run.alarms[0].evidence[-1]
    assert (overflow.cause, overflow.found) == (Cause.OVERFLOW, None)
    assert overflow.text.startswith("The update of step 58 was skipped, as a loss scaler does where a gradient is not")
