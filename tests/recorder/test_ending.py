"""docs/semantics.md#outcome-of-a-loop: the summary and the one line."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import recordings
from fallline._recorder._closing_line import how_to_explain, line_of
from fallline._recorder._ending import MOST_REACHES, Ending, earlier_of
from fallline._recorder._losses import Losses
from fallline._records import Alarm, Cost, Outcome, RecordingSummary
from recorder_rows import measured, row

COST = Cost(0.013, {"every step": 0.013}, 1.013)
UNKNOWN = Cost(0.0, {}, 0.0)


def ended(
    losses: np.ndarray | list[float | None],
    *,
    alarms: tuple[Alarm, ...] = (),
    opened: Alarm | None = None,
    reaches: tuple[float | None, ...] = (),
    error: BaseException | None = None,
    cost: Cost = COST,
) -> RecordingSummary:
    ending = Ending(quiet=True, path="runs/0001-net.db", optimizers=1)
    rows = [row(step, loss) for step, loss in enumerate(losses)]
    batches = {step: measured(step, reach) for step, reach in enumerate(reaches)}
    for block in (rows[:1], rows[1:]):
        ending.see(block, {one.step: batches[one.step] for one in block if one.step in batches})
    return ending.summary(alarms, opened, cost, error)


def test_a_good_run() -> None:
    losses = 2.31 * np.exp(-np.arange(2000) / 300)
    summary = ended(losses, reaches=(0.2, 0.4, None, 0.9))
    assert summary.outcome is Outcome.DESCENDING
    assert summary.line == (
        "2,000 steps: loss 1.968 to 0.003495 (means of the first and last 100); reach 0.40 in the median; "
        "watching cost 1.3 %"
    )
    assert losses[:100].mean() == pytest.approx(1.968, abs=5e-4)
    assert losses[-100:].mean() == pytest.approx(0.003495, abs=5e-7)
    assert (summary.steps, summary.first_loss, summary.last_loss) == (2000, losses[0], losses[-1])
    assert summary.best_loss == losses.min()
    assert summary.exception is None


def test_only_what_was_measured_is_said() -> None:
    assert ended([2.0, 1.0], cost=UNKNOWN).line == "2 steps: loss 2 to 1 (the first and last)"
    assert ended([None] * 3, cost=UNKNOWN).line == "3 steps without a loss"
    nothing = ended([], cost=UNKNOWN)
    assert nothing.line == "No step was recorded: call watch.step(loss) after optimizer.step()"
    assert (nothing.steps, nothing.first_loss, nothing.last_loss, nothing.best_loss) == (0, None, None, None)


def test_a_run_that_diverged() -> None:
    alarm = recordings.diverging().alarms[0]
    summary = ended([1.0] * 30, alarms=(alarm,), opened=alarm, reaches=(0.4,))
    assert summary.outcome is Outcome.DIVERGED
    assert summary.line == ("Diverged at step 4,312; layer4.conv1 went first; reach 3.1 three steps before")


def test_a_layer_with_a_number_for_a_name() -> None:
    alarm = replace(recordings.diverging().alarms[0], first_layer="0")
    assert "; layer 0 went first; " in ended([1.0] * 30, alarms=(alarm,), opened=alarm).line


def test_a_run_that_rose_without_an_alarm() -> None:
    line = ended(np.linspace(1, 1.9, 400), cost=UNKNOWN).line
    assert line == "400 steps: loss 1.021 to 1.879 (means of the first and last 20), above its start"
    at_once = recordings.nan_data().alarms
    blown = ended([2.3, *[1e9] * 5, *[40.0] * 60], alarms=at_once, cost=UNKNOWN).line
    assert blown.startswith("66 steps: loss 2.3 to 40 (the first and last), above its start; 1 alarm")
    half = [None if k % 2 else loss for k, loss in enumerate(np.repeat([2.3, *[1e9] * 5, *[40.0] * 60], 2))]
    assert "above its very first, 2.3;" in ended(half, alarms=at_once, cost=UNKNOWN).line


def test_a_single_loss_goes_nowhere() -> None:
    summary = ended([4.878], reaches=(0.3,), cost=UNKNOWN)
    assert summary.outcome is Outcome.ENDED
    assert summary.line == "1 step: loss 4.878; reach 0.30 in the median"


def test_layers_that_went_together_are_counted() -> None:
    alarm = recordings.diverging().alarms[0]
    gradient = alarm.flight.gradient_norm.copy()
    gradient[-7:] = 50.0
    together = replace(alarm, first_layer=None, flight=replace(alarm.flight, gradient_norm=gradient))
    line = ended([1.0] * 30, alarms=(together,), opened=together).line
    assert (
        line
        == "Diverged at step 4,312; all 7 layers left their range at once at step 4,306; reach 3.1 three steps before"
    )


@pytest.mark.parametrize(
    ("reach", "said"), [(2.04, "2.04"), (1.97, "1.97"), (2.0, "2.0"), (2.0004, "2.0004"), (3.14, "3.1")]
)
def test_a_reach_near_level_shows_its_side(reach: float, said: str) -> None:
    assert f"reach {said} in the median" in ended([1.0, 0.9], reaches=(reach,)).line


def test_a_run_that_exploded_and_came_back() -> None:
    alarm = replace(recordings.nan_data().alarms[0], step=1, first_step=1)
    losses = [2.28, 149300.0, *[30.0] * 8, *(2.43 + 0.1 * np.random.default_rng(0).normal(size=190))]
    line = ended(losses, alarms=(alarm,), cost=UNKNOWN).line
    assert ", no longer falling, after it had exploded to 149,300 and come back; 1 alarm, the first at step 1" in line
    assert "exploded" not in ended(losses, cost=UNKNOWN).line


def test_an_alarm_that_is_over_is_told() -> None:
    alarm = recordings.nan_data().alarms[0]
    line = ended(np.linspace(2, 1, 400), alarms=(alarm,), cost=UNKNOWN).line
    assert "; 1 alarm, the first at step 0: the loss is not finite" in line


def test_a_stalled_run() -> None:
    assert ", no longer falling;" in ended(1 + 0.1 * np.random.default_rng(0).normal(size=400)).line


@pytest.mark.parametrize(
    ("error", "begins", "kept"),
    [
        (KeyboardInterrupt(), "Interrupted by Ctrl-C after 40 steps: loss ", "KeyboardInterrupt"),
        (ValueError("no\nmore"), "Ended by ValueError after 40 steps: loss ", "ValueError: no"),
    ],
)
def test_a_loop_that_was_stopped(error: BaseException, begins: str, kept: str) -> None:
    summary = ended(np.linspace(2, 1, 40), error=error)
    assert summary.outcome is Outcome.INTERRUPTED
    assert summary.line.startswith(begins)
    assert summary.exception == kept


def test_a_loop_that_raised_because_it_diverged() -> None:
    alarm = recordings.diverging().alarms[0]
    summary = ended([1.0, np.nan], alarms=(alarm,), opened=alarm, error=FloatingPointError("NaN"))
    assert summary.outcome is Outcome.DIVERGED
    assert "ended by FloatingPointError" in summary.line
    assert summary.exception == "FloatingPointError: NaN"


def test_a_run_file_elsewhere_is_named() -> None:
    assert how_to_explain("out/my run.db") == "fallline explain 'out/my run.db'"


def test_reaches_are_thinned_evenly() -> None:
    ending = Ending(quiet=True, path="runs/a.db", optimizers=1)
    for k in range(3 * MOST_REACHES):
        ending._keep(float(k))
    kept = np.array(ending._reaches)
    assert MOST_REACHES // 2 <= len(kept) < MOST_REACHES
    assert np.median(kept) == pytest.approx(1.5 * MOST_REACHES, rel=0.01)
    assert np.diff(kept).max() <= 8


def test_the_line_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    summary = ended([1.0, 0.5])
    Ending(quiet=False, path="runs/a.db", optimizers=1).say(summary)
    Ending(quiet=True, path="runs/a.db", optimizers=1).say(summary)
    heard = capsys.readouterr()
    assert heard.out == ""
    assert heard.err == f"{summary.line}; `fallline explain`\n"


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(text)


@pytest.mark.parametrize("kind", ["closed", "missing", "broken", "ascii"])
def test_a_stderr_that_cannot_be_written(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    streams = {"closed": closed, "missing": None, "broken": Broken(), "ascii": narrow}
    monkeypatch.setattr(sys, "stderr", streams[kind])
    Ending(quiet=False, path="runs/a.db", optimizers=1).say(ended([9e9, 1e-9], alarms=()))


def test_a_run_that_is_gone_on_with(tmp_path: Path) -> None:
    import torch

    import fallline as fl

    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for session in range(2):
        with fl.watch(model, optimizer, run=tmp_path / "run.db", resume=session > 0, quiet=True) as watch:
            for loss in (4.0, 3.0) if session == 0 else (2.0, 1.0):
                optimizer.step()
                watch.step(loss)
    found = earlier_of(tmp_path / "run.db")
    assert (found.steps, found.losses.tolist()) == (4, [4, 3, 2, 1])
    run = fl.load(watch.path)
    assert run.summary.line.startswith("4 steps: loss 4 to 1 (the first and last)")
    assert (run.summary.steps, run.summary.first_loss, run.summary.best_loss) == (4, 4, 1)


def test_the_line_of_a_record_without_an_end() -> None:
    line = line_of(
        Outcome.INTERRUPTED,
        Losses.of(np.linspace(2, 1, 40)),
        steps=40,
        open_alarm=None,
        alarms=(),
        reaches=np.zeros(0),
        cost=None,
        stopped="Killed",
    )
    assert line == "Killed after 40 steps: loss 1.987 to 1.013 (means of the first and last 2)"


def test_a_rise_at_once_is_not_told_as_a_fall() -> None:
    rose = [2.336, *np.linspace(3.9, 2.367, 139)]
    assert ", never below its very first, 2.336" in ended(rose, cost=UNKNOWN).line
    dipped = [2.336, 2.3, *np.linspace(3.9, 2.367, 138)]
    assert ", above its very first, 2.336" in ended(dipped, cost=UNKNOWN).line
    assert "very first" not in ended(np.linspace(3.9, 2.367, 140), cost=UNKNOWN).line
