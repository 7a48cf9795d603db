"""Standard output that takes nothing: one sentence and status 2 from every command, never a traceback."""

import subprocess
import sys
from io import TextIOWrapper
from pathlib import Path

import pytest

from cli.shell import command, environment
from fallline._cli import run_cli

FULL = Path("/dev/full")
full_device = pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
ASKED: tuple[tuple[str, ...], ...] = (
    ("--help",),
    ("--version",),
    ("backprop", "--help"),
    ("backprop", "x*x", "--at", "x=2"),
)


@full_device
@pytest.mark.parametrize("asked", ASKED)
def test_a_full_disk_under_standard_output(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str], asked: tuple[str, ...]
) -> None:
    with FULL.open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stdout", TextIOWrapper(full, write_through=True))
        assert run_cli(list(asked)) == 2
    assert capsys.readouterr().err == "fallline: Standard output cannot be written: no space left on device.\n"


def test_a_closed_standard_output(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert run_cli(["runs"]) == 2
    assert capsys.readouterr().err == "fallline: There is no standard output: it is closed.\n"


def test_an_error_of_something_else_is_not_told_as_one_of_the_output(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ConnectionError("no such thing as an output")

    monkeypatch.setattr("fallline._cli._app.app", broken)
    with pytest.raises(ConnectionError):
        run_cli(["runs"])


@pytest.mark.slow
@full_device
@pytest.mark.parametrize("unbuffered", [None, "1"])
def test_a_full_disk_under_a_process(folder: Path, unbuffered: str | None) -> None:
    """Buffered output is written when the process ends, and Python would tell of it once more."""
    around = environment(PYTHONUNBUFFERED=unbuffered)
    with FULL.open("w") as full:
        asked = command("backprop", "x*x", "--at", "x=2")
        done = subprocess.run(asked, env=around, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2, "fallline: Standard output cannot be written: no space left on device.\n"
    )  # fmt: skip
