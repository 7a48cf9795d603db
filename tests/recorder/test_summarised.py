"""docs/semantics.md#outcome-of-a-loop: a record without an end."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import recordings
from fallline._recorder import summarised_recording
from fallline._records import Outcome, Recording


def killed(made: Callable[[], Recording]) -> Recording:
    return replace(made(), summary=None)


def test_a_summary_is_left_alone() -> None:
    assert summarised_recording(recordings.well_behaved()) is recordings.well_behaved()


def test_a_killed_run() -> None:
    full = recordings.killed()
    summary = summarised_recording(full).summary
    assert summary is not None
    assert summary.outcome is Outcome.INTERRUPTED
    assert summary.steps == 700
    assert (summary.first_loss, summary.last_loss) == (full.steps.loss[0], full.steps.loss[-1])
    assert summary.best_loss == full.steps.loss.min()
    assert summary.cost.share is None
    assert summary.exception is None
    assert "after 700 steps: loss " in summary.line
    assert "cost" not in summary.line
    assert f"reach {np.median(full.batches.reach):.2g} in the median" in summary.line


@pytest.mark.parametrize("name", ["diverging", "nan_data"])
def test_killed_after_it_diverged(name: str) -> None:
    made = recordings.CATALOGUE[name]
    summary = summarised_recording(killed(made)).summary
    assert summary is not None
    assert summary.outcome is Outcome.DIVERGED
    assert summary.line.startswith(f"Diverged at step {made().alarms[0].step:,}")


def test_killed_long_after_an_alarm() -> None:
    full = killed(recordings.well_behaved)
    loss = full.steps.loss.copy()
    loss[1000] = np.nan
    alarm = replace(recordings.nan_data().alarms[0], step=1000)
    steps = replace(full.steps, loss=loss)
    summary = summarised_recording(replace(full, steps=steps, alarms=(alarm,))).summary
    assert summary is not None
    assert summary.outcome is Outcome.INTERRUPTED
    gone = replace(steps, loss=np.where(np.arange(len(loss)) >= 1996, np.inf, loss))
    last = replace(alarm, step=1996)
    again = summarised_recording(replace(full, steps=gone, alarms=(alarm, last))).summary
    assert again is not None
    assert again.outcome is Outcome.DIVERGED
    assert again.line.startswith("Diverged at step 1,996")


@pytest.mark.parametrize("name", recordings.CATALOGUE)
def test_every_recording_of_the_catalogue(name: str) -> None:
    summary = summarised_recording(killed(recordings.CATALOGUE[name])).summary
    assert summary is not None
    assert "\n" not in summary.line


@pytest.mark.slow
def test_it_needs_no_torch() -> None:
    tests = Path(__file__).parents[1]
    program = (
        f"import sys; sys.path.insert(0, {str(tests)!r}); import recordings; "
        "from fallline._recorder import summarised_recording; summarised_recording(recordings.killed()); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
