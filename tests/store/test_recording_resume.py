"""Going on with a recording."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from fallline._errors import RunFileError
from fallline._records import EventKind, RecordingHeader
from fallline._store import RecordingWriter, RunWriter, read_recording, read_snapshot
from store import recording_samples as samples
from store import samples as neuron


@pytest.mark.parametrize("finished", [True, False])
def test_it_goes_on_after_the_last_step(tmp_path: Path, finished: bool) -> None:
    path = samples.make(tmp_path / "a.db", finish=finished)
    with RecordingWriter.resume(path, replace(samples.header(), name="other", started="later")) as writer:
        assert writer.next_step == 30
        assert writer.header == samples.header()
        assert read_recording(path).summary is None
        writer.append(*samples.all_series(30, 40), *samples.logged(30, 40))
        writer.finish(samples.summary(line="again"))
    found = read_recording(path)
    samples.expect(found, 40)
    assert found.header == samples.header()
    assert found.summary == samples.summary(line="again", steps=40)
    assert len(found.logged["accuracy"].step) == 40
    note, resumed = found.events
    assert (note, resumed.kind, resumed.step, resumed.text) == (
        samples.event(3), EventKind.RESUMED, 30, "Resumed at step 30.",
    )  # fmt: skip
    assert len(found.alarms) == 1


def test_from_a_checkpoint_everything_later_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        for first in range(0, 30, 10):
            writer.append(*samples.all_series(first, first + 10), *samples.logged(first, first + 10))
            writer.append(samples.snapshot(first - 1), samples.event(first), samples.alarm(first + 5))
            writer.commit()
        writer.append(*samples.logged(20, 25, "late"), samples.snapshot(14), samples.snapshot(15))
        writer.finish(samples.summary())
    with RecordingWriter.resume(path, samples.header(), at=15) as writer:
        assert writer.next_step == 15
        found = read_recording(path)
        samples.expect(found, 15)
        assert list(found.logged) == ["accuracy"]
        assert found.logged["accuracy"].step.tolist() == list(range(15))
        assert found.snapshots == (-1, 9, 14)
        assert [alarm.step for alarm in found.alarms] == [5]
        assert [(event.step, event.kind.value) for event in found.events] == [
            (0, "note"),
            (10, "note"),
            (15, "resumed"),
        ]
        assert found.events[-1].text == "Resumed at step 15: 15 steps recorded later were removed."
        assert found.summary is None
        writer.append(*samples.all_series(15, 20), samples.snapshot(15))
    samples.expect(read_recording(path), 20)
    assert read_snapshot(path, 15)["1.weight"].tolist() == samples.parameters(15)[6:].tolist()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM chunk WHERE block NOT IN (SELECT id FROM block)").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM block WHERE series = 'flight'").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(("at", "kept"), [(0, 0), (1, 1), (29, 29), (30, 30)])
def test_from_any_step(tmp_path: Path, at: int, kept: int) -> None:
    path = samples.make(tmp_path / "a.db")
    with RecordingWriter.resume(path, samples.header(), at=at) as writer:
        writer.append(samples.steps(at, at + 2))
    assert samples.same(read_recording(path).steps, samples.steps(0, kept + 2))


def test_a_checkpoint_beyond_the_last_stored_step_leaves_a_marked_gap(tmp_path: Path) -> None:
    path = samples.make(tmp_path / "a.db")
    with RecordingWriter.resume(path, samples.header(), at=100) as writer:
        assert writer.next_step == 100
        writer.append(samples.steps(100, 102))
    found = read_recording(path)
    assert found.steps.step.tolist() == [*range(30), 100, 101]
    assert found.events[-1].text == "Resumed at step 100: steps 30 to 99 are missing."


def test_what_was_recorded_ahead_of_the_last_step_goes_and_the_marks_stay(tmp_path: Path) -> None:
    """The process was killed when rows of the steps had not been written, and other series had."""
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        writer.append(
            samples.steps(0, 5), samples.layers(0, 8), samples.snapshot(7), samples.alarm(7), samples.event(6)
        )
    killed = read_recording(path)
    assert samples.same(killed.layers, samples.layers(0, 5))  # all end where the steps do
    assert killed.snapshots == (7,)
    with RecordingWriter.resume(path, samples.header()) as writer:
        writer.append(samples.steps(5, 8), samples.layers(5, 8))
    found = read_recording(path)
    assert samples.same(found.layers, samples.layers(0, 8))
    assert (found.snapshots, [event.step for event in found.events], len(found.alarms)) == ((), [6, 5], 1)


def test_a_missing_or_empty_file_is_made(tmp_path: Path) -> None:
    (tmp_path / "b.db").touch()
    for name, at in (("a.db", None), ("b.db", 40)):
        with RecordingWriter.resume(tmp_path / name, samples.header(), at=at) as writer:
            assert writer.next_step == (at or 0)
            writer.append(samples.steps(writer.next_step, writer.next_step + 2))
        assert len(read_recording(tmp_path / name)) == 2
        assert read_recording(tmp_path / name).events == ()


@pytest.mark.parametrize("wal", [True, False])
def test_a_file_left_before_its_tables_is_begun_anew(tmp_path: Path, wal: bool) -> None:
    path = tmp_path / "a.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'TRUNCATE'}").fetchall()
    connection.execute("CREATE TABLE half (made)")
    connection.execute("DROP TABLE half")
    connection.close()
    assert path.stat().st_size > 0
    with pytest.raises(RunFileError, match="nothing has been written to it"):
        read_recording(path)
    with pytest.raises(RunFileError, match="exists already"):
        RecordingWriter.create(path, samples.header())
    with RecordingWriter.resume(path, samples.header()) as writer:
        writer.append(samples.steps(0, 2))
        with pytest.raises(RunFileError, match="exists already"):
            RecordingWriter.create(path, samples.header())
    assert len(read_recording(path)) == 2


def test_rows_after_a_resume_grow_the_block_they_began(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for first in range(0, 12, 4):
        with RecordingWriter.resume(path, samples.header()) as writer:
            for step in range(first, first + 4):
                writer.append(*samples.all_series(step, step + 1))
                writer.commit()
    samples.expect(read_recording(path), 12)


def other(change: str) -> RecordingHeader:
    header = samples.header()
    first, second = header.parameters
    return {
        "optimizers": replace(header, optimizers=("SGD", "AdamW")),
        "groups": replace(header, groups=header.groups[:2]),
        "fewer": replace(header, parameters=(first,)),
        "name": replace(header, parameters=(replace(first, name="first.weight"), second)),
        "shape": replace(header, parameters=(replace(first, shape=(2, 3)), second)),
        "dtype": replace(header, parameters=(replace(first, dtype="float64"), second)),
        "group": replace(header, parameters=(replace(first, group=1), second)),
        "layers": replace(header, layers=(replace(header.layers[0], name="x"), header.layers[1])),
    }[change]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("optimizers", r"it records SGD \+ Adam, and now there is SGD \+ AdamW"),
        ("groups", "it records 3 parameter groups, and now there are 2"),
        ("fewer", "it records 2 parameters, and now there are 1"),
        ("name", r"its parameter 0\.weight is now first\.weight"),
        ("shape", r"its parameter 0\.weight has the shape \(3, 2\) in float32, and now \(2, 3\) in float32"),
        ("dtype", r"its parameter 0\.weight has the shape \(3, 2\) in float32, and now \(3, 2\) in float64"),
        ("group", r"its parameter 0\.weight belongs to another layer, optimizer or parameter group now"),
        ("layers", "its layers have other names now"),
    ],
)
def test_another_model_is_refused(tmp_path: Path, change: str, sentence: str) -> None:
    path = samples.make(tmp_path / "a.db")
    before = path.read_bytes()
    with pytest.raises(RunFileError, match=r"a\.db cannot be resumed: " + sentence):
        RecordingWriter.resume(path, other(change), at=3)
    assert path.read_bytes() == before


def test_what_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a step of 0 or more, got -1"):
        RecordingWriter.resume(tmp_path / "a.db", samples.header(), at=-1)
    RunWriter.create(tmp_path / "neuron.db", neuron.header(), neuron.sample(), None).close()
    with pytest.raises(RunFileError, match="it holds a neuron's run"):
        RecordingWriter.resume(tmp_path / "neuron.db", samples.header())
    (tmp_path / "text.db").write_text("mine, and long enough to be looked at" * 20)
    with pytest.raises(RunFileError, match="it is not a run file"):
        RecordingWriter.resume(tmp_path / "text.db", samples.header())
    assert (tmp_path / "text.db").read_text().startswith("mine")


def test_a_resume_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = samples.make(tmp_path / "a.db")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'no room'); END")
    connection.close()
    with pytest.raises(RunFileError, match="cannot be written: no room"):
        RecordingWriter.resume(path, samples.header(), at=10)
    found = read_recording(path)
    samples.expect(found, 30)
    assert found.summary == samples.summary()
