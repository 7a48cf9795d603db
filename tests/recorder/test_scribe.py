"""Writing beside the loop: soon, whatever the disk does, and never in the loop's way."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fallline._errors import RunFileError
from fallline._recorder import _scribe
from fallline._recorder._scribe import Scribe
from fallline._records import EventKind, Recording
from fallline._store import RecordingWriter, read_recording
from store import recording_samples as samples
from store.places import mounted

FEW_SECONDS = 20.0


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scribe, "COMMIT_SECONDS", 0.01)
    monkeypatch.setattr(_scribe, "RETRY_SECONDS", (0.02, 0.05))


class Desk:
    """A scribe, its writer, and what it warned of."""

    def __init__(self, path: Path, memory: int = 1 << 20) -> None:
        self.path, self.warnings = path, []
        self.writer = RecordingWriter.create(path, samples.header())
        self.writer._connection.execute("PRAGMA busy_timeout = 10").fetchall()
        self.scribe = Scribe(self.writer, memory=memory, warn=self.warnings.append)

    def read(self) -> Recording:
        return read_recording(self.path)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "a.db")
    yield made
    made.scribe.close()


def eventually(true: Callable[[], bool]) -> None:
    """Wait until something holds that a thread brings about."""
    until = time.monotonic() + FEW_SECONDS
    while not true():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.005)


class Locked:
    """Another connection that holds the file."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def test_what_was_put_is_written_soon_by_itself(desk: Desk) -> None:
    desk.scribe.put(samples.steps(0, 3), lambda: [samples.layers(0, 2), samples.event(1)])
    eventually(lambda: len(desk.read()) == 3)
    assert samples.same(desk.read().layers, samples.layers(0, 2))
    assert (desk.warnings, desk.scribe.failed) == ([], False)


def test_a_flush_that_returned_true_is_in_the_file(desk: Desk) -> None:
    for first in range(0, 50, 5):
        desk.scribe.put(lambda first=first: samples.all_series(first, first + 5))
        assert desk.scribe.flush(FEW_SECONDS)
        samples.expect(desk.read(), first + 5)


def test_the_loop_converts_nothing(desk: Desk) -> None:
    threads = []

    def rows() -> list[object]:
        threads.append(threading.current_thread())
        return [samples.steps(0, 3)]

    desk.scribe.put(rows)
    assert desk.scribe.flush(FEW_SECONDS)
    assert threads == [desk.scribe._thread]
    assert desk.scribe._thread.daemon


def test_the_end(desk: Desk) -> None:
    desk.scribe.put(samples.steps(0, 3))
    assert desk.scribe.finish(samples.summary())
    assert desk.read().summary == samples.summary(steps=3)
    assert len(desk.read()) == 3
    assert [entry.name for entry in desk.path.parent.iterdir()] == ["a.db"]
    desk.scribe.put(samples.steps(3, 6))
    assert desk.scribe.flush() is False
    assert desk.scribe.close() is True
    eventually(lambda: not desk.scribe._thread.is_alive())


def test_close_without_an_end_reads_as_unfinished(desk: Desk) -> None:
    desk.scribe.put(samples.steps(0, 3))
    assert desk.scribe.close() is True
    assert (len(desk.read()), desk.read().summary) == (3, None)
    assert not desk.writer._open
    eventually(lambda: not desk.scribe._thread.is_alive())


def test_a_locked_file_is_one_warning_and_nothing_is_lost(desk: Desk) -> None:
    with Locked(desk.path):
        for first in range(0, 20, 5):
            desk.scribe.put(samples.steps(first, first + 5))
            assert desk.scribe.flush(FEW_SECONDS) is False
            assert desk.scribe.failed
    (said,) = desk.warnings
    assert "a.db cannot be written: another process is using it" in said
    eventually(lambda: not desk.scribe.failed)  # it tries again by itself
    found = desk.read()
    assert samples.same(found.steps, samples.steps(0, 20))
    assert found.events == ()


