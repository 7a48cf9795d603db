"""Reading a recording: whole, in part, while it grows, and where it cannot be read."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallline._errors import RunFileError
from fallline._records import EventKind
from fallline._store import (
    RecordingWriter,
    RunWriter,
    is_recording,
    list_runs,
    new_recording_rows,
    read_recording,
    read_run,
    read_series,
    read_snapshot,
    stored_snapshots,
)
from store import recording_samples as samples
from store import samples as neuron


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return samples.make(tmp_path / "a.db")


@pytest.fixture
def neuron_path(tmp_path: Path) -> Path:
    RunWriter.create(tmp_path / "neuron.db", neuron.header(), neuron.sample(), None).close()
    return tmp_path / "neuron.db"


def test_which_kind_a_file_is(path: Path, neuron_path: Path) -> None:
    assert is_recording(path) is True
    assert is_recording(neuron_path) is False
    with pytest.raises(RunFileError, match="it holds the recording of a training loop, not a neuron's run"):
        read_run(path)
    with pytest.raises(RunFileError, match="it holds a neuron's run, not the recording of a training loop"):
        read_recording(neuron_path)
    with pytest.raises(RunFileError, match="There is no run file"):
        is_recording(path.with_name("b.db"))


@pytest.mark.parametrize(
    ("column", "shape", "mask"),
    [("loss", (30,), "loss_measured"), ("gradient_norm", (30, 2), "measured"), ("learning_rate", (30, 3), None)],
)
def test_one_column(path: Path, column: str, shape: tuple[int, ...], mask: str | None) -> None:
    steps = samples.steps(0, 30)
    found = read_series(path, column)
    assert found.step.tolist() == list(range(30))
    assert found.values.shape == found.measured.shape == shape
    assert found.values.tobytes() == getattr(steps, column).tobytes()
    expected = np.ones(shape, np.bool_) if mask is None else getattr(steps, mask)
    assert found.measured.tolist() == expected.tolist()


def test_a_mask_without_the_last_axis_covers_it(path: Path) -> None:
    found = read_series(path, "parts.share")
    parts = samples.parts(0, 30)
    assert found.values.tobytes() == parts.share.tobytes()
    assert found.measured.shape == (30, 2, 5)
    assert (found.measured == parts.measured[:, :, None]).all()
    assert read_series(path, "steps.loss").values.tobytes() == read_series(path, "loss").values.tobytes()


def test_a_column_that_there_is_not(path: Path) -> None:
    with pytest.raises(RunFileError, match=r'no column "los"; it has step, seconds, loss, .*Did you mean "loss"\?'):
        read_series(path, "los")
    with pytest.raises(RunFileError, match=r'no column "flight\.loss"'):
        read_series(path, "flight.loss")


def test_a_snapshot_has_the_parameters_by_name(path: Path) -> None:
    kept = read_snapshot(path, 15)
    assert {name: (values.shape, str(values.dtype)) for name, values in kept.items()} == {
        "0.weight": ((3, 2), "float32"),
        "1.weight": ((4,), "float32"),
    }
    assert np.concatenate([values.ravel() for values in kept.values()]).tolist() == samples.parameters(15).tolist()
    kept["0.weight"][:] = 0.0  # writable, and nobody else's
    assert read_snapshot(path, -1)["0.weight"].ravel().tolist() == samples.parameters(-1)[:6].tolist()
    with pytest.raises(RunFileError, match=r"keeps no parameters of step 3; it has those of -1, 15"):
        read_snapshot(path, 3)
    assert stored_snapshots(path) == (-1, 15)


def test_a_snapshot_in_half_precision(tmp_path: Path) -> None:
    whole = samples.header()
    types = ("bfloat16", "float8_e4m3fn")
    for name, dtype in zip("ab", types, strict=True):
        first, second = whole.parameters
        header = replace(whole, parameters=(replace(first, dtype=dtype), replace(second, dtype="float64")))
        with RecordingWriter.create(tmp_path / f"{name}.db", header) as writer:
            half = (samples.parameters(0)[:6].view(np.uint32) >> 16).astype("<u2")
            data = half.tobytes() + np.arange(4.0).astype("<f8").tobytes()
            writer.append(replace(samples.snapshot(0), values=np.frombuffer(data, np.uint8)))
    kept = read_snapshot(tmp_path / "a.db", 0)
    assert kept["0.weight"].tolist() == samples.parameters(0)[:6].reshape(3, 2).tolist()
    assert kept["0.weight"].dtype == np.float32
    assert kept["1.weight"].tolist() == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(RunFileError, match="type float8_e4m3fn, which NumPy does not know"):
        read_snapshot(tmp_path / "b.db", 0)


def test_a_growing_file_tells_its_news(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        assert len(new_recording_rows(path, -1).steps) == 0
        writer.append(samples.steps(0, 8), samples.batches(0, 6))
        writer.commit()
        news = new_recording_rows(path, 3)
        assert samples.same(news.steps, samples.steps(4, 8))
        assert samples.same(news.batches, samples.batches(4, 6))
        assert samples.same(new_recording_rows(path, 7, after_batch_step=1).batches, samples.batches(2, 6))
        writer.append(samples.steps(9, 12), samples.alarm(2), samples.event(1))
        writer.commit()
        news = new_recording_rows(path, 7)
        assert samples.same(news.steps, samples.steps(9, 12))
        assert [event.step for event in news.events] == [1]
        assert [alarm.step for alarm in news.alarms] == [2]
        assert news.summary is None
        writer.finish(samples.summary())
    news = new_recording_rows(path, 11)
    assert (len(news.steps), news.summary) == (0, samples.summary(steps=11))


def test_what_is_read_may_be_changed(path: Path) -> None:
    """torch refuses to wrap a read-only array."""
    recording = read_recording(path)
    assert all(array.flags.writeable for array in vars(recording.steps).values())


def sql(statement: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()

    return damage


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "newer": (sql("PRAGMA user_version = 4"), r"was written by a newer fallline .* upgrade with"),
    "cut short": (cut_short, "it is damaged"),
    "no header": (sql("DELETE FROM meta WHERE key = 'header'"), r"it is damaged \(header is missing\)"),
    "broken header": (sql("UPDATE meta SET value = '{}' WHERE key = 'header'"), "name is missing"),
    "no column": (sql("DELETE FROM chunk WHERE column = 'loss'"), "steps are not equally long"),
    "short blob": (sql("UPDATE chunk SET data = x'00' WHERE column = 'loss'"), r"should take .* bytes, not 1"),
    "other width": (sql("UPDATE chunk SET width = 9 WHERE column = 'learning_rate'"), "numbers for a block of rows"),
    "other type": (sql("UPDATE chunk SET dtype = 'i8' WHERE column = 'loss'"), "column loss has the type i8"),
    "unknown type": (sql("UPDATE chunk SET dtype = 'O' WHERE column = 'loss'"), "column loss has the type O"),
    "steps backwards": (
        sql("UPDATE chunk SET data = CAST(zeroblob(29) || x'ff' AS BLOB) WHERE column = 'step' AND stored = 30"),
        "the steps of its steps do not rise",
    ),
    "a block of too many rows": (sql("UPDATE block SET count = 1 << 50"), "numbers for a block of rows"),
    "no table": (sql("DROP TABLE snapshot"), "no such table: snapshot"),
    "broken alarm": (sql("UPDATE alarm SET data = '[]'"), "its alarm cannot be understood"),
    "alarm without flight": (sql("UPDATE alarm SET flight = 99"), "block 99 has no column step of flight"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_bad_file_is_one_clear_sentence(path: Path, name: str) -> None:
    damage, sentence = DAMAGE[name]
    damage(path)
    before = path.read_bytes()
    with pytest.raises(RunFileError, match=sentence) as caught:
        read_recording(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_anywhere_is_a_sentence_or_a_recording(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    original = folder / "recording-original.db"
    if not original.exists():
        samples.make(original)
    content = bytearray(original.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(1, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "recording-damaged.db"
    path.write_bytes(content)
    for use in (
        read_recording,
        is_recording,
        lambda path: new_recording_rows(path, 3),
        lambda path: read_series(path, "gradient_norm"),
        lambda path: read_snapshot(path, 15),
        stored_snapshots,
        lambda path: list_runs(path.parent),
        lambda path: RecordingWriter.resume(path, samples.header(), at=11).close(),
    ):
        try:
            use(path)
        except RunFileError as problem:
            if "recording-damaged.db" not in str(problem):
                raise
    for beside in folder.glob("recording-damaged.db-*"):
        beside.unlink()


def test_a_damaged_file_is_not_resumed(path: Path) -> None:
    cut_short(path)
    before = path.read_bytes()
    with pytest.raises(RunFileError, match="it is damaged"):
        RecordingWriter.resume(path, samples.header())
    assert path.read_bytes() == before


def test_a_gap_is_legal(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with RecordingWriter.create(path, samples.header()) as writer:
        writer.append(samples.steps(0, 5), samples.steps(1000, 1005))
        writer.commit()
        writer.append(samples.steps(2**40, 2**40 + 2))
    found = read_recording(path).steps
    assert found.step.tolist() == [*range(5), *range(1000, 1005), 2**40, 2**40 + 1]
    assert EventKind.GAP not in [event.kind for event in read_recording(path).events]
