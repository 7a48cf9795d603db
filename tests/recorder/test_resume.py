"""A run file is gone on with: after a preemption, or from an earlier checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._records import EventKind
from fallline._wording import number
from watched_loops import LOOPS, mlp


def record(run: Path, losses: list[float], *, finish: bool = True, **options: Any) -> None:
    """So many steps, each with the loss it is told."""
    loop = LOOPS["SGD with momentum"]()
    watch = fl.watch(loop.model, loop.optimizers, run=run, quiet=True, **options)
    for step, loss in enumerate(losses):
        loop.turn(step, lambda *_, loss=loss: watch.step(loss))
    watch.flush()
    if finish:
        watch.close()


@pytest.mark.parametrize("finish", [True, False])
def test_after_the_last_step(finish: bool, tmp_path: Path) -> None:
    run = tmp_path / "run.db"
    record(run, [3.0, 2.0])
    started = fl.load(run).header
    record(run, [1.0, 0.5, 0.25], resume=True, finish=finish)
    recorded = fl.load(run)
    assert recorded.steps.step.tolist() == [0, 1, 2, 3, 4]
    assert recorded.steps.loss.tolist() == [3.0, 2.0, 1.0, 0.5, 0.25]
    assert recorded.steps.measured.all()
    assert [event.kind for event in recorded.events] == [EventKind.RESUMED]
    assert recorded.header == started


def test_from_an_earlier_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run.db"
    record(run, [5.0, 4.0, 3.0, 2.0])
    record(run, [30.0, 20.0], resume=True, resume_at=2)
    recorded = fl.load(run)
    assert recorded.steps.step.tolist() == [0, 1, 2, 3]
    assert recorded.steps.loss.tolist() == [5.0, 4.0, 30.0, 20.0]
    assert recorded.layers.step.tolist() == [0, 1, 2, 3]
    assert [event.kind for event in recorded.events] == [EventKind.RESUMED]
    assert recorded.summary is not None


@pytest.mark.slow
def test_again_and_again(tmp_path: Path) -> None:
    run = tmp_path / "run.db"
    for loss in range(5):
        record(run, [float(loss)], resume=True)
    recorded = fl.load(run)
    assert recorded.steps.loss.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(recorded.events) == 4


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    record(tmp_path / "new" / "run.db", [1.0], resume=True)
    assert len(fl.load(tmp_path / "new" / "run.db")) == 1


def test_of_another_model(tmp_path: Path) -> None:
    run = tmp_path / "run.db"
    record(run, [1.0])
    before = run.read_bytes()
    for model, kind in ((torch.nn.Linear(5, 3), torch.optim.SGD), (mlp(), torch.optim.Adam)):
        with pytest.raises(fl.RunFileError, match=r"run\.db"):
            fl.watch(model, kind(model.parameters(), lr=0.1), run=run, resume=True)
    assert run.read_bytes() == before


def test_of_a_file_that_is_no_recording(tmp_path: Path) -> None:
    run = tmp_path / "notes.txt"
    run.write_text("not a run")
    model = mlp()
    with pytest.raises(fl.RunFileError, match=r"notes\.txt") as raised:
        fl.watch(model, torch.optim.SGD(model.parameters(), lr=0.1), run=run, resume=True)
    assert raised.value.__suppress_context__
    assert raised.value.__cause__ is None
    assert run.read_text() == "not a run"


@pytest.mark.slow
def test_alarms_and_reaches_of_before_are_told_at_the_end(tmp_path: Path) -> None:
    run = tmp_path / "run.db"
    record(run, [1.0 + 0.01 * (step % 7) for step in range(100)] + [1e9] + [1.0] * 99)
    first = fl.load(run)
    assert len(first.alarms) == 1
    record(run, [1.0] * 200, resume=True)
    line = fl.load(run).summary.line
    assert line.startswith("400 steps: ")
    assert "; 1 alarm, the first at step 100: the loss left its range" in line
    record(run, [1.0] * 200, resume=True, resume_at=50)
    assert "alarm" not in fl.load(run).summary.line


@pytest.mark.slow
def test_reaches_of_before_count_in_the_median(tmp_path: Path) -> None:
    run = tmp_path / "run.db"
    torch.manual_seed(0)
    x = torch.randn(16, 4)
    for resume, rate in ((False, 0.2), (True, 0.0001)):
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        with fl.watch(model, optimizer, run=run, resume=resume, every=1, quiet=True) as watch:
            for _ in range(20 if resume else 30):
                optimizer.zero_grad()
                loss = model(x).square().mean()
                loss.backward()
                optimizer.step()
                watch.step(loss, closure=lambda: model(x).square().mean())  # noqa: B023  (called at once)
    recorded = fl.load(run)
    reaches = recorded.batches.reach[recorded.batches.reach_measured]
    assert f"reach {number(float(np.median(reaches)), 2)} in the median" in recorded.summary.line
    assert np.median(reaches) > 10 * reaches[-1]


def test_what_is_other_now_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run.db"
    record(run, [1.0])
    monkeypatch.setattr("sys.argv", ["train.py", "--again"])
    record(run, [1.0], resume=True, every=7, memory=0)
    resumed, note = fl.load(run).events[:2]
    assert (resumed.kind, note.kind, note.step) == (EventKind.RESUMED, EventKind.NOTE, 1)
    assert "command line train.py --again (was " in note.text
    assert "every= 7 (was none)" in note.text
    assert "memory= 0 (was 536870912)" in note.text
    assert "From here on: Gradient, update and parameter norms are not measured: " in note.text
    assert "git commit" not in note.text