def test_what_does_not_fit_the_memory_is_dropped_oldest_first_and_marked(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a.db", memory=40_000)
    desk.scribe.put(samples.steps(0, 5))
    assert desk.scribe.flush(FEW_SECONDS)
    with Locked(desk.path):
        for first in range(5, 505, 50):
            desk.scribe.put(samples.steps(first, first + 50), samples.event(first))
            assert desk.scribe.flush(FEW_SECONDS) is False
        assert desk.writer.waiting_bytes <= 20_000  # the other half is for what comes
    eventually(lambda: not desk.scribe.failed)
    desk.scribe.put(samples.steps(505, 510))
    assert desk.scribe.close()
    found = desk.read()
    kept = found.steps.step.tolist()
    missing = sorted(set(range(510)) - set(kept))
    assert kept[:5] == list(range(5))
    assert missing == list(range(5, missing[-1] + 1))
    assert 5 <= missing[-1] < 504
    gap = found.events[-1]
    assert (gap.step, gap.kind) == (5, EventKind.GAP)
    assert gap.text.startswith(f"Steps 5 to {missing[-1]} are missing")
    assert len(found.events) == 11
    assert len(desk.warnings) == 1


def test_a_disk_that_hangs_does_not_let_the_queue_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path / "a.db", memory=4 * _scribe.RECORD_BYTES)
    hangs, goes_on = threading.Event(), threading.Event()
    commit = desk.writer.commit

    def slow() -> None:
        hangs.set()
        goes_on.wait(FEW_SECONDS)
        commit()

    monkeypatch.setattr(desk.writer, "commit", slow)
    desk.scribe.put(samples.steps(0, 1))
    assert hangs.wait(FEW_SECONDS)
    for step in range(1, 100):
        desk.scribe.put(samples.steps(step, step + 1))
    assert desk.scribe.flush(0.01) is False
    assert len(desk.scribe._queue) <= 5  # with the flush that nobody waits for any more
    goes_on.set()
    assert desk.scribe.flush(FEW_SECONDS) is False  # nobody may believe that all of it is in the file
    assert desk.scribe.flush(FEW_SECONDS)
    desk.scribe.put(samples.steps(100, 102))
    assert desk.scribe.close()
    found = desk.read()
    assert found.steps.step.tolist() == [0, 1, 2, 3, 100, 101]
    (gap,) = found.events
    assert (gap.step, gap.kind) == (4, EventKind.GAP)
    assert gap.text.startswith("Steps 4 to 99 are missing: they came faster than they were written; ")
    assert gap.text.endswith(" waited in memory already, and memory= allows 8.2 kB for that.")
    assert len(desk.warnings) == 1


def test_steps_lost_at_the_very_end_are_marked(desk: Desk) -> None:
    desk.scribe.put(samples.steps(0, 3))
    desk.scribe.put_rows(lambda: 1 / 0, (3, 7), nbytes=100)
    assert desk.scribe.finish(samples.summary())
    gap = desk.read().events[-1]
    assert (gap.kind, gap.step) == (EventKind.GAP, 3)
    assert gap.text == "Steps 3 to 7 are missing: what was measured could not be turned into rows."


def test_a_callable_that_raises_is_marked_and_warned_of_once(desk: Desk) -> None:
    desk.scribe.put(samples.steps(0, 3))
    for _ in range(3):
        desk.scribe.put(lambda: 1 / 0)
    assert desk.scribe.flush(FEW_SECONDS) is False
    desk.scribe.put(lambda: [samples.layers(9, 2)], samples.steps(5, 6))
    assert desk.scribe.flush(FEW_SECONDS)
    found = desk.read()
    assert found.steps.step.tolist() == [0, 1, 2, 5]
    note, other, gap = found.events
    assert (note.kind, note.step) == (EventKind.NOTE, 2)
    assert "ZeroDivisionError: division by zero" in note.text
    assert " measurements taken now and then are missing (3 times): what was measured could not" in other.text
    assert (gap.kind, gap.text) == (EventKind.GAP, "Steps 3 to 4 are missing: they never came to be written.")
    assert len(desk.warnings) == 1


def test_rows_in_disorder_do_not_end_the_thread(desk: Desk) -> None:
    desk.scribe.put(samples.steps(5, 8), samples.steps(0, 3), samples.steps(8, 9))
    assert desk.scribe.flush(FEW_SECONDS) is False
    assert desk.read().steps.step.tolist() == [5, 6, 7, 8]
    (said,) = desk.warnings
    assert "expected rising steps beyond 7" in said


def test_a_fault_that_nobody_foresaw_does_not_end_the_thread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = desk.writer.commit
    faults = iter([ValueError("odd"), MemoryError()])

    def odd() -> None:
        for fault in faults:
            raise fault
        commit()

    monkeypatch.setattr(desk.writer, "commit", odd)
    desk.scribe.put(samples.steps(0, 3))
    eventually(lambda: len(desk.read()) == 3)
    assert len(desk.warnings) == 1


def test_an_end_waits_for_a_lock_to_go(desk: Desk) -> None:
    desk.scribe.put(samples.steps(0, 3))
    with Locked(desk.path):
        assert desk.scribe.finish(samples.summary(), timeout=0.05) is False
    assert desk.scribe.finish(samples.summary(), timeout=FEW_SECONDS)
    assert desk.read().summary == samples.summary(steps=3)
    assert len(desk.read()) == 3


