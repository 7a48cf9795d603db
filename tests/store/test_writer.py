"""Writing a run: what was flushed is there, and what fails leaves nothing behind."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fallline._errors import RunFileError
from fallline._records import Columns, Header, Scaling
from fallline._store import RunWriter, _journal, _place, _writer, new_steps, next_run_path, read_column, read_run
from store import samples
from store.places import names

ANY_BITS = st.integers(0, 2**64 - 1) | st.sampled_from(samples.ODD_BITS)


def create(path: Path, parameters: int = 2) -> RunWriter:
    return RunWriter.create(path, samples.header(parameters), samples.sample(parameters), samples.moments(parameters))


@st.composite
def any_columns(draw: st.DrawFn) -> Columns:
    """Any bits at all in every number, any masks, 0 to 12 steps, 2 to 5 parameters."""
    steps, parameters = draw(st.integers(0, 12)), draw(st.integers(2, 5))

    def numbers(*shape: int) -> np.ndarray:
        return draw(hnp.arrays(np.uint64, shape, elements=ANY_BITS)).view(np.float64)

    mask = hnp.arrays(np.bool_, steps)
    return Columns(
        *(numbers(steps) for _ in range(6)),
        draw(mask),
        numbers(steps),
        draw(mask),
        numbers(steps, parameters),
        numbers(steps, parameters),
    )


def part(block: Columns, first: int, stop: int) -> Columns:
    return Columns(**{name: getattr(block, name)[first:stop] for name in block.__dataclass_fields__})


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_columns_come_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    block = data.draw(any_columns())
    cuts = sorted(data.draw(st.lists(st.integers(0, len(block)), max_size=4)))
    path = tmp_path_factory.mktemp("bits") / "run.db"
    with create(path, block.parameters.shape[1]) as writer:
        for first, stop in zip([0, *cuts], [*cuts, len(block)], strict=True):
            writer.append(part(block, first, stop))
            if data.draw(st.booleans()):
                writer.flush()
        writer.finish(samples.summary())
    assert samples.bits(read_run(path).columns) == samples.bits(block)
    after = data.draw(st.integers(0, len(block)))
    assert samples.bits(new_steps(path, after).columns) == samples.bits(part(block, after, len(block)))
    reach = read_column(path, "reach")
    assert reach.values.tobytes() == block.reach.tobytes()
    assert reach.measured.tobytes() == block.reach_measured.tobytes()


def test_everything_comes_back(tmp_path: Path) -> None:
    with create(tmp_path / "a.db", 3) as writer:
        writer.append(samples.columns(0, 5, 3))
        writer.finish(samples.summary())
    run = read_run(tmp_path / "a.db")
    assert run.header == samples.header(3)
    assert run.summary == samples.summary()
    assert run.path == str(tmp_path / "a.db")
    assert run.sample.features.tobytes() == samples.sample(3).features.tobytes()
    assert run.sample.features.shape == (10, 2)
    assert run.sample.target.tobytes() == samples.sample(3).target.tobytes()
    assert run.sample.complete is True
    assert run.moments is not None
    assert run.moments.hessian.tobytes() == samples.moments(3).hessian.tobytes()
    assert run.moments.optimum.tobytes() == samples.moments(3).optimum.tobytes()
    assert run.moments.optimum_loss == 0.25


def test_absent_moments_stay_absent(tmp_path: Path) -> None:
    RunWriter.create(tmp_path / "a.db", samples.header(), samples.sample(), None).close()
    run = read_run(tmp_path / "a.db")
    assert (run.moments, run.summary, len(run)) == (None, None, 0)


def test_a_finished_run_is_one_file_that_needs_no_journal(tmp_path: Path) -> None:
    with create(tmp_path / "a.db") as writer:
        writer.append(samples.columns(0, 5))
        writer.finish(samples.summary())
    assert names(tmp_path) == ["a.db"]
    connection = sqlite3.connect(tmp_path / "a.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_flushed_step_is_seen_by_a_reader_and_a_waiting_one_is_not(tmp_path: Path) -> None:
    with create(tmp_path / "a.db") as writer:
        writer.append(samples.columns(0, 3))
        writer.flush()
        writer.append(samples.columns(3, 5))
        assert (writer.flushed_steps, writer.appended_steps) == (3, 5)
        assert len(read_run(tmp_path / "a.db")) == 3
    assert samples.bits(read_run(tmp_path / "a.db").columns) == samples.bits(samples.columns(0, 5))


def test_append_commits_by_itself_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.1, 0.3, 0.3, 0.4])
    monkeypatch.setattr(_writer, "time", SimpleNamespace(monotonic=lambda: next(clock, 0.4)))
    with create(tmp_path / "a.db") as writer:
        writer.append(samples.columns(0, 1))
        assert writer.flushed_steps == 0
        writer.append(samples.columns(1, 2))
        assert writer.flushed_steps == 2
        writer.append(samples.columns(2, 3))
        assert writer.flushed_steps == 2


def test_append_commits_when_much_is_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_writer, "COMMIT_BYTES", 1500)
    with create(tmp_path / "a.db") as writer:
        writer.append(samples.columns(0, 10))
        assert writer.flushed_steps == 0
        writer.append(samples.columns(10, 20))
        assert writer.flushed_steps == 20


def test_an_error_in_the_loop_keeps_what_was_appended(tmp_path: Path) -> None:

    def loop() -> None:
        with create(tmp_path / "a.db") as writer:
            writer.append(samples.columns(0, 4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert samples.bits(read_run(tmp_path / "a.db").columns) == samples.bits(samples.columns(0, 4))


def test_an_interrupt_right_after_a_commit_stores_no_step_twice(tmp_path: Path) -> None:
    writer = create(tmp_path / "a.db")
    writer.append(samples.columns(0, 4))
    waiting = list(writer._waiting)
    writer.flush()
    writer._waiting, writer._flushed = waiting, 0  # as if the flush had been cut off after its COMMIT
    writer.append(samples.columns(4, 6))
    writer.finish(samples.summary())
    assert samples.bits(read_run(tmp_path / "a.db").columns) == samples.bits(samples.columns(0, 6))


def reading_for_long(path: Path) -> sqlite3.Connection:
    """Some other program that has the file open and does not let go."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    connection.execute("SELECT * FROM meta").fetchall()
    return connection


