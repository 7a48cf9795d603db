"""``fallline explain``: the run, a step, and which run is meant."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

import fallline as fl
from cli.shell import ON_PENGUINS, PENGUINS, Cli, Done, left_in


@pytest.fixture
def line(folder: Path, recorded: Callable[..., Path]) -> None:
    """``runs/0001-line.db``: the textbook run."""
    shutil.copytree(recorded(("fit", "--quiet")), folder / "runs")


@pytest.fixture
def two(folder: Path, recorded: Callable[..., Path]) -> None:
    """The textbook run and, after it, the penguins."""
    runs = recorded(("fit", "--quiet"), ("fit", PENGUINS, *ON_PENGUINS, "--epochs", 20, "--quiet"))
    shutil.copytree(runs, folder / "runs")


def words(done: Done) -> str:
    """What was said, however it was wrapped."""
    assert (done.status, done.err) == (0, "")
    return " ".join(done.out.split())


@pytest.mark.slow
@pytest.mark.usefixtures("line")
def test_the_run_in_a_short_paragraph(cli: Cli) -> None:
    told = words(cli("explain"))
    assert "100 rows, y from x" in told
    assert "34 % of the limit 0.0292" in told
    assert re.search("The first (four|five) steps fix w", told)


@pytest.mark.usefixtures("line")
def test_explain_says_what_fit_said(cli: Cli) -> None:
    fitted = cli("fit").out
    verdict = fitted.split("\n\n")[-3]
    assert verdict in cli("explain").out


@pytest.mark.usefixtures("line")
def test_a_step_by_its_own_arithmetic(cli: Cli) -> None:
    done = cli("explain", "--step", 0)
    told = words(done)
    run = fl.load("runs/0001-line.db")
    columns = run.columns
    for k, name in enumerate("wb"):
        pattern = rf"^{name}: (\S+) − 0.01 × \(−(\S+)\) = (\S+)$"
        before, slope, after = (
            float(text.replace("−", "-")) for text in re.search(pattern, done.out, flags=re.MULTILINE).groups()
        )
        assert before == pytest.approx(run.header.start[k], abs=5e-5)
        assert -slope == pytest.approx(columns.gradient[0, k], rel=1e-3)
        assert after == pytest.approx(columns.parameters[0, k], abs=5e-5)
    assert "the loss rises as w goes down, so w goes up" in told
    assert f"Reach {columns.reach[0]:.2f}:" in told
    assert "The tangent promised a fall of" in told


@pytest.mark.usefixtures("line")
def test_steps_from_the_end_and_beyond_it(cli: Cli) -> None:
    assert words(cli("explain", "--step", -1)) == words(cli("explain", "--step", 199))
    assert cli("explain", "--step", "-1").out.startswith("Step 199 of line")
    assert "0 to 199" in cli("explain", "--step", 200).sentence
    assert "There is no step -201" in cli("explain", "--step", -201).sentence


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("name", ["1", "0001", "line", "0001-line", "0001-line.db", "runs/0001-line.db"])
def test_every_way_to_name_a_run(cli: Cli, name: str) -> None:
    assert cli("explain", name).out.startswith("line\n")


@pytest.mark.usefixtures("two")
def test_the_last_run_is_meant_where_none_is_named(cli: Cli) -> None:
    assert cli("explain").out.startswith("penguins\n")
    assert words(cli("explain", "--step", 0)).startswith("Step 0 of penguins")


@pytest.mark.usefixtures("two")
def test_names_that_are_not_clear(cli: Cli) -> None:
    assert 'Did you mean "penguins"' in cli("explain", "pengiuns").sentence
    assert '"000" could be 0001-line, 0002-penguins' in cli("explain", "000").sentence
    assert 'There is no run "7"' in cli("explain", "7").sentence
    assert "There is no run file elsewhere/a.db" in cli("explain", "elsewhere/a.db").sentence


def test_without_any_run(cli: Cli, folder: Path) -> None:
    for command in ("explain", "report", "export --csv"):
        assert "There are no runs in runs yet" in cli(*command.split()).sentence
    assert left_in(folder) == []


def test_a_folder_of_runs_elsewhere(cli: Cli) -> None:
    cli("fit", "--epochs", 3, "--run", "kept", "--quiet")
    assert cli("explain", "--runs", "kept").status == 0
    assert cli("explain", "1", "--runs", "kept", "--step", 2).status == 0


def test_a_file_that_is_no_run(cli: Cli) -> None:
    Path("notes.txt").write_text("hello, I am a text\n" * 20)
    assert "it is not a run file" in cli("explain", "notes.txt").sentence
    with sqlite3.connect("other.db") as connection:
        connection.execute("CREATE TABLE t (a)")
    connection.close()
    for command in ("explain", "report", "export --csv"):
        name, *options = command.split()
        assert "other.db cannot be read" in cli(name, "other.db", *options).sentence
    Path("empty.db").touch()
    assert "empty.db cannot be read" in cli("explain", "empty.db").sentence


@pytest.mark.usefixtures("line")
def test_a_run_of_a_newer_version(cli: Cli) -> None:
    with sqlite3.connect("runs/0001-line.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    sentence = cli("explain").sentence
    assert "newer" in sentence
    listed = cli("runs")
    assert listed.status == 0
    assert "unreadable" in listed.out


def test_follow_on_a_finished_run_ends_at_once(cli: Cli, line: None) -> None:
    told = words(cli("explain", "--follow"))
    assert "step 200" in told
    assert "34 % of the limit" in told


@pytest.mark.slow
def test_a_diverged_run(cli: Cli) -> None:
    cli("fit", "--learning-rate", "0.05", "--quiet")
    told = words(cli("explain"))
    assert "It diverged" in told
    last = words(cli("explain", "--step", -1))
    assert "the slope is NaN" in last
    assert "Reach is not defined" in last
    over = words(cli("explain", "--step", 2))
    assert "too long: past the bottom ahead" in over