def test_a_removed_folder_is_one_warning(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    desk = Desk(folder / "a.db")
    moved = folder.rename(tmp_path / "moved")
    desk.scribe.put(samples.steps(0, 3))
    assert desk.scribe.flush(FEW_SECONDS) is False
    assert desk.scribe.flush(FEW_SECONDS) is False
    (said,) = desk.warnings
    assert "no such file or directory" in said
    moved.rename(folder)
    assert desk.scribe.close()
    assert len(desk.read()) == 3


def test_a_removed_folder_for_good_ends_quietly(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    desk = Desk(folder / "a.db")
    folder.rename(tmp_path / "moved")
    desk.scribe.put(samples.steps(0, 3))
    assert desk.scribe.finish(samples.summary(), timeout=0.05) is False
    assert desk.scribe.close() is False
    assert len(desk.warnings) == 1
    eventually(lambda: not desk.scribe._thread.is_alive())


def test_a_full_disk_that_gets_room_again(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=400k", "tmpfs") as folder:
        desk = Desk(folder / "a.db", memory=100_000)
        desk.scribe.put(samples.steps(0, 10))
        assert desk.scribe.flush(FEW_SECONDS)
        (folder / "filler").write_bytes(bytes(os.statvfs(folder).f_bavail * 4096))
        for first in range(10, 2010, 100):
            desk.scribe.put(samples.steps(first, first + 100))
            desk.scribe.flush(FEW_SECONDS)
        assert desk.scribe.failed
        (said,) = desk.warnings
        assert "the disk is full" in said
        committed = len(desk.read())
        (folder / "filler").unlink()
        desk.scribe.put(samples.steps(2010, 2020))
        assert desk.scribe.flush(FEW_SECONDS) or desk.scribe.flush(FEW_SECONDS)
        assert desk.scribe.finish(samples.summary())
        found = desk.read()
        gap = found.events[-1]
        assert (gap.kind, gap.step) == (EventKind.GAP, committed)
        assert found.steps.step[-1] == 2019
        assert len(desk.warnings) == 1


def test_a_file_that_became_read_only(desk: Desk) -> None:
    connection = desk.writer._connection
    connection.execute("PRAGMA query_only = 1").fetchall()
    desk.scribe.put(samples.steps(0, 3))
    assert desk.scribe.flush(FEW_SECONDS) is False
    assert "it, or its folder, is read-only" in desk.warnings[0]
    connection.execute("PRAGMA query_only = 0").fetchall()
    assert desk.scribe.close()
    assert len(desk.read()) == 3


def program(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    head = (
        "import os, sys, threading\nfrom pathlib import Path\nfrom fallline._recorder._scribe import Scribe\n"
        "from fallline._store import RecordingWriter\nfrom store import recording_samples as samples\n"
        "writer = RecordingWriter.create(Path(sys.argv[1]), samples.header())\n"
        "scribe = Scribe(writer, memory=1 << 20, warn=lambda said: sys.stderr.write(said))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "tests"])}
    return subprocess.run(
        [sys.executable, "-c", head + code, str(tmp_path / "a.db")],
        capture_output=True, text=True, check=False, env=environment, cwd=Path(__file__).parents[2], timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("", 0),
        pytest.param("sys.exit(3)", 3, marks=pytest.mark.slow),
        ("raise KeyboardInterrupt", -2),
        pytest.param("scribe.close(); scribe.close()", 0, marks=pytest.mark.slow),
    ],
)
def test_a_program_that_ends_without_closing_has_its_steps(tmp_path: Path, ending: str, status: int) -> None:
    done = program(tmp_path, f"scribe.put(lambda: [samples.steps(0, 3)])\n{ending}")
    assert done.returncode == status
    assert "Traceback" not in done.stderr or "KeyboardInterrupt" in done.stderr
    found = read_recording(tmp_path / "a.db")
    assert samples.same(found.steps, samples.steps(0, 3))
    assert found.summary is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
@pytest.mark.parametrize("forks", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_a_forked_child_does_nothing(tmp_path: Path, forks: int) -> None:
    code = """
for turn in range(FORKS):                       # the fork strikes at any moment of the thread's work
    scribe.put(samples.steps(2 * turn, 2 * turn + 2))
    child = os.fork()
    if child == 0:
        scribe.put(samples.steps(1000, 1003))
        if scribe.flush() or scribe.finish(samples.summary()) or not scribe.close():
            os._exit(1)
        del scribe, writer
        sys.exit(0)                          # with all that an exit does
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("the child failed")
if not scribe.finish(samples.summary()):
    sys.exit("the parent could not go on")
"""
    done = program(tmp_path, code.replace("FORKS", str(forks)))
    assert (done.returncode, done.stderr) == (0, "")
    found = read_recording(tmp_path / "a.db")
    assert samples.same(found.steps, samples.steps(0, 2 * forks))
    assert found.summary == samples.summary(steps=2 * forks)


def test_a_writer_that_was_closed_says_so(desk: Desk) -> None:
    desk.scribe.put(samples.steps(0, 3))
    assert desk.scribe.flush(FEW_SECONDS)
    desk.writer.close()
    desk.writer.append(samples.steps(3, 4))
    with pytest.raises(RunFileError, match="it is closed"):
        desk.writer.commit()


class Hanging:
    """A disk that hangs in its first commit, until it is told to go on."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self._hangs, self._goes_on, self._commit = threading.Event(), threading.Event(), desk.writer.commit
        monkeypatch.setattr(desk.writer, "commit", self._slow)
        desk.scribe.put(samples.steps(0, 3))
        assert self._hangs.wait(FEW_SECONDS)

    def _slow(self) -> None:
        self._hangs.set()
        self._goes_on.wait(FEW_SECONDS)
        self._commit()

    def goes_on(self) -> None:
        self._goes_on.set()


def test_only_what_was_refused_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path / "a.db", memory=2 * _scribe.RECORD_BYTES)
    disk = Hanging(desk, monkeypatch)
    assert desk.scribe.put(samples.steps(3, 4))
    assert not desk.scribe.put(samples.batches(3, 4))
    assert not desk.scribe.put(samples.batches(5, 6), *samples.logged(5, 6))
    assert desk.scribe.put(samples.event(1), samples.alarm(2), samples.snapshot(3))  # these are always taken
    disk.goes_on()
    assert desk.scribe.flush(FEW_SECONDS) is False
    assert desk.scribe.finish(samples.summary())
    found = desk.read()
    assert found.steps.step.tolist() == [0, 1, 2, 3]
    assert found.snapshots == (3,)
    gaps = sorted(event.text.partition(":")[0] for event in found.events if event.kind is EventKind.GAP)
    assert gaps == [
        "At step 5 numbers of watch.log are missing",
        "Between steps 3 and 5 measurements on the step's own batch are missing (2 times)",
    ]


def test_snapshots_need_no_room_among_the_rows(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a.db", memory=100)
    with Locked(desk.path):
        desk.scribe.put(samples.snapshot(0))
        assert desk.scribe.flush(FEW_SECONDS) is False
        assert desk.scribe.put(samples.snapshot(1), samples.snapshot(2))
        assert desk.scribe.flush(FEW_SECONDS) is False
        assert desk.writer.waiting_bytes == 0
    assert desk.scribe.close()
    assert desk.read().snapshots == (0, 1, 2)
    assert desk.read().events == ()


def test_half_the_memory_hurries_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scribe, "COMMIT_SECONDS", 1e6)
    desk = Desk(tmp_path / "a.db", memory=1000)
    desk.scribe.put_rows(lambda: [samples.steps(0, 1)], (0, 0), nbytes=400)
    assert desk.scribe.put_rows(lambda: [samples.steps(1, 2)], (1, 1), nbytes=400)
    eventually(lambda: len(desk.read()) == 2)
    assert desk.scribe.close()


def test_rows_that_will_not_come_are_marked(desk: Desk) -> None:
    desk.scribe.put(samples.steps(0, 3))
    assert desk.scribe.flush(FEW_SECONDS)
    desk.scribe.miss_rows(5, "their device is gone")
    assert desk.scribe.finish(samples.summary())
    assert desk.read().events[-1].text == "Steps 3 to 5 are missing: their device is gone."


@pytest.mark.parametrize("finished", [True, False])
def test_an_end_in_the_scribes_own_thread_does_not_wait_for_itself(desk: Desk, finished: bool) -> None:
    """As where the garbage collector finds a watch there."""
    answers: list[bool] = []

    def ends() -> list[object]:
        began = time.monotonic()
        answers.append(desk.scribe.flush())
        answers.append(desk.scribe.finish(samples.summary()) if finished else desk.scribe.close())
        answers.append(time.monotonic() - began < _scribe.EXIT_SECONDS / 2)
        return [samples.steps(0, 3)]

    desk.scribe.put(ends)
    eventually(lambda: not desk.scribe._thread.is_alive())
    assert answers == [False, finished, True]
    assert len(desk.read()) == 3
    assert (desk.read().summary is not None) is finished


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX")
@pytest.mark.slow
def test_a_handler_that_ends_the_record_inside_of_put(tmp_path: Path) -> None:
    code = """
import signal
class Ended(Exception):
    pass
def end(*_):
    scribe.close()
    raise Ended
signal.signal(signal.SIGALRM, end)
signal.setitimer(signal.ITIMER_REAL, 0.05 + int(Path(sys.argv[1]).parent.name) / 1000)
try:
    while True:
        scribe.put()                           # rings its bell
        scribe._rung = False
except Ended:
    pass
"""
    for turn in range(4):
        (tmp_path / str(turn)).mkdir()
        assert program(tmp_path / str(turn), code).returncode == 0