def test_a_reader_in_the_way_of_finish_costs_a_moment_and_no_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_writer, "_SWITCH_TRIES", 2)
    path = tmp_path / "a.db"
    writer = create(path)
    other = reading_for_long(path)
    writer.append(samples.columns(0, 6))
    writer.finish(samples.summary())
    run = read_run(path)
    other.close()
    assert run.summary == samples.summary()
    assert samples.bits(run.columns) == samples.bits(samples.columns(0, 6))


def test_without_wal_a_reader_in_the_way_makes_steps_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_journal, "unsafe_for_wal", lambda _: "/ is on nfs")
    monkeypatch.setattr(_writer, "_BUSY_SECONDS", 0.01)
    monkeypatch.setattr(_writer, "COMMIT_SECONDS", 0.0)
    path = tmp_path / "a.db"
    with create(path) as writer:
        other = reading_for_long(path)
        writer.append(samples.columns(0, 4))
        assert (writer.flushed_steps, writer.appended_steps) == (0, 4)
        with pytest.raises(RunFileError, match="another process is using it"):
            writer.flush()
        other.close()
        writer.append(samples.columns(4, 6))
        assert writer.flushed_steps == 6
    assert samples.bits(read_run(path).columns) == samples.bits(samples.columns(0, 6))


def test_a_wrong_shape_is_refused_and_nothing_is_appended(tmp_path: Path) -> None:
    with create(tmp_path / "a.db", 3) as writer:
        with pytest.raises(ValueError, match=r"column gradient: expected shape \(2, 3\), got \(2, 2\)"):
            writer.append(samples.columns(0, 2, 2))
        assert writer.appended_steps == 0


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(RunFileError, match="exists already and is never overwritten"):
        create(path)
    assert path.read_text() == "mine"


def test_an_existing_run_is_never_overwritten_even_while_it_is_young(tmp_path: Path) -> None:
    with create(tmp_path / "a.db") as first:
        with pytest.raises(RunFileError, match="never overwritten"):
            create(tmp_path / "a.db")
        first.append(samples.columns(0, 1))
    assert len(read_run(tmp_path / "a.db")) == 1


