"""Ordinary steps wait to be looked at together: the record is the same as where each is looked at by itself."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import fallline as fl
from fallline._recorder import _steps
from fallline._recorder._flight import FlightRecorder
from fallline._recorder._scribe import Scribe
from fallline._records import Trigger

STEPS = 500
Losses = Sequence[Any]
Between = Callable[[fl.Watch, int], None]


def nothing(watch: fl.Watch, step: int) -> None:
    """Between two steps."""


def train(
    run: Path,
    losses: Losses,
    *,
    optimizers: int = 1,
    closure: bool = False,
    between: Between = nothing,
    skip: int = 1,
    **settings: Any,
) -> None:
    """A loop that reports these losses, whatever its own are; its optimizers step at every ``skip``-th one."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    made = [torch.optim.SGD(layer.parameters(), lr=0.01, momentum=0.9) for layer in (model[0], model[2])]
    if optimizers == 1:
        made = [torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)]
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    with fl.watch(model, made, run=run, quiet=True, **settings) as watch:
        for step, loss in enumerate(losses):
            model.zero_grad()
            mse_loss(model(x), y).backward()
            for each in made if step % skip == 0 else ():
                each.step()
            watch.step(loss, closure=(lambda: mse_loss(model(x), y)) if closure else None)
            between(watch, step)


def course(seed: int = 0) -> list[Any]:
    """Losses that fall, with a spike, a leap that is an alarm, one that is not a number, none at all, then calm."""
    random = np.random.default_rng(seed)
    losses: list[Any] = (np.exp(-np.arange(STEPS) / 200) * (1 + 0.1 * random.random(STEPS))).tolist()
    losses[150] = 8.0
    losses[230:236] = [300.0] * 6
    losses[300] = math.nan
    losses[440:445] = [None] * 5
    losses[446] = torch.tensor(losses[446])
    return losses


def comparable(run: Path) -> tuple[Any, ...]:
    """What is recorded, without times."""
    found = fl.load(run)
    steps = replace(found.steps, seconds=np.zeros(len(found)))
    summary = None if found.summary is None else (found.summary.outcome, found.summary.steps, found.summary.best_loss)
    series = (found.layers, found.batches, found.parts, found.effective)
    alarms = [(each.step, each.trigger, each.first_step, each.snapshot_step, each.reach) for each in found.alarms]
    arrays = [{name: getattr(one, name).tolist() for name in vars(one)} for one in (steps, *series)]
    return repr(arrays), alarms, found.events, found.snapshots, summary


def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses: Losses, **options: Any) -> fl.Recording:
    """The recording of a loop, held against the one in which no step waits."""
    seen = []
    see_calm = FlightRecorder.see_calm
    monkeypatch.setattr(FlightRecorder, "see_calm", lambda *given: (seen.append(len(given[1])), see_calm(*given))[1])
    train(tmp_path / "together.db", losses, **options)
    assert sum(seen) > 0.5 * len(losses), "hardly any step has waited"
    monkeypatch.setattr(_steps, "TOGETHER", 0)
    seen.clear()
    train(tmp_path / "each.db", losses, **options)
    assert seen == []
    assert comparable(tmp_path / "together.db") == comparable(tmp_path / "each.db")
    return fl.load(tmp_path / "together.db")


MORE = [{"optimizers": 2}, {"closure": True, "every": 100}, {"skip": 3}, {"ring": 7}, {"snapshots": 0}]


@pytest.mark.parametrize(
    "options",
    [{}, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE)],
    ids=str,
)
def test_the_record_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    found = both(tmp_path, monkeypatch, course(), **options)
    assert len(found) == STEPS
    assert [alarm.trigger for alarm in found.alarms] == [Trigger.LOSS_OUT_OF_RANGE, Trigger.LOSS_NOT_FINITE]
    assert any("jumped" in event.text for event in found.events)


