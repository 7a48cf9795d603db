"""docs/semantics.md#alarms, #known-causes, #outcome-of-a-loop: small real loops, each broken in one way."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from fallline._records import Alarm, Cause, Outcome, Recording, Trigger

pytestmark = pytest.mark.slow

Change = Callable[[int, nn.Sequential, torch.optim.Optimizer], None]
Rows = Callable[[int, torch.Tensor], torch.Tensor]


def nothing(step: int, model: nn.Sequential, optimizer: torch.optim.Optimizer) -> None:
    """A healthy loop."""


def as_they_are(step: int, rows: torch.Tensor) -> torch.Tensor:
    """Healthy data."""
    del step
    return rows


def run(
    folder: Path,
    *,
    optimizer: str = "SGD",
    rate: float = 0.1,
    steps: int = 150,
    seed: int = 0,
    rows: Rows = as_they_are,
    change: Change = nothing,
    closure: bool = False,
    obeys: bool = False,
) -> Recording:
    """The record of an MLP that learns four clouds, with what breaks it."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
    centers = 1.5 * torch.randn(4, 16)
    made = getattr(torch.optim, optimizer)(model.parameters(), lr=rate)
    with fl.watch(model, made, run=folder / "run.db", quiet=True) as watch:
        for step in range(steps):
            change(step, model, made)
            rng = torch.Generator().manual_seed(1000 * seed + step)
            which = torch.randint(0, 4, (32,), generator=rng)
            batch = rows(step, centers[which] + torch.randn(32, 16, generator=rng))

            def loss_of(batch: torch.Tensor = batch, which: torch.Tensor = which) -> torch.Tensor:
                return nn.functional.cross_entropy(model(batch), which)

            loss = loss_of()
            made.zero_grad()
            loss.backward()
            made.step()
            watch.step(loss, loss_of if closure else None)
            if obeys and watch.should_stop:
                break
    found = fl.load(watch.path)
    assert isinstance(found, Recording)
    return found


def outcome(recording: Recording) -> Outcome:
    assert recording.summary is not None
    return recording.summary.outcome


def said(alarm: Alarm) -> Mapping[Cause, bool | None]:
    return {one.cause: one.found for one in alarm.evidence}


def text(alarm: Alarm, cause: Cause) -> str:
    return next(one.text for one in alarm.evidence if one.cause is cause)


def scaled(factor: float, at: int = 120) -> Rows:
    """One corrupted batch: the wrong rows, far too large."""
    return lambda step, rows: rows.flip(0) * factor if step == at else rows


@pytest.mark.parametrize("closure", [False, True])
@pytest.mark.parametrize("factor", [1e3, 1e6])
def test_one_corrupted_batch(tmp_path: Path, factor: float, closure: bool) -> None:
    found = run(tmp_path, rows=scaled(factor), closure=closure)
    alarm = found.alarms[0]
    assert alarm.step in {120, 121}
    assert said(alarm)[Cause.BAD_BATCH] is True
    assert said(alarm)[Cause.PAST_THE_LIMIT] is not True
    assert "at one step, 120" in text(alarm, Cause.BAD_BATCH)


def test_a_corrupted_batch_that_nobody_alarmed_is_marked(tmp_path: Path) -> None:
    found = run(tmp_path, optimizer="Adam", rate=0.003, rows=scaled(4.0))
    assert found.alarms == ()
    (mark,) = found.events
    assert mark.step == 120
    assert mark.text.startswith("The loss jumped to ")
    assert mark.text.endswith("times its recent median, and was back at the next step.")


@pytest.mark.parametrize("rows", [scaled(1e3), scaled(1e20)])
def test_a_loop_that_obeys_has_diverged(tmp_path: Path, rows: Rows) -> None:
    found = run(tmp_path, rows=rows, obeys=True)
    assert len(found) == found.alarms[0].step + 1
    assert outcome(found) is Outcome.DIVERGED
    assert found.summary is not None
    assert found.summary.line.startswith(f"Diverged at step {found.alarms[0].step}")


