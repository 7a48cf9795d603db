"""tools/environment.py: when .venv is left alone, added to, or made again."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]
INSTALLED = ("pyproject.toml", "constraints.txt", "setup.py", "src/fallline/_recorder/_one_pass.c")


def fill(checkout: Path) -> None:
    """What an installation depends on."""
    for name in INSTALLED:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("first\n", encoding="utf-8")


@pytest.fixture
def installed() -> list[str]:
    """What was given to pip, in order."""
    return []


@pytest.fixture
def environment(program: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: list[str]) -> ModuleType:
    """The program in a checkout of its own, with pip and venv replaced."""
    module = program("tools/environment.py")
    venv = tmp_path / ".venv"

    def create() -> None:
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").touch()

    fill(tmp_path)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "VENV_PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(module, "create", create)
    monkeypatch.setattr(module, "runs", Path.exists)
    monkeypatch.setattr(module, "has", lambda _package: bool(installed))
    monkeypatch.setattr(module, "install", installed.append)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))  # no npm
    return module


def test_a_second_time_does_nothing(environment: ModuleType, installed: list[str]) -> None:
    assert [environment.main(["runtime"]), environment.main(["runtime"])] == [0, 0]
    assert installed == ["."]


def test_development_adds_to_runtime_and_serves_for_it(environment: ModuleType, installed: list[str]) -> None:
    for kind in ("runtime", "development", "runtime", "development"):
        environment.main([kind])
    assert installed == [".", ".[dev]"]


@pytest.mark.parametrize("status", [0, 1])
def test_where_npm_is_typescript_is_installed_and_a_failure_is_told(
    environment: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    npm = tmp_path / "programs" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\necho no network >&2\nexit {status}\n', encoding="utf-8")
    npm.chmod(0o755)
    assert environment.main(["runtime"]) == 0
    assert not (tmp_path / "asked").exists()
    assert environment.main(["development"]) == 0
    asked = (tmp_path / "asked").read_text(encoding="utf-8").split()
    assert asked[:3] == ["install", "--prefix", str(tmp_path / ".venv")]
    assert asked[-1] == f"typescript@{environment.TYPESCRIPT}"
    assert ("It said: no network" in capsys.readouterr().err) == (status == 1)


@pytest.mark.parametrize("name", INSTALLED)
def test_what_to_install_changed(environment: ModuleType, installed: list[str], tmp_path: Path, name: str) -> None:
    environment.main(["runtime"])
    (tmp_path / name).write_text("second\n", encoding="utf-8")
    environment.main(["runtime"])
    assert installed == [".", "."]


def test_a_moved_checkout_gets_a_new_environment(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.main(["runtime"])
    left_behind = tmp_path / ".venv" / "left behind"
    left_behind.touch()
    moved = tmp_path / "moved"
    fill(moved)
    monkeypatch.setattr(environment, "ROOT", moved)
    assert environment.main(["runtime"]) == 0
    assert not left_behind.exists()


def test_the_long_download_is_announced_once(environment: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    environment.main(["runtime"])
    assert "2 to 3 GB on Linux" in capsys.readouterr().err
    environment.main(["development"])
    assert "PyTorch" not in capsys.readouterr().err


def test_a_failed_installation_leaves_no_stamp(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_requirement: str) -> None:
        raise environment.SetupError("pip could not install it")

    monkeypatch.setattr(environment, "install", fail)
    assert environment.main(["runtime"]) == 1
    assert "pip could not install it" in capsys.readouterr().err
    assert not environment.stamp_of("runtime").exists()


def test_an_unknown_kind_is_refused(environment: ModuleType) -> None:
    assert environment.main(["everything"]) == 2
