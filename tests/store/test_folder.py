"""The folder of runs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fallline._errors import RunFileError
from fallline._store import RunWriter, find_run, last_run, list_runs, next_run_path
from store import samples
from store.places import names, without_privileges


def make(folder: Path, name: str, steps: int = 6, *, finish: bool = True, **summary: object) -> Path:
    path = next_run_path(folder, name)
    with RunWriter.create(path, samples.header(name=name), samples.sample(), None) as writer:
        writer.append(samples.columns(0, steps))
        if finish:
            writer.finish(samples.summary(**summary))
    return path


def test_names_are_numbered_and_readable(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "runs"
    asked = ["line", "My table (2).csv", "../x", "", "größe", "n" * 100]
    found = [next_run_path(folder, name).name for name in asked]
    assert found == [
        "0001-line.db",
        "0002-My-table-2-.csv.db",
        "0003-x.db",
        "0004-run.db",
        "0005-größe.db",
        f"0006-{'n' * 40}.db",
    ]
    assert names(folder) == sorted(found)


def test_a_deleted_run_does_not_lend_its_number_again_while_a_later_one_exists(tmp_path: Path) -> None:
    first, _ = next_run_path(tmp_path, "a"), next_run_path(tmp_path, "b")
    first.unlink()
    assert next_run_path(tmp_path, "c").name == "0003-c.db"


def test_more_than_9999_runs(tmp_path: Path) -> None:
    (tmp_path / "9999-a.db").write_bytes(b"x")
    path = next_run_path(tmp_path, "b")
    path.write_bytes(b"x")
    assert path.name == "10000-b.db"
    assert last_run(tmp_path) == path


def test_a_lock_left_by_a_killed_process_costs_a_number_and_no_more(tmp_path: Path) -> None:
    (tmp_path / ".0001.claim").touch()
    assert next_run_path(tmp_path, "a").name == "0002-a.db"
    assert next_run_path(tmp_path, "b").name == "0003-b.db"


@pytest.mark.slow
def test_processes_that_ask_at_once_get_different_numbers(tmp_path: Path) -> None:
    script = (
        "import sys; from fallline._store import next_run_path; sys.stdin.read(1)\n"
        "for _ in range(40): next_run_path(sys.argv[1], sys.argv[2])"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name], stdin=subprocess.PIPE)
        for name in ("line", "line", "penguins", "ravine")
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"!")
        child.stdin.close()
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    numbers = sorted(int(name[:4]) for name in names(tmp_path))
    assert len(set(numbers)) == 160
    assert len(numbers) == 160


def test_runs_that_cannot_be_kept(tmp_path: Path, open_folder: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(RunFileError, match="it is a file, not a folder"):
        next_run_path(tmp_path / "runs", "a")
    open_folder.chmod(0o555)
    with (
        without_privileges(),
        pytest.raises(RunFileError, match=r"Runs cannot be kept in .*: permission denied"),
    ):
        next_run_path(open_folder, "a")
    with without_privileges(), pytest.raises(RunFileError, match="permission denied"):
        next_run_path(open_folder / "runs", "a")


def test_the_last_run(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match=r"There are no runs in .*; `fallline fit` makes one"):
        last_run(tmp_path / "runs")
    make(tmp_path, "line")
    newest = make(tmp_path, "line", finish=False)
    next_run_path(tmp_path, "claimed-and-never-written")
    (tmp_path / "zzz.db").write_bytes(b"x")
    assert last_run(tmp_path) == newest


def test_the_last_of_runs_without_numbers_is_the_one_written_last(tmp_path: Path) -> None:
    for age, name in enumerate(["b.db", "c.db", "a.db"]):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    assert last_run(tmp_path).name == "b.db"


def test_the_list(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "none") == []
    make(tmp_path, "line", last_loss=0.25)
    make(tmp_path, "line", steps=9, finish=False)
    make(tmp_path, "line", steps=2, finish=False)
    (tmp_path / "0004-torn.db").write_text("not a database, but long enough to look like one" * 9)
    (tmp_path / "notes.txt").touch()
    done, cut, young, torn = list_runs(tmp_path)
    assert (done.name, done.steps, done.outcome, done.loss, done.optimizer) == (
        "line",
        6,
        "diverged",
        0.25,
        "Adam",
    )
    assert (done.started, done.learning_rate, done.problem) == ("2025-11-21T13:00:00Z", 0.01, "")
    assert (cut.steps, cut.outcome) == (9, "unfinished")
    assert np.array_equal(cut.loss, samples.columns(8, 9).full_loss[0], equal_nan=True)
    assert (young.steps, young.loss) == (2, None), "no loss over all rows had been measured yet"
    assert (torn.name, torn.outcome, torn.steps, torn.loss) == ("0004-torn", "unreadable", None, None)
    assert "it is not a run file" in torn.problem


def test_finding_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runs"
    line, again, penguins = (make(folder, name) for name in ("line", "line", "penguins"))
    own = folder / "own.db"
    own.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "3").mkdir()
    for spec, expected in {
        "1": line, "0002": again, "3": penguins, "0001-line": line, "0001-line.db": line, "0003": penguins,
        "0003-p": penguins, "peng": penguins, "own": own, str(penguins): penguins,
    }.items():  # fmt: skip
        assert find_run(folder, spec) == expected, spec
    assert find_run(folder, "runs/0002-line.db") == Path("runs/0002-line.db")


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("penguin-", r'no run "penguin-" in .* Did you mean "penguins"'),
        ("7", 'no run "7" in'),
        ("", 'no run ""'),
        ("line", r'"line" could be 0001-line, 0002-line; give the number'),
        ("0001-lime", 'Did you mean "0001-line'),
    ],
)
def test_not_finding_a_run(tmp_path: Path, spec: str, sentence: str) -> None:
    for name in ("line", "line", "penguins"):
        next_run_path(tmp_path, name)
    with pytest.raises(RunFileError, match=sentence):
        find_run(tmp_path, spec)


def test_not_finding_a_run_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match=r"there are no runs in .* yet"):
        find_run(tmp_path / "runs", "line")


def test_a_missing_path_suggests_its_neighbours(tmp_path: Path) -> None:
    make(tmp_path / "other", "line")
    with pytest.raises(RunFileError, match=r'no run file .*0001-lime\.db\. Did you mean "0001-line\.db"'):
        find_run(tmp_path / "runs", str(tmp_path / "other" / "0001-lime.db"))
