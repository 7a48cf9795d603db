"""Reading a run: live, finished, left by a killed process, on read-only media, or no run at all."""

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallline._errors import RunFileError
from fallline._store import RunWriter, _journal, new_steps, read_column, read_header, read_run
from store import samples
from store.places import mounted, names, without_privileges

STEPS = 40


def create(path: Path) -> RunWriter:
    return RunWriter.create(path, samples.header(), samples.sample(), samples.moments())


def finished(path: Path) -> Path:
    with create(path) as writer:
        writer.append(samples.columns(0, STEPS))
        writer.finish(samples.summary())
    return path


def killed(folder: Path, journals: tuple[str, ...] = ("-wal", "-shm")) -> Path:
    """What a kill leaves: the files as they lie there while the writer is at work."""
    writer = create(folder / "live.db")
    writer.append(samples.columns(0, STEPS))
    writer.flush()
    for suffix in ("", *journals):
        shutil.copyfile(folder / f"live.db{suffix}", folder / f"killed.db{suffix}")
    writer.close()
    (folder / "live.db").unlink()
    return folder / "killed.db"


def holds_all(path: Path) -> bool:
    return samples.bits(read_run(path).columns) == samples.bits(samples.columns(0, STEPS))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_reading_leaves_a_finished_file_alone(tmp_path: Path) -> None:
    path = finished(tmp_path / "a.db")
    before = files(tmp_path)
    assert holds_all(path)
    assert read_header(path) == samples.header()
    assert files(tmp_path) == before


@pytest.mark.parametrize("journals", [("-wal", "-shm"), ("-wal",)])
def test_a_killed_run_is_read_and_not_changed(tmp_path: Path, journals: tuple[str, ...]) -> None:
    path = killed(tmp_path, journals)
    before = files(tmp_path)
    assert holds_all(path)
    assert holds_all(path)
    assert {name: files(tmp_path)[name] for name in ("killed.db", "killed.db-wal")} == {
        name: before[name] for name in ("killed.db", "killed.db-wal")
    }


@pytest.mark.parametrize("journals", [("-wal", "-shm"), ("-wal",), ()])
def test_a_killed_run_in_a_folder_we_may_not_write(open_folder: Path, journals: tuple[str, ...]) -> None:
    path = killed(open_folder, journals)
    for entry in open_folder.iterdir():
        entry.chmod(0o444)
    open_folder.chmod(0o555)
    before = files(open_folder)
    with without_privileges():
        if journals:
            assert holds_all(path)
        else:  # the journal was not copied along, and the steps were only there
            with pytest.raises(RunFileError):
                read_run(path)
    assert files(open_folder) == before
    open_folder.chmod(0o755)


def test_runs_on_read_only_media(tmp_path: Path) -> None:
    with mounted(tmp_path / "disc", "-t", "tmpfs", "-o", "size=2m", "tmpfs") as disc:
        whole, cut = finished(disc / "whole.db"), killed(disc, ("-wal",))
        subprocess.run(["mount", "-o", "remount,ro", str(disc)], check=True)
        assert holds_all(whole)
        assert holds_all(cut)
        with pytest.raises(RunFileError, match=r"new\.db cannot be written: read-only file system"):
            create(disc / "new.db")


