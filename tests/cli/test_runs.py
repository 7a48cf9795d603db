"""``fallline runs``, ``export`` and ``report``."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest

import fallline as fl
from cli.shell import Cli, left_in


@pytest.fixture
def three(folder: Path, recorded: Callable[..., Path]) -> None:
    """A run that descended, one that diverged and a file that is none."""
    runs = recorded(("fit", "--epochs", 12, "--quiet"), ("fit", "--learning-rate", "0.05", "--quiet"))
    shutil.copytree(runs, folder / "runs")
    Path("runs/0003-broken.db").write_bytes(b"no database at all" * 100)


@pytest.mark.slow
@pytest.mark.usefixtures("three")
def test_runs_lists_them_in_order(cli: Cli) -> None:
    done = cli("runs")
    assert (done.status, done.err) == (0, "")
    head, *rows = done.out.splitlines()
    assert head.split() == ["run", "started", "(UTC)", "optimizer", "rate", "steps", "last", "loss", "outcome"]
    assert [row.split()[0] for row in rows] == ["0001-line", "0002-line", "0003-broken"]
    assert rows[0].split()[-4:-2] == ["0.01", "12"]
    assert rows[0].endswith("descending")
    assert rows[1].split()[-2:] == ["NaN", "diverged"]
    assert rows[2].split()[-1] == "unreadable"


@pytest.mark.usefixtures("three")
def test_runs_as_strict_json(cli: Cli) -> None:
    told = cli("runs", "--json").json
    assert told["schema"] == "fallline.runs/1"
    first, second, broken = told["runs"]
    assert (first["path"], first["steps"], first["outcome"]) == ("runs/0001-line.db", 12, "descending")
    assert second["loss"] == "NaN"
    assert broken["loss"] is None
    assert "it is not a run file" in broken["problem"]


def test_no_runs_yet(cli: Cli, folder: Path) -> None:
    done = cli("runs")
    assert (done.status, done.out) == (0, "")
    assert "There are no runs in the folder runs yet: `fallline fit` makes one." in done.err
    assert cli("runs", "--json").json["runs"] == []
    assert left_in(folder) == []


def test_a_named_folder_that_is_not_there_is_a_slip(cli: Cli, folder: Path) -> None:
    assert "There is no folder nosuch" in cli("runs", "--runs", "nosuch").sentence
    assert "There is no folder nosuch" in cli("runs", "--runs", "nosuch", "--json").sentence
    Path("file").write_text("")
    assert "There is no folder file" in cli("runs", "--runs", "file").sentence
    Path("empty").mkdir()
    assert cli("runs", "--runs", "empty").status == 0


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_export_hands_every_step_on(cli: Cli, kind: str) -> None:
    done = cli("export", "1", f"--{kind}")
    assert (done.status, done.out, done.err) == (0, f"runs/0001-line.{kind}\n", "")
    path = f"runs/0001-line.{kind}"
    frame = polars.read_parquet(path) if kind == "parquet" else polars.read_csv(path)
    run = fl.load("runs/0001-line.db")
    assert frame.columns[:4] == ["step", "epoch", "learning_rate", "loss"]
    assert np.array_equal(frame["w"].to_numpy(), run.columns.parameters[:, 0])
    assert np.array_equal(frame["slope_b"].to_numpy(), run.columns.gradient[:, 1])


@pytest.mark.usefixtures("three")
def test_export_keeps_not_finite_numbers(cli: Cli) -> None:
    cli("export", "2", "--parquet", "-o", "steps.parquet")
    frame = polars.read_parquet("steps.parquet")
    assert frame["loss"].is_nan().any()
    assert frame["loss"].is_infinite().any()


@pytest.mark.usefixtures("three")
def test_export_that_cannot_be_made(cli: Cli, folder: Path) -> None:
    before = left_in(folder)
    assert "--parquet or --csv" in cli("export", "1").sentence
    assert "--parquet or --csv" in cli("export", "1", "--parquet", "--csv").sentence
    assert "there is no folder no" in cli("export", "1", "--csv", "-o", "no/a.csv").sentence
    assert "it is a folder" in cli("export", "1", "--csv", "-o", ".").sentence
    assert left_in(folder) == before


@pytest.mark.usefixtures("three")
def test_an_export_over_its_own_run_is_refused(cli: Cli) -> None:
    before = Path("runs/0001-line.db").read_bytes()
    for command in (("export", "1", "--csv"), ("report", "1")):
        assert "0001-line.db" in cli(*command, "-o", "runs/0001-line.db").sentence
    assert Path("runs/0001-line.db").read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("three")
def test_report_writes_the_page_again(cli: Cli) -> None:
    Path("runs/0001-line.html").unlink()
    done = cli("report", "1")
    assert (done.status, done.out, done.err) == (0, "runs/0001-line.html\n", "")
    assert Path("runs/0001-line.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert cli("report", "2", "-o", "there.html").out == "there.html\n"
    assert Path("there.html").is_file()


@pytest.mark.usefixtures("three")
def test_report_that_cannot_be_made(cli: Cli, folder: Path) -> None:
    before = left_in(folder)
    sentence = cli("report", "1", "-o", "no/a.html").sentence
    assert "no/a.html" in sentence
    assert "--report" not in sentence, "the option is called --output here"
    assert cli("report", "1", "-o", ".").sentence
    assert "cannot be read" in cli("report", "3").sentence
    assert left_in(folder) == before