@pytest.mark.slow
def test_an_alarm_right_after_one_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was calm before the range is learned anew is no longer, at the very next step."""
    losses = [1.0] * 200 + [300.0] * 6 + [1e-3] * 128 + [0.9] * 8 + [1e-3] * 60
    found = both(tmp_path, monkeypatch, losses)
    assert [alarm.step for alarm in found.alarms] == [200, 334]


@pytest.mark.slow
def test_flush_and_log_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def between(watch: fl.Watch, step: int) -> None:
        if step % 37 == 0:
            assert watch.flush()
            assert len(fl.load(watch.path)) == step + 1  # what a flush has returned for is in the file
        if step % 11 == 0:
            watch.log(step=step)

    found = both(tmp_path, monkeypatch, course(), between=between)
    assert found.logged["step"].step.tolist() == found.logged["step"].value.tolist() == list(range(0, STEPS, 11))


@pytest.mark.parametrize("loss", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("height", [1.0, -1.0, 1e308])
@pytest.mark.slow
def test_a_loss_that_is_not_finite_never_waits(tmp_path: Path, loss: float, height: float) -> None:
    stopped = []
    losses = [height] * 310 + [loss] + [height]
    train(tmp_path / "run.db", losses, between=lambda watch, _: stopped.append(watch.should_stop))
    assert stopped == [False] * 310 + [True] * 2
    (alarm,) = fl.load(tmp_path / "run.db").alarms
    assert (alarm.step, alarm.trigger) == (310, Trigger.LOSS_NOT_FINITE)


@pytest.mark.slow
def test_losses_of_other_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = [float, torch.tensor, np.float32, np.array, lambda loss: torch.tensor([loss], dtype=torch.float64)]
    losses = [kinds[step % len(kinds)](1.0 + step % 3) for step in range(200)]
    train(tmp_path / "run.db", losses)
    assert fl.load(tmp_path / "run.db").steps.loss.tolist() == [1.0 + step % 3 for step in range(200)]
    with pytest.warns(fl.FalllineWarning, match="on the meta device; it was left out"):
        train(tmp_path / "meta.db", [1.0] * 150 + [torch.ones(1, device="meta")] + [1.0] * 9)
    assert np.flatnonzero(~fl.load(tmp_path / "meta.db").steps.loss_measured).tolist() == [150]


@pytest.mark.slow
def test_the_end_finds_those_that_wait(tmp_path: Path) -> None:
    for steps in (1, 2, 63, 64, 65, 190, 200):
        train(tmp_path / f"{steps}.db", [1.0] * steps)
        found = fl.load(tmp_path / f"{steps}.db")
        assert found.steps.step.tolist() == list(range(steps))
        assert found.summary is not None
        assert found.summary.steps == steps
        assert found.snapshots[-1] == steps - 1


@pytest.mark.slow
def test_gone_on_with(tmp_path: Path) -> None:
    train(tmp_path / "run.db", [1.0] * 100)
    train(tmp_path / "run.db", [1.0] * 100, resume=True)
    assert fl.load(tmp_path / "run.db").steps.step.tolist() == list(range(200))


@pytest.mark.slow
def test_within_a_budget_every_step_is_recorded(tmp_path: Path) -> None:
    train(tmp_path / "run.db", course(), closure=True, budget=0.02)
    found = fl.load(tmp_path / "run.db")
    assert found.steps.step.tolist() == list(range(STEPS))
    assert (found.steps.updates == 1).all()
    assert [alarm.trigger for alarm in found.alarms] == [Trigger.LOSS_OUT_OF_RANGE, Trigger.LOSS_NOT_FINITE]
    assert len(found.batches) > 0
    assert found.summary is not None
    assert found.summary.cost.seconds > 0


@pytest.mark.slow
def test_a_note_is_marked_at_once(tmp_path: Path) -> None:
    def between(watch: fl.Watch, step: int) -> None:
        if step == 250:
            watch.guard.say("Something odd.")

    with pytest.warns(fl.FalllineWarning, match="odd"):
        train(tmp_path / "run.db", [1.0] * 300, between=between)
    (event,) = fl.load(tmp_path / "run.db").events
    assert (event.step, event.text) == (251, "Something odd.")


@pytest.mark.slow
def test_books_that_cannot_be_kept_cost_no_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def between(watch: fl.Watch, step: int) -> None:
        if step == 200:
            monkeypatch.setattr(watch._steps._pace, "ordinary", lambda *_: 1 / 0)

    with pytest.warns(fl.FalllineWarning, match="division by zero"):
        train(tmp_path / "run.db", [1.0] * 300, between=between)
    found = fl.load(tmp_path / "run.db").steps.step
    assert found.tolist() == list(range(300))


@pytest.mark.slow
def test_written_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_steps, "BLOCK_SECONDS", 1e9)
    monkeypatch.setattr(_steps, "BLOCK_STEPS", 200)
    put, blocks = Scribe.put_rows, []
    monkeypatch.setattr(Scribe, "put_rows", lambda *given, **named: (blocks.append(given[2]), put(*given, **named))[1])
    train(tmp_path / "run.db", [1.0] * 900)
    lengths = [last - first + 1 for first, last in blocks]
    assert sum(lengths) == 900
    assert max(lengths) < _steps.BLOCK_STEPS + _steps.TOGETHER + 1
