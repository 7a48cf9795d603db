"""Writing a recording where the disk, another process, a fork or the place itself is in the way."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fallline._errors import RunFileError
from fallline._store import RecordingWriter, _journal, read_recording
from store import recording_samples as samples
from store.places import names


def test_a_full_disk_keeps_what_was_committed_and_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    writer = RecordingWriter.create(path, samples.header())
    writer.append(samples.steps(0, 50))
    writer.commit()
    (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
    writer._connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall()
    writer.append(samples.steps(50, 3000))
    waiting = writer.waiting_bytes
    for _ in range(2):
        with pytest.raises(RunFileError, match=r"a\.db cannot be written: the disk is full"):
            writer.commit()
    assert writer.waiting_bytes == waiting
    assert samples.same(read_recording(path).steps, samples.steps(0, 50))
    writer._connection.execute("PRAGMA max_page_count = 100000").fetchall()
    writer.finish(samples.summary())
    assert samples.same(read_recording(path).steps, samples.steps(0, 3000))


def test_a_full_disk_for_real(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(150_000))
    with pytest.raises(RunFileError, match="the disk is full"):
        RecordingWriter.create(small_disk / "none.db", samples.header())
    assert names(small_disk) == ["filler"]
    filler.unlink()
    writer = RecordingWriter.create(small_disk / "a.db", samples.header())
    written = 0
    with pytest.raises(RunFileError, match="the disk is full"):  # noqa: PT012  (which commit fails is not known)
        for first in range(0, 100_000, 50):
            writer.append(samples.steps(first, first + 50))
            writer.commit()
            written = first + 50
    assert written > 0
    assert samples.same(read_recording(small_disk / "a.db").steps, samples.steps(0, written))
    with pytest.raises(RunFileError, match="the disk is full"):
        writer.close()


def test_another_connection_s_lock_is_said_and_waited_out(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        writer._connection.execute("PRAGMA busy_timeout = 10").fetchall()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writer.append(samples.steps(0, 4))
        with pytest.raises(RunFileError, match="another process is using it"):
            writer.commit()
        other.execute("ROLLBACK")
        other.close()
        writer.commit()
    assert samples.same(read_recording(path).steps, samples.steps(0, 4))


def test_without_wal_a_reader_in_the_way_makes_rows_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_journal, "unsafe_for_wal", lambda _: "/ is on nfs")
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        assert any("TRUNCATE instead of WAL" in note for note in writer.header.notes)
        writer._connection.execute("PRAGMA busy_timeout = 10").fetchall()
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        writer.append(samples.steps(0, 4))
        with pytest.raises(RunFileError, match="another process is using it"):
            writer.commit()
        reader.close()
        writer.commit()
        assert samples.same(read_recording(path).steps, samples.steps(0, 4))
    assert read_recording(path).header == writer.header


def test_a_removed_file_is_told_and_one_put_back_is_gone_on_with(tmp_path: Path) -> None:
    folder, moved = tmp_path / "runs", tmp_path / "moved"
    folder.mkdir()
    path = folder / "a.db"
    writer = RecordingWriter.create(path, samples.header())
    writer.append(samples.steps(0, 4))
    writer.commit()
    folder.rename(moved)
    writer.append(samples.steps(4, 6))
    with pytest.raises(RunFileError, match=r"a\.db cannot be written: no such file or directory"):
        writer.commit()
    folder.mkdir()
    with pytest.raises(RunFileError, match="no such file or directory"):
        writer.commit()
    folder.rmdir()
    moved.rename(folder)
    writer.commit()
    copy = path.read_bytes()
    wal = path.with_name("a.db-wal").read_bytes()
    path.unlink()
    path.with_name("a.db-wal").unlink()
    path.with_name("a.db-shm").unlink()
    path.write_bytes(copy)  # another file of the same content, as from a backup
    path.with_name("a.db-wal").write_bytes(wal)
    writer.append(samples.steps(6, 8))
    writer.finish(samples.summary())
    assert samples.same(read_recording(path).steps, samples.steps(0, 8))


def test_a_program_that_changes_its_folder_writes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    writer = RecordingWriter.create(Path("a.db"), samples.header())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    writer.append(samples.steps(0, 4))
    writer.finish(samples.summary())
    assert samples.same(read_recording(tmp_path / "a.db").steps, samples.steps(0, 4))


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(RunFileError, match=r"exists already and is never overwritten; .* resume=True goes on with it"):
        RecordingWriter.create(path, samples.header())
    assert path.read_text() == "mine"
    with pytest.raises(RunFileError, match=r"there is no folder .*none; make it first"):
        RecordingWriter.create(tmp_path / "none" / "a.db", samples.header())
    assert names(tmp_path) == ["notes.txt"]


def test_a_read_only_file_names_the_setting(tmp_path: Path) -> None:
    path = samples.make(tmp_path / "a.db")
    writer = RecordingWriter.resume(path, samples.header())
    writer._connection.execute("PRAGMA query_only = 1").fetchall()
    writer.append(samples.steps(30, 31))
    with pytest.raises(RunFileError, match="choose another place with run="):
        writer.commit()
    writer._connection.execute("PRAGMA query_only = 0").fetchall()
    writer.close()


def test_an_error_in_the_loop_keeps_what_was_appended(tmp_path: Path) -> None:
    def loop() -> None:
        with RecordingWriter.create(tmp_path / "a.db", samples.header()) as writer:
            writer.append(samples.steps(0, 4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert samples.same(read_recording(tmp_path / "a.db").steps, samples.steps(0, 4))


FORK = """
import os, sys
from pathlib import Path
from fallline._errors import RunFileError
from fallline._store import RecordingWriter
from store import recording_samples as samples

