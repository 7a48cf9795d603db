"""Places that cannot be written: said in one sentence, and what is there already is kept."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import fallline as fl
from cli.shell import Cli, here, left_in, process
from store.places import mounted, without_privileges


@pytest.fixture
def closed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, which may be entered and read by everybody and written by nobody else."""
    cli("fit", "--epochs", 1, "--quiet")  # modules are imported before privileges are given up
    with tempfile.TemporaryDirectory(prefix="fallline-test-") as name:
        Path(name).chmod(0o755)
        monkeypatch.chdir(name)
        yield Path(name)


@pytest.fixture
def page_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds a run file and no report."""
    with mounted(tmp_path / "page", "-t", "tmpfs", "-o", "size=200k", "tmpfs") as folder:
        yield folder


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds not even the head of a run file."""
    with mounted(tmp_path / "tiny", "-t", "tmpfs", "-o", "size=16k", "tmpfs") as folder:
        yield folder


def test_a_folder_that_may_not_be_written(cli: Cli, closed: Path) -> None:
    with without_privileges():
        done = cli("fit", "--epochs", 2)
    assert done.sentence == "Runs cannot be kept in runs: permission denied."
    assert left_in(closed) == []


def test_a_runs_folder_that_may_not_be_written(cli: Cli, closed: Path) -> None:
    (closed / "runs").mkdir(mode=0o755)
    with without_privileges():
        done = cli("fit", "--epochs", 2)
    assert done.sentence == "Runs cannot be kept in runs: permission denied."
    assert left_in(closed) == ["runs"]


def test_runs_is_a_file(cli: Cli, folder: Path) -> None:
    Path("runs").write_text("mine")
    assert cli("fit", "--epochs", 2).sentence == "Runs cannot be kept in runs: it is a file, not a folder."
    assert Path("runs").read_text() == "mine"


@pytest.mark.slow
def test_a_report_that_may_not_be_written_keeps_the_run(cli: Cli, closed: Path) -> None:
    (closed / "open").mkdir()
    (closed / "open").chmod(0o777)
    with without_privileges():
        done = cli("fit", "--epochs", 2, "--run", "open/a.db", "--report", "page.html")
    assert "page.html" in done.sentence
    assert "The run itself is recorded: open/a.db." in done.sentence
    assert left_in(closed) == ["open", "open/a.db"]
    assert len(fl.load("open/a.db")) == 2


def test_the_default_folder_may_be_named_before_it_exists(cli: Cli, folder: Path) -> None:
    assert cli("fit", "--epochs", 1, "--report", "runs/first.html").status == 0
    assert left_in(folder) == ["runs", "runs/0001-line.db", "runs/first.html"]


def test_a_run_given_as_a_folder_gets_the_next_number(cli: Cli, folder: Path) -> None:
    assert cli("fit", "--epochs", 1, "--run", "kept").status == 0
    assert left_in(folder) == ["kept", "kept/0001-line.db", "kept/0001-line.html"]


@pytest.mark.slow
def test_a_full_disk_for_the_run(tiny_disk: Path) -> None:
    sentence = here(tiny_disk, "fit", "--epochs", 2, "--run", "a.db").sentence
    assert "the disk is full" in sentence
    assert left_in(tiny_disk) == []


@pytest.mark.slow
def test_a_full_disk_for_a_numbered_run_leaves_no_empty_name(tiny_disk: Path) -> None:
    assert "the disk is full" in here(tiny_disk, "fit", "--epochs", 2).sentence
    assert [name for name in left_in(tiny_disk) if name != "runs"] == []


@pytest.mark.slow
def test_a_full_disk_for_the_report_keeps_the_run(page_disk: Path) -> None:
    sentence = here(page_disk, "fit", "--epochs", 2, "--run", "a.db").sentence
    assert "no space left on device" in sentence
    assert "The run itself is recorded: a.db." in sentence
    assert left_in(page_disk) == ["a.db"]
    assert len(fl.load(page_disk / "a.db")) == 2


@pytest.mark.slow
def test_a_disk_that_fills_during_the_run_keeps_what_was_flushed(tmp_path: Path) -> None:
    with mounted(tmp_path / "some", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as folder:
        done = here(folder, "fit", "--epochs", 200_000, "--run", "a.db")
        assert "the disk is full; what was written before, if anything, can still be read" in done.sentence
        assert len(fl.load(folder / "a.db")) > 0


@pytest.mark.slow
def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.csv")).write_text("x,y\n1,2\n2,3\n3,5\n")
    done = process(tmp_path, "fit", os.fsdecode(b"caf\xe9.csv"), "--target", "y", "--epochs", 2)
    assert done.status == 2
    assert "is not UTF-8" in done.sentence


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Größe 年".encode()])
def test_names_beyond_ascii(tmp_path: Path, name: bytes) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/" + name)  # noqa: PTH102  (bytes that are not UTF-8)
    inside = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    (inside / "t.csv").write_text("x,y\n1,2\n2,3\n3,5\n")
    table = Path(os.fsdecode(name)) / "t.csv"
    done = process(tmp_path, "fit", table, "--target", "y", "--epochs", 2, "--run", inside / "a.db")
    assert (done.status, done.err) == (0, "")
    assert left_in(inside) == ["a.db", "a.html", "t.csv"]
    shown = here(tmp_path, "explain", inside / "a.db")
    assert (shown.status, shown.err) == (0, "")
