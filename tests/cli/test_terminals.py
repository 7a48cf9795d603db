"""The same words on every kind of terminal: narrow, dumb, uncoloured, ASCII, none at all."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.shell import ON_PENGUINS, PENGUINS, Cli, command, environment, left_in, process

TOLD = (["fit"], ["explain"], ["explain", "--step", "0"], ["explain", "--step", "-1"])


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_lines_fit_the_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for arguments in TOLD:
        done = cli(*arguments)
        assert done.status == 0
        assert [line for line in done.out.splitlines() if len(line) > columns] == [], arguments
    assert max(map(len, cli("runs").out.splitlines())) <= 80


@pytest.mark.slow
def test_prose_fits_a_very_narrow_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for arguments in TOLD:
        lines = cli(*arguments).out.splitlines()
        assert [line for line in lines if len(line) > 40 and not line.startswith("epoch")] == [], arguments


@pytest.mark.slow
def test_several_features_keep_the_picture_in_one_piece(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (44, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        done = cli("fit", PENGUINS, "--target", "body_mass_g", "--drop-missing", "--epochs", 20)
        picture = [line for line in done.out.splitlines() if "│" in line]
        assert len(picture) == 19
        assert max(map(len, picture)) <= columns
        assert "path direction 2" in done.out


@pytest.mark.slow
def test_the_legend_names_only_what_is_drawn(cli: Cli) -> None:
    legend = next(line for line in cli("fit").out.splitlines() if "denser is lower" in line)
    assert legend.strip() == "denser is lower; 0 start, 1 … first steps, × lowest possible, ● end"
    shown = cli("fit", "--learning-rate", 0.05).out
    assert "● end" not in shown


@pytest.mark.parametrize("columns", [20, 43, 44, 45])
def test_the_picture_is_left_out_where_there_is_no_room(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = cli("fit", "--epochs", 5)
    assert done.status == 0
    assert ("│" in done.out) == (columns >= 44)
    assert "\n\n\n" not in done.out


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"PYTHONIOENCODING": "ascii", "TERM": "dumb"},
        {"PYTHONIOENCODING": "cp1252", "TERM": None, "COLUMNS": "40"},
        {"NO_COLOR": "1", "COLUMNS": "nonsense", "HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"},
    ],
    ids=lambda changes: ",".join(f"{key}={value}" for key, value in changes.items()),
)
def test_the_environment_does_not_stop_it(tmp_path: Path, changes: dict[str, str | None]) -> None:
    done = process(tmp_path, "fit", PENGUINS, *ON_PENGUINS, "--epochs", 5, **changes)
    assert done.status == 0
    assert "of 344 rows dropped" in done.err
    assert len(done.err.splitlines()) == 1
    assert "−5,780.83" in done.out
    assert "\x1b" not in done.out
    assert left_in(tmp_path / "runs") == ["0001-penguins.db", "0001-penguins.html"]


def on_a_terminal(folder: Path, stop: str, **changes: str | None) -> tuple[int, str]:
    """A run without end on a pseudo-terminal, stopped by Ctrl-C once ``stop`` is seen or 3 seconds of steps are.

    Its status and all that it wrote to stdout and stderr.
    """
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("fit", "--epochs", 5_000_000),
        cwd=folder,
        env=environment(**changes),
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
    ) as running:
        os.close(theirs)
        written, stopped = b"", False
        started = time.monotonic()
        while time.monotonic() < started + 120:
            ready = select.select([ours], [], [], 0.2)[0]
            if ready:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # Linux's way to say that the other end is closed
                    break
                written += part
            recorded = sum(path.stat().st_size for path in folder.glob("runs/*.db*"))
            if not stopped and (stop.encode() in written if stop else recorded > 500_000):
                running.send_signal(signal.SIGINT)
                stopped = True
        running.kill()
    os.close(ours)
    return running.returncode, written.decode()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a matter of Unix")
def test_long_work_shows_a_bar_with_the_time_left_and_takes_it_away(tmp_path: Path) -> None:
    status, shown = on_a_terminal(tmp_path, "s left", TERM="xterm")
    assert status == 130
    assert " of 5,000,000 steps" in shown
    bars, story = shown.split("y = 2x + 1", maxsplit=1)
    assert bars.endswith("\r\x1b[K")
    assert "5,000,000 steps" not in story


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a matter of Unix")
def test_a_dumb_terminal_gets_no_escape_sequences(tmp_path: Path) -> None:
    status, shown = on_a_terminal(tmp_path, "", TERM="dumb")
    assert status == 130
    assert "It was interrupted" in shown
    assert "\x1b" not in shown


@pytest.mark.slow
def test_no_bar_where_stderr_is_no_terminal(tmp_path: Path) -> None:
    assert process(tmp_path, "fit", "--epochs", 4_000).err == ""