writer = RecordingWriter.create(Path(sys.argv[1]), samples.header())
writer.append(samples.steps(0, 4))
writer._connection.execute("BEGIN IMMEDIATE")     # the fork strikes in the middle of a transaction
writer._connection.execute("DELETE FROM meta")
child = os.fork()
if child == 0:
    try:
        writer.commit()
    except RunFileError as problem:
        sys.stdout.write(str(problem))
    writer.close()
    del writer
    sys.exit(0)                                    # everything is freed
assert os.waitpid(child, 0)[1] == 0
writer._connection.execute("ROLLBACK")
writer.append(samples.steps(4, 6))
writer.finish(samples.summary())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
@pytest.mark.parametrize("wal", [True, False])
def test_a_forked_child_leaves_the_file_alone(tmp_path: Path, wal: bool) -> None:
    unsafe = "" if wal else "import fallline._store._journal as j; j.unsafe_for_wal = lambda _: '/ is on nfs'\n"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "tests"])}
    done = subprocess.run(
        [sys.executable, "-c", unsafe + FORK, str(tmp_path / "a.db")],
        capture_output=True, text=True, check=False, env=environment, cwd=Path(__file__).parents[2], timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "or this process was forked" in done.stdout
    assert samples.same(read_recording(tmp_path / "a.db").steps, samples.steps(0, 6))


def test_a_second_writer_that_goes_on_shuts_the_first_out(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    first = RecordingWriter.create(path, samples.header())
    first.append(samples.steps(0, 4))
    first.commit()
    with RecordingWriter.resume(path, samples.header()) as second:
        second.append(samples.steps(4, 6))
    first.append(samples.steps(4, 9))
    with pytest.raises(RunFileError, match="another process has gone on with it"):
        first.commit()
    with pytest.raises(RunFileError, match="another process has gone on with it"):
        first.close()
    assert samples.same(read_recording(path).steps, samples.steps(0, 6))


def test_a_writer_leaves_nothing_behind_for_forks_to_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is registered for forks can never be taken away again."""
    monkeypatch.setattr(os, "register_at_fork", pytest.fail)
    with RecordingWriter.create(tmp_path / "a.db", samples.header()) as writer:
        writer.append(samples.steps(0, 3))
    assert len(read_recording(tmp_path / "a.db")) == 3
