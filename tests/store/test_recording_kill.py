"""Nothing lost: kill the process at any moment, the recording opens with every step whose flush had returned."""

import collections
import os
from pathlib import Path

import numpy as np
import pytest

from fallline._errors import RunFileError
from fallline._store import RecordingWriter, list_runs, read_recording, read_snapshot
from store import recording_samples as samples
from store.test_kill import ENDINGS, killed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL and fork are POSIX")

HARNESS = Path(__file__).with_name("kill_recordings.py")


def check(path: Path, promised: int, finished: bool) -> str:
    """What the file was found to be."""
    try:
        found = read_recording(path)
    except RunFileError as problem:
        if promised >= 0 or "nothing has been written to it" not in str(problem):
            raise
        return "no header"
    assert len(found) >= promised
    samples.expect(found, len(found))
    if len(found):
        assert found.logged["accuracy"].step.tolist() == list(range(len(found)))
    for step in found.snapshots:
        kept = np.concatenate([values.ravel() for values in read_snapshot(path, step).values()])
        assert kept.tolist() == samples.parameters(step).tolist()
    if finished:
        assert found.summary is not None
    left = [ending for name, ending in ENDINGS.items() if path.with_suffix("." + name).exists()]
    resumed = "resumed " if any(event.kind.value == "resumed" for event in found.events) else ""
    if found.summary is None:
        with RecordingWriter.resume(path, samples.header()) as writer:  # what a kill left behind can be gone on with
            assert writer.next_step == len(found)
            writer.append(*samples.all_series(len(found), len(found) + 2), *samples.logged(len(found), len(found) + 2))
        samples.expect(read_recording(path), len(found) + 2)
    return resumed + ("finished" if found.summary is not None else f"unfinished, {left[0]}" if left else "unfinished")


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_no_kill_loses_a_flushed_step(tmp_path: Path, kills: int) -> None:
    files = killed(tmp_path, kills, HARNESS)
    found = collections.Counter(check(*file) for file in files)
    assert len({path.parent for path, _, _ in files}) >= kills // 2
    if kills == 200:  # the kills did strike in the middle of things, under both journals
        for kind in ("resumed", "unfinished, wal", "unfinished, journal"):
            assert any(kind in name for name in found), found
        assert any(name.endswith(" finished") or name == "finished" for name in found), found
        rows = [row for path in tmp_path.iterdir() for row in list_runs(path)]
        assert sum(row.outcome == "unfinished" for row in rows) >= 50
