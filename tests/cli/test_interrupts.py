"""A process that is stopped: Ctrl-C, kill -9, a closed pipe; and a run that is followed while it is made."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import fallline as fl
from cli.shell import Cli, command, environment, left_in
from fallline._errors import RunFileError
from fallline._records import Outcome
from fallline._store._reader import read_overview

pytestmark = pytest.mark.slow
ENDLESS = 5_000_000


@contextmanager
def started(folder: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that is gone when the block is left, whatever happens in it."""
    with subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for_steps(path: Path, steps: int = 1) -> int:
    """Until the run file holds some steps; how many."""
    for _ in range(1200):
        if path.exists() and path.stat().st_size > 0:
            try:
                found = read_overview(path).steps
            except RunFileError:
                found = 0  # its head is being written at this moment
            if found >= steps:
                return found
        time.sleep(0.05)
    raise AssertionError(f"{path} never held {steps} steps")


def test_ctrl_c_keeps_explains_and_reports_what_there_is(tmp_path: Path) -> None:
    with started(tmp_path, "fit", "--epochs", ENDLESS) as running:
        durable = wait_for_steps(tmp_path / "runs" / "0001-line.db")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert f"of {ENDLESS:,} epochs; everything up to there is recorded." in " ".join(out.split())
    run = fl.load(tmp_path / "runs" / "0001-line.db")
    assert run.summary is not None
    assert run.summary.outcome is Outcome.INTERRUPTED
    assert len(run) >= durable
    assert left_in(tmp_path / "runs") == ["0001-line.db", "0001-line.html"]


def test_ctrl_c_with_json(tmp_path: Path) -> None:
    with started(tmp_path, "fit", "--epochs", ENDLESS, "--json", "--run", "a.db") as running:
        wait_for_steps(tmp_path / "a.db")
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=120)
    assert running.returncode == 130
    told = json.loads(out)
    assert told["outcome"] == "interrupted"
    assert told["steps"] == len(fl.load(tmp_path / "a.db"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("sweep", "--optimizer", "Rprop", "--epochs", 1_000_000, "--report", "page.html"),
        ("compare", "--optimizers", "rprop,lbfgs", "--epochs", 1_000_000, "--report", "page.html"),
        ("why", "minimum", "--report", "page.html"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_ctrl_c_in_other_commands_says_so_and_leaves_nothing(tmp_path: Path, arguments: tuple[object, ...]) -> None:
    code = "import sys; print('up', flush=True); from fallline.__main__ import main; sys.argv[0] = 'fallline'; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        time.sleep(2.5)  # into the work, on a slow machine into what it loads: both are answered alike
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    assert (running.returncode, out, err) == (130, "", "fallline: Stopped by Ctrl-C.\n")
    assert left_in(tmp_path) == []


def test_ctrl_c_before_the_first_step_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path, "fit", "--epochs", ENDLESS) as running:
        time.sleep(0.3)  # somewhere in the imports
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=120)
    assert running.returncode in (130, -signal.SIGINT)  # the latter: Python itself was not up yet
    if running.returncode == 130:
        assert "Traceback" not in err
    assert [name for name in left_in(tmp_path) if name.endswith(("-wal", "-shm", ".claim"))] == []


def test_what_a_kill_leaves_is_explained_listed_reported_and_exported(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "runs" / "0001-line.db"
    with started(tmp_path, "fit", "--epochs", ENDLESS) as running:
        durable = wait_for_steps(path, 100)
        running.kill()
        running.wait()
    assert not (tmp_path / "runs" / "0001-line.html").exists()
    done = cli("explain")
    assert done.status == 0
    assert "The record has no end yet" in " ".join(done.out.split())
    assert cli("explain", "--step", durable - 1).status == 0
    assert cli("runs").out.splitlines()[-1].endswith("unfinished")
    assert cli("report").status == 0
    assert cli("export", "--parquet").status == 0
    assert {"0001-line.html", "0001-line.parquet"} <= set(left_in(tmp_path / "runs"))
    assert cli("fit", "--epochs", 1, "--quiet").status == 0
    assert (tmp_path / "runs" / "0002-line.db").exists()


def test_a_live_run_is_followed_to_its_end(tmp_path: Path) -> None:
    with started(tmp_path, "fit", "--epochs", ENDLESS) as running:
        wait_for_steps(tmp_path / "runs" / "0001-line.db")
        with started(tmp_path, "explain", "--follow") as following:
            assert following.stdout is not None
            first = following.stdout.readline()
            assert first.startswith("step ")
            assert "loss" in first
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=120)
            rest, err = following.communicate(timeout=120)
    assert following.returncode == 0
    assert err == ""
    assert "It was interrupted after" in " ".join(rest.split())


def test_following_can_be_left_without_touching_the_run(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "0001-line.db"
    with started(tmp_path, "fit", "--epochs", ENDLESS) as running:
        wait_for_steps(path)
        with started(tmp_path, "explain", "--follow") as following:
            assert following.stdout is not None
            following.stdout.readline()
            following.send_signal(signal.SIGINT)
            _, err = following.communicate(timeout=60)
        assert following.returncode == 130
        assert "Traceback" not in err
        assert running.poll() is None
        wait_for_steps(path, read_overview(path).steps + 1)


def test_a_reader_that_has_seen_enough(tmp_path: Path) -> None:
    reader = [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.readline())"]
    with subprocess.Popen(
        command("fit", "--epochs", 50),
        cwd=tmp_path,
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        done = subprocess.run(reader, stdin=running.stdout, capture_output=True, check=True)
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        err = running.stderr.read().decode()
    assert running.returncode == 0
    assert done.stdout.decode().startswith("y = 2x + 1")
    assert err == ""
    assert left_in(tmp_path / "runs") == ["0001-line.db", "0001-line.html"]


def test_a_reader_that_never_read(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        command("fit", "--epochs", 5),
        cwd=tmp_path,
        env=environment(),
        stdout=write_end,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write_end)
    assert done.returncode == 0
    assert done.stderr == b""
    assert len(fl.load(tmp_path / "runs" / "0001-line.db")) == 5