def test_two_writers_of_one_claimed_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both found the name empty; the second must neither write into the file nor clear it away."""
    first = create(tmp_path / "a.db")
    monkeypatch.setattr(_place, "claim", lambda *_: None)
    with pytest.raises(RunFileError, match="never overwritten"):
        create(tmp_path / "a.db")
    first.finish(samples.summary())
    assert read_run(tmp_path / "a.db").summary == samples.summary()


def test_a_claimed_name_is_written(tmp_path: Path) -> None:
    path = next_run_path(tmp_path, "line")
    with create(path) as writer:
        writer.finish(samples.summary())
    assert read_run(path).summary is not None


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("missing/a.db", "there is no folder .*missing; make it first"),
        (".", "it is a folder; name a file in it"),
        ("x" * 300, "file name too long"),
        ("file/a.db", "there is no folder"),
    ],
)
def test_a_path_that_cannot_be_created(tmp_path: Path, place: str, sentence: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFileError, match=sentence):
        create(tmp_path / place)
    assert names(tmp_path) == ["file"]


def test_a_full_disk_keeps_what_was_flushed(tmp_path: Path) -> None:
    writer = create(tmp_path / "a.db")
    writer.append(samples.columns(0, 50))
    writer.flush()
    (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
    writer._connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall()
    writer.append(samples.columns(50, 5000))
    with pytest.raises(RunFileError, match=r"a\.db cannot be written: the disk is full"):
        writer.flush()
    with pytest.raises(RunFileError, match="the disk is full"):
        writer.finish(samples.summary())
    with pytest.raises(RunFileError, match="the disk is full"):
        writer.close()
    writer.close()
    run = read_run(tmp_path / "a.db")
    assert samples.bits(run.columns) == samples.bits(samples.columns(0, 50))
    assert run.summary is None


def test_a_header_that_finds_no_room_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cramped(connection: sqlite3.Connection, path: Path) -> None:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA max_page_count = 3").fetchall()

    monkeypatch.setattr(_writer, "choose_journal", cramped)
    with pytest.raises(RunFileError, match="the disk is full"):
        create(next_run_path(tmp_path, "line"))
    assert names(tmp_path) == []


def test_a_full_disk_for_real(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(150_000))
    with pytest.raises(RunFileError, match=r"cannot be written: the disk is full"):
        create(small_disk / "none.db")
    assert names(small_disk) == ["filler"]
    filler.unlink()

    writer = create(small_disk / "a.db")

    def fill() -> None:
        with writer:
            for first in range(0, 10_000, 40):
                writer.append(samples.columns(first, first + 40))
                writer.flush()

    with pytest.raises(RunFileError, match=r"the disk is full"):
        fill()
    assert writer.flushed_steps > 0
    run = read_run(small_disk / "a.db")
    assert samples.bits(run.columns) == samples.bits(samples.columns(0, writer.flushed_steps))


def test_writing_and_reading_a_run_imports_nothing_heavy() -> None:
    script = "import sys, fallline._store; sys.exit(str({'torch', 'polars', 'narwhals'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"


def formula_header() -> Header:
    return samples.header(
        rows=None,
        target=None,
        batch_size=None,
        features=(),
        scaling=Scaling((), ()),
        loss="formula",
        formula="w^2 + b^2",
    )


def test_a_formula_s_run_has_no_sample_and_comes_back_as_it_was(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "a.db", formula_header(), None, None) as writer:
        writer.append(samples.columns(0, 5))
    run = read_run(tmp_path / "a.db")
    assert (run.header, run.sample, run.moments, len(run)) == (formula_header(), None, None, 5)


def test_only_a_formula_s_run_asks_for_a_newer_program(tmp_path: Path) -> None:
    """A program that knows no formulas still reads every neuron's run, and refuses a formula's by its version."""
    RunWriter.create(tmp_path / "neuron.db", samples.header(), samples.sample(), None).close()
    RunWriter.create(tmp_path / "formula.db", formula_header(), None, None).close()
    versions = {}
    for name in ("neuron", "formula"):
        connection = sqlite3.connect(tmp_path / f"{name}.db")
        (versions[name],) = connection.execute("PRAGMA user_version").fetchone()
        connection.close()
    assert versions == {"neuron": 1, "formula": 2}


def test_a_header_without_the_newer_fields_is_read(tmp_path: Path) -> None:
    """As runs were written before there were formulas and engines."""
    path = tmp_path / "old.db"
    create(path).close()
    connection = sqlite3.connect(path)
    (text,) = connection.execute("SELECT value FROM meta WHERE key = 'header'").fetchone()
    old = {key: value for key, value in json.loads(text).items() if key not in ("formula", "engine")}
    connection.execute("UPDATE meta SET value = ? WHERE key = 'header'", (json.dumps(old),))
    connection.commit()
    connection.close()
    assert (read_run(path).header.formula, read_run(path).header.engine) == (None, "loop")


def test_a_neuron_s_run_that_lost_its_sample_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    create(path).close()
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM array WHERE name = 'sample.features'")
    connection.commit()
    connection.close()
    with pytest.raises(RunFileError, match=r"damaged \(sample.features is missing\)"):
        read_run(path)
