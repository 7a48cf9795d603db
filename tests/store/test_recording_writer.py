"""Writing a recording: every bit comes back, what fails keeps what waits, and nobody else's file is touched."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import recordings
from fallline._records import Logged, Recording, Snapshot, StepSeries
from fallline._store import RecordingWriter, _recording_commit, read_recording, read_series, to_json
from fallline._store._recording_schema import LOGGED, STEPS, Dimensions, rows_of
from store import recording_samples as samples
from store.places import names

ANY_BITS = st.integers(0, 2**64 - 1) | st.sampled_from(samples.ODD_BITS)
FEW_BITS = st.integers(0, 2**32 - 1).map(lambda bits: int(np.float64(np.uint32(bits).view(np.float32)).view(np.uint64)))


@st.composite
def any_steps(draw: st.DrawFn) -> StepSeries:
    """Any bits in every number, float32 or the same everywhere now and then; steps that jump."""
    step = np.cumsum(draw(hnp.arrays(np.int64, st.integers(0, 12), elements=st.integers(1, 10**9))))

    def values(*shape: int) -> np.ndarray:
        shape = (len(step), *shape)
        bits = draw(st.sampled_from([ANY_BITS, FEW_BITS]))
        if draw(st.booleans()):
            return np.full(shape, draw(bits), dtype=np.uint64).view(np.float64)
        return draw(hnp.arrays(np.uint64, shape, elements=bits)).view(np.float64)

    def whole(*shape: int) -> np.ndarray:
        return draw(hnp.arrays(np.int64, (len(step), *shape)))

    def mask(*shape: int) -> np.ndarray:
        return draw(hnp.arrays(np.bool_, (len(step), *shape)))

    return StepSeries(
        step, values(), values(), mask(), values(3), whole(2), values(2), values(2), values(2), values(2), mask(2)
    )


def part(record: StepSeries, keep: slice) -> StepSeries:
    return rows_of(STEPS, record, Dimensions.of(samples.header())).part(keep).record()


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_steps_come_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    steps = data.draw(any_steps())
    cuts = sorted(data.draw(st.lists(st.integers(0, len(steps)), max_size=4)))
    path = tmp_path_factory.mktemp("bits") / "run.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_recording_commit, "BLOCK_ROWS", data.draw(st.sampled_from([1, 4, 4096])))
        with RecordingWriter.create(path, samples.header()) as writer:
            for first, stop in zip([0, *cuts], [*cuts, len(steps)], strict=True):
                writer.append(part(steps, slice(first, stop)))
                if data.draw(st.booleans()):
                    writer.commit()
    assert samples.same(read_recording(path).steps, steps)
    found = read_series(path, "gradient_norm")
    assert found.values.tobytes() == steps.gradient_norm.tobytes()
    assert found.measured.tobytes() == steps.measured.tobytes()


def test_everything_comes_back(tmp_path: Path) -> None:
    recording = read_recording(samples.make(tmp_path / "a.db"))
    samples.expect(recording, 30)
    assert recording.header == samples.header()
    assert recording.summary == samples.summary()
    assert recording.path == str(tmp_path / "a.db")
    assert recording.events == (samples.event(3),)
    assert recording.snapshots == (-1, 15)
    assert list(recording.logged) == ["accuracy"]
    expected = samples.logged(0, 30)
    assert recording.logged["accuracy"].value.tobytes() == np.array([one.value for one in expected]).tobytes()
    assert recording.logged["accuracy"].step.tolist() == [one.step for one in expected]
    (alarm,) = recording.alarms
    assert samples.same(alarm.flight, samples.alarm(7).flight)
    assert to_json(replace(alarm, flight=None)) == to_json(replace(samples.alarm(7), flight=None))


@pytest.mark.parametrize("name", recordings.CATALOGUE)
def test_the_catalogue_comes_back(tmp_path: Path, name: str) -> None:
    expected: Recording = recordings.CATALOGUE[name]()
    with RecordingWriter.create(tmp_path / "a.db", expected.header) as writer:
        writer.append(*(getattr(expected, series) for series in samples.SERIES), *expected.events, *expected.alarms)
        for key, user in expected.logged.items():
            writer.append(*(Logged(key, int(s), float(v)) for s, v in zip(user.step, user.value, strict=True)))
        if expected.summary is not None:
            writer.finish(expected.summary)
    found = read_recording(tmp_path / "a.db")
    for series in samples.SERIES:
        assert samples.same(getattr(found, series), getattr(expected, series)), series
    assert (found.header, found.events) == (expected.header, expected.events)
    assert to_json(found.summary) == to_json(expected.summary)
    assert len(found.alarms) == len(expected.alarms)


def test_nothing_measured_has_the_shapes_of_the_header(tmp_path: Path) -> None:
    RecordingWriter.create(tmp_path / "a.db", samples.header()).close()
    recording = read_recording(tmp_path / "a.db")
    samples.expect(recording, 0)
    assert (recording.summary, recording.logged, recording.alarms, recording.snapshots) == (None, {}, (), ())


def test_appending_touches_no_disk_and_a_commit_is_seen_by_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        writer.append(*samples.all_series(0, 3))
        assert writer.waiting_bytes > 0
        assert (len(read_recording(path)), writer.next_step) == (0, 3)
        writer.commit()
        assert writer.waiting_bytes == 0
        samples.expect(read_recording(path), 3)
    assert names(tmp_path) == ["a.db"]


def test_a_finished_recording_is_one_sound_file(tmp_path: Path) -> None:
    samples.make(tmp_path / "a.db")
    assert names(tmp_path) == ["a.db"]
    connection = sqlite3.connect(tmp_path / "a.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    connection.close()


def test_rare_steps_are_gathered_in_few_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        for k in range(60):
            writer.append(samples.steps(k, k + 1), *samples.logged(k, k + 1))
            writer.commit()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM block").fetchone() == (2,)
    connection.close()
    assert samples.same(read_recording(path).steps, samples.steps(0, 60))


def test_both_zeros_are_kept(tmp_path: Path) -> None:
    steps = replace(samples.steps(0, 2), loss=np.array([0.0, -0.0]), seconds=np.array([np.nan, np.nan]))
    with RecordingWriter.create(tmp_path / "a.db", samples.header()) as writer:
        writer.append(steps)
    assert samples.same(read_recording(tmp_path / "a.db").steps, steps)


def test_a_column_is_as_narrow_as_its_bits_allow(tmp_path: Path) -> None:
    steps = replace(
        samples.steps(0, 100),
        seconds=np.arange(100) * 0.1,
        loss=np.arange(100.0),
        parameter_norm=np.full((100, 2), np.pi),
        measured=np.ones((100, 2), np.bool_),
    )
    with RecordingWriter.create(tmp_path / "a.db", samples.header()) as writer:
        writer.append(steps)
    connection = sqlite3.connect(tmp_path / "a.db")
    found = {name: tuple(rest) for name, *rest in connection.execute("SELECT column, dtype, stored FROM chunk")}
    connection.close()
    assert found["loss"] == ("f4", 100)
    assert found["seconds"] == ("f8", 100)
    assert found["parameter_norm"] == ("f8", 1)
    assert found["measured"] == ("b1", 1)
    assert found["step"] == ("i1", 100)
    assert found["updates"] == ("i8", 100)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gradient_norm": np.zeros((3, 1))}, r"steps\.gradient_norm: expected shape \(3, 2\), got \(3, 1\)"),
        ({"loss": np.zeros(2)}, r"steps\.loss: expected shape \(3,\), got \(2,\)"),
        ({"step": np.array([4, 6, 6])}, "steps: expected rising steps beyond 3, got 4 to 6"),
        ({"step": np.array([3, 4, 5])}, "steps: expected rising steps beyond 3, got 3 to 5"),
    ],
)
def test_rows_that_could_not_be_read_again_are_refused(tmp_path: Path, change: dict, sentence: str) -> None:
    with RecordingWriter.create(tmp_path / "a.db", samples.header()) as writer:
        writer.append(samples.steps(0, 4))
        waiting = writer.waiting_bytes
        with pytest.raises(ValueError, match=sentence):
            writer.append(samples.event(0), replace(samples.steps(4, 7), **change))
        with pytest.raises(ValueError, match="expected 40 bytes, got 3"):
            writer.append(Snapshot(4, np.zeros(3, np.uint8)))
        with pytest.raises(ValueError, match="logged:x: expected rising steps beyond 5, got 4 to 4"):
            writer.append(Logged("x", 5, 0.0), Logged("x", 4, 0.0))
        with pytest.raises(ValueError, match="surrogates not allowed"):
            writer.append(Logged("\udc80", 5, 0.0))
        assert writer.waiting_bytes == waiting
        writer.append(samples.steps(4, 7))
    assert samples.same(read_recording(tmp_path / "a.db").steps, samples.steps(0, 7))
    assert read_recording(tmp_path / "a.db").events == ()


def test_an_interrupt_right_after_a_commit_stores_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    writer = RecordingWriter.create(path, samples.header())
    writer.append(*samples.all_series(0, 2), *samples.logged(0, 2))
    writer.commit()
    writer.append(*samples.all_series(2, 4), samples.event(1), samples.alarm(2), *samples.logged(2, 4))
    waiting, tails, written = writer._waiting._entries.copy(), writer._tails, writer._written
    writer.commit()
    writer._waiting._entries, writer._tails, writer._written = waiting, tails, written  # cut off after its COMMIT
    writer.append(*samples.all_series(4, 6), *samples.logged(4, 6))
    writer.finish(samples.summary())
    found = read_recording(path)
    samples.expect(found, 6)
    assert (len(found.events), len(found.alarms), len(found.logged["accuracy"].step)) == (1, 1, 6)


def test_what_waits_can_be_dropped_oldest_first(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        assert writer.drop_waiting() is None
        for first in range(0, 40, 10):
            writer.append(samples.steps(first, first + 10), samples.event(first), samples.alarm(first))
        one = rows_of(STEPS, samples.steps(0, 10), Dimensions.of(samples.header())).nbytes
        marks = writer.waiting_bytes - 4 * one
        assert writer.drop_waiting(marks + 2 * one) == (0, 19)
        assert writer.waiting_bytes == marks + 2 * one
        writer.append(samples.steps(40, 50))
    found = read_recording(path)
    assert samples.same(found.steps, samples.steps(20, 50))
    assert [event.step for event in found.events] == [0, 10, 20, 30]
    assert len(found.alarms) == 4


def test_a_large_snapshot_lies_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_recording_commit, "SNAPSHOT_PART", 16)
    path = samples.make(tmp_path / "a.db")
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT step, part, length(data) FROM snapshot ORDER BY step, part").fetchall()
    connection.close()
    assert found == [(-1, 0, 16), (-1, 1, 16), (-1, 2, 8), (15, 0, 16), (15, 1, 16), (15, 2, 8)]


def test_the_header_is_strict_json(tmp_path: Path) -> None:
    path = samples.make(tmp_path / "a.db")
    connection = sqlite3.connect(path)
    found = dict(connection.execute("SELECT key, value FROM meta"))
    connection.close()
    assert json.loads(found["header"])["groups"][1]["options"] == {"lr": "Infinity"}
    assert json.loads(found["format"]) == "fallline.run/3"
    assert LOGGED.name == "logged:"
