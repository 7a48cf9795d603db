"""Nothing lost: kill the process at any moment, the file opens with every step whose flush had returned."""

import collections
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fallline._errors import RunFileError
from fallline._store import list_runs, new_steps, read_run
from store import samples

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL and fork are POSIX")

HARNESS = Path(__file__).with_name("kill_harness.py")
ENDINGS = {"db-wal": "wal", "db-journal": "journal", "db-shm": "wal"}


def killed(folder: Path, kills: int, harness: Path = HARNESS) -> list[tuple[Path, int, bool]]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "tests"])}
    done = subprocess.run(
        [sys.executable, str(harness), str(folder), str(kills)],
        capture_output=True, text=True, check=False, env=environment, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    rows = (line.rsplit(" ", 2) for line in done.stdout.splitlines())
    return [(Path(path), int(steps), finished == "1") for path, steps, finished in rows]


def check(path: Path, promised: int, finished: bool) -> str:
    """What the file was found to be."""
    before = {entry.name: entry.read_bytes() for entry in path.parent.glob(path.name + "*")}
    if promised < 0:
        try:
            run = read_run(path)
        except RunFileError as problem:
            if "nothing has been written to it" not in str(problem):
                raise
            return "no header"
    else:
        run = read_run(path)
    assert len(run) >= promised
    assert samples.bits(run.columns) == samples.bits(samples.columns(0, len(run)))
    gained = new_steps(path, max(promised, 0)).columns
    assert samples.bits(gained) == samples.bits(samples.columns(max(promised, 0), len(run)))
    if finished:
        assert run.summary is not None
    assert before[path.name] == path.read_bytes()
    left = [ending for name, ending in ENDINGS.items() if path.with_suffix("." + name).exists()]
    if run.summary is not None:
        return "finished" if not left else "finished, journal left"
    return f"unfinished, {left[0]}" if left else "unfinished"


@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_no_kill_loses_a_flushed_step(tmp_path: Path, kills: int) -> None:
    files = killed(tmp_path, kills)
    found = collections.Counter(check(*file) for file in files)
    assert len({path.parent for path, _, _ in files}) >= kills // 2
    if kills == 200:  # the kills did strike in the middle of things, under both journals
        assert {"finished", "unfinished, wal", "unfinished, journal"} <= set(found)
        rows = [row for path in tmp_path.iterdir() for row in list_runs(path)]
        assert sum(row.outcome == "unfinished" for row in rows) >= 50