def test_a_half_written_transaction_is_taken_back_in_a_copy(tmp_path: Path) -> None:
    """Killed in the middle of a commit: the file is half new, and the rollback journal knows the old."""
    path = tmp_path / "live.db"
    writer = create(path)
    writer.append(samples.columns(0, STEPS))
    writer.flush()
    writer._connection.execute("PRAGMA journal_mode = TRUNCATE").fetchall()
    writer._connection.execute("PRAGMA cache_size = 2").fetchall()
    writer._connection.execute("BEGIN")
    writer._connection.execute("UPDATE chunk SET data = zeroblob(5000)")  # spills: pages reach the file uncommitted
    for suffix in ("", "-journal"):
        shutil.copyfile(f"{path}{suffix}", tmp_path / f"cut.db{suffix}")
    writer._connection.execute("ROLLBACK")
    writer.close()
    before = files(tmp_path)
    assert before["cut.db"] != before["live.db"]
    assert holds_all(tmp_path / "cut.db")
    assert files(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("journal", ["wal", "truncate"])
def test_a_reader_that_polls_sees_every_step_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    if journal == "truncate":
        monkeypatch.setattr(_journal, "unsafe_for_wal", lambda _: "/ is on nfs")
    path, total = tmp_path / "a.db", 600

    def write() -> None:
        with create(path) as writer:
            started.set()
            for first in range(0, total, 3):
                writer.append(samples.columns(first, first + 3))
                writer.flush()
                if first % 60 == 0:  # neither may run away from the other
                    polled.clear()
                    polled.wait(10)
            writer.finish(samples.summary())

    started, polled = threading.Event(), threading.Event()
    thread = threading.Thread(target=write)
    thread.start()
    started.wait(10)
    seen, polls, complete = 0, [], False
    while not complete:
        alive = thread.is_alive()
        new = new_steps(path, seen)
        polled.set()
        expected = samples.columns(seen, seen + len(new.columns))
        assert new.first_step == seen
        assert samples.bits(new.columns) == samples.bits(expected)
        seen += len(new.columns)
        polls.append(seen)
        complete = new.summary is not None
        assert complete or alive, "the writer gave up"
    thread.join()
    assert seen == total
    assert len(set(polls)) > 3, "the reader never saw it grow"
    assert names(tmp_path) == ["a.db"]


def test_new_steps_starts_inside_a_block(tmp_path: Path) -> None:
    path = finished(tmp_path / "a.db")
    assert samples.bits(new_steps(path, 17).columns) == samples.bits(samples.columns(17, STEPS))
    assert len(new_steps(path, STEPS).columns) == len(new_steps(path, STEPS + 5).columns) == 0
    with pytest.raises(ValueError, match="got -1"):
        new_steps(path, -1)


def test_one_column(tmp_path: Path) -> None:
    path = finished(tmp_path / "a.db")
    gradient = read_column(path, "gradient")
    assert gradient.values.tobytes() == samples.columns(0, STEPS).gradient.tobytes()
    assert gradient.values.shape == (STEPS, 2)
    assert gradient.measured.all()
    full_loss = read_column(path, "full_loss")
    assert full_loss.measured.tolist() == [step % 3 == 2 for step in range(STEPS)]
    with pytest.raises(RunFileError, match=r'no column "gradeint".* Did you mean "gradient"\?'):
        read_column(path, "gradeint")


def sql(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        connection = sqlite3.connect(finished(path))
        connection.execute(statement)
        connection.commit()
        connection.close()

    return change


def other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cookies (name TEXT)")
    connection.close()


def cut_short(path: Path) -> None:
    os.truncate(finished(path), 9000)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.with_name("0001-lime.db").touch(),
                'There is no run file .* Did you mean "0001-lime.db"'),
    "empty": (Path.touch, "nothing has been written to it"),
    "text": (lambda path: path.write_text("step,loss\n" * 200), "not a run file .not an SQLite database"),
    "folder": (Path.mkdir, "it is a folder"),
    "other database": (other_database, "it is an SQLite database, but not a fallline run"),
    "no tables": (lambda path: sqlite3.connect(path).execute("PRAGMA user_version = 1").connection.close(),
                  "nothing has been written to it"),
    "newer": (sql("PRAGMA user_version = 4"), "was written by a newer fallline .* upgrade with"),
    "cut short": (cut_short, "it is damaged"),
    "no header": (sql("DELETE FROM meta WHERE key = 'header'"), r"it is damaged \(header is missing\)"),
    "broken header": (sql("UPDATE meta SET value = '{}' WHERE key = 'header'"), "stood: name is missing"),
    "no sample": (sql("DELETE FROM array WHERE name = 'sample.target'"), r"sample\.target is missing"),
    "broken shape": (sql("UPDATE array SET shape = '[7]'"), r"an array of shape \(7,\) should take 56 bytes"),
    "no column": (sql("DELETE FROM chunk WHERE column = 'loss'"), "its columns are not equally long"),
    "a gap": (sql("UPDATE block SET first_step = 3"), "column epoch does not go on at step 0"),
    "short blob": (sql("UPDATE chunk SET data = x'00' WHERE column = 'loss'"), "take 320 bytes and takes 1"),
    "short mask": (sql("UPDATE chunk SET mask = x'01' WHERE column = 'reach'"), "has 1 entries for 40 steps"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_one_clear_sentence(tmp_path: Path, case: str) -> None:
    make, sentence = BAD_FILES[case]
    path = tmp_path / "0001-line.db"
    make(path)
    with pytest.raises(RunFileError, match=sentence) as caught:
        read_run(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "Errno" not in message
    assert str(path) in message
    assert message.count("cannot be read") <= 1


def test_permission_refused(open_folder: Path) -> None:
    path = finished(open_folder / "a.db")
    path.chmod(0)
    with without_privileges(), pytest.raises(RunFileError, match=r"a\.db cannot be read: permission denied"):
        read_run(path)
    open_folder.chmod(0o555)
    with (
        without_privileges(),
        pytest.raises(RunFileError, match=r"b\.db cannot be written: permission denied"),
    ):
        create(open_folder / "b.db")
    open_folder.chmod(0o755)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_anywhere_is_a_sentence_or_a_run(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp()
    original = folder / "damage-original.db"
    if not original.exists():
        finished(original)
    content = bytearray(original.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(1, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "damaged.db"
    path.write_bytes(content)
    for read in (
        read_run,
        read_header,
        lambda path: new_steps(path, 3),
        lambda path: read_column(path, "loss"),
    ):
        try:
            read(path)
        except RunFileError as problem:
            if "damaged.db" not in str(problem):
                raise
    for beside in folder.glob("damaged.db-*"):
        beside.unlink()