@pytest.mark.parametrize(
    ("optimizer", "rate"), [("SGD", 30.0), ("SGD", 300.0), ("Adam", 0.3), ("Adam", 1.0), ("Adam", 3.0), ("AdamW", 5.0)]
)
def test_an_explosion_in_the_first_steps(tmp_path: Path, optimizer: str, rate: float) -> None:
    found = run(tmp_path, optimizer=optimizer, rate=rate)
    assert np.nanmax(found.steps.loss) > 5 * found.steps.loss[0]
    assert found.alarms[0].step <= 10
    assert said(found.alarms[0])[Cause.PAST_THE_LIMIT] is True
    assert "times as long as the parameters" in text(found.alarms[0], Cause.PAST_THE_LIMIT)
    falls = np.median(found.steps.loss[-50:]) < found.steps.loss[0] - 0.05
    assert (outcome(found) is Outcome.DESCENDING) <= bool(falls)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("optimizer", "rate"), [("SGD", 0.03), ("SGD", 0.3), ("Adam", 0.001), ("Adam", 0.01)])
def test_healthy_loops_set_nothing_off(tmp_path: Path, optimizer: str, rate: float, seed: int) -> None:
    found = run(tmp_path, optimizer=optimizer, rate=rate, seed=seed, steps=150)
    assert found.alarms == ()
    assert found.events == ()


@pytest.mark.parametrize("seed", range(3))
def test_a_layer_begun_a_hundred_times_too_large(tmp_path: Path, seed: int) -> None:
    def begin(step: int, model: nn.Sequential, optimizer: torch.optim.Optimizer) -> None:
        del optimizer
        if step == 0:
            with torch.no_grad():
                model[2].weight.mul_(100)

    found = run(tmp_path, change=begin, seed=seed, steps=60)
    assert found.alarms[0].step < 20


def test_a_rate_raised_in_mid_run_is_named(tmp_path: Path) -> None:
    def rise(step: int, model: nn.Sequential, optimizer: torch.optim.Optimizer) -> None:
        del model
        optimizer.param_groups[0]["lr"] = 0.1 if step < 100 else 8.0

    found = run(tmp_path, change=rise)
    alarm = found.alarms[0]
    assert said(alarm) == {
        Cause.PAST_THE_LIMIT: True,
        Cause.EXPLODING_LAYER: False,
        Cause.BAD_BATCH: False,
        Cause.OVERFLOW: False,
    }
    assert text(alarm, Cause.PAST_THE_LIMIT).startswith("The rate of group 0 was raised from 0.1 to 8 at step 100, ")


def test_growth_from_the_start_without_a_closure(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, rows = nn.Linear(4, 1, bias=False), torch.randn(64, 4)
    sharpness = float(torch.linalg.eigvalsh(2 / 64 * rows.T @ rows)[-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=1.2 * 2 / sharpness)
    with fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True) as watch:
        while not watch.should_stop:
            loss = (model(rows) - rows.sum(1, keepdim=True)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            watch.step(loss)
    found = fl.load(watch.path)
    assert isinstance(found, Recording)
    assert said(found.alarms[0])[Cause.PAST_THE_LIMIT] is True
    assert outcome(found) is Outcome.DIVERGED


def test_a_gradient_that_is_nan_at_a_finite_loss(tmp_path: Path) -> None:
    """The root's slope at 0."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with fl.watch(model, optimizer, run=tmp_path / "run.db", quiet=True) as watch:
        for step in range(60):
            made = model(torch.randn(8, 4))
            loss = made.square().mean() + (model[0].weight * (step != 50)).square().sum().sqrt()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            watch.step(loss)
            if watch.should_stop:
                break
    found = fl.load(watch.path)
    assert isinstance(found, Recording)
    alarm = found.alarms[0]
    assert (alarm.step, alarm.trigger) == (50, Trigger.GRADIENT_NOT_FINITE)
    assert not any(said(alarm).values())
    assert "became NaN in one step, at step 50" in text(alarm, Cause.EXPLODING_LAYER)


def test_a_loss_that_became_nan_in_its_forward_pass(tmp_path: Path) -> None:
    alarm = run(tmp_path, rows=scaled(float("nan"))).alarms[0]
    assert (alarm.step, alarm.trigger) == (120, Trigger.LOSS_NOT_FINITE)
    assert not any(said(alarm).values())
    assert "it broke in the forward pass of that step" in text(alarm, Cause.BAD_BATCH)
    assert "activations beyond 65,504 overflow" in text(alarm, Cause.OVERFLOW)
