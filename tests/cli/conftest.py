"""An empty folder to stand in, and the command line in this process."""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from cli.shell import Cli, Done
from fallline._cli import run_cli


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty, and removed after the test."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``recorded(("fit", "--epochs", 3), …)``: the folder ``runs`` these commands leave, made once; to be copied."""
    made: dict[tuple[tuple[object, ...], ...], Path] = {}

    def folder_of(*commands: tuple[object, ...]) -> Path:
        if commands not in made:
            threads, place = torch.get_num_threads(), tmp_path_factory.mktemp("recorded")
            with contextlib.chdir(place), contextlib.redirect_stdout(io.StringIO()):
                for command in commands:
                    run_cli([str(argument) for argument in command])
            torch.set_num_threads(threads)
            made[commands] = place / "runs"
        return made[commands]

    return folder_of


@pytest.fixture
def cli(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """``cli("fit", "--epochs", 3)`` in an empty folder; the command may set its own thread count, not ours."""
    threads = torch.get_num_threads()

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        status = run_cli([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return Done(status, written.out, written.err)

    yield call
    torch.set_num_threads(threads)
