"""``fl.load``: a neuron's run or a watched loop, whichever the file holds."""

from pathlib import Path

import numpy as np
import pytest

import fallline as fl
import recordings
from fallline._store import RecordingWriter


def test_a_neuron_run_comes_back_with_its_summary(tmp_path: Path) -> None:
    made = fl.fit(epochs=3, run=tmp_path / "line.db")
    back = fl.load(tmp_path / "line.db")
    assert isinstance(back, fl.Run)
    assert back.summary == made.summary


@pytest.mark.parametrize("finished", [True, False])
def test_a_watched_loop_comes_back_as_a_recording(tmp_path: Path, finished: bool) -> None:
    whole = recordings.diverging()
    assert whole.summary is not None
    with RecordingWriter.create(tmp_path / "loop.db", whole.header) as writer:
        writer.append(whole.steps, *whole.alarms)
        writer.commit()
        if finished:
            writer.finish(whole.summary)
    back = fl.load(str(tmp_path / "loop.db"))
    assert isinstance(back, fl.Recording)
    np.testing.assert_array_equal(back.steps.loss, whole.steps.loss)
    assert back.summary is not None
    assert ("has no end" in back.summary.line) == (not finished)
    assert repr(back) == "<Recording resnet: SGD, 4313 steps, diverged>"
    assert [alarm.first_layer for alarm in back.alarms] == ["layer4.conv1"]


def test_no_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(fl.RunFileError):
        fl.load(tmp_path / "nothing.db")
