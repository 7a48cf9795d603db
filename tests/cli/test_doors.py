"""``fallline`` by itself: help, version, completion, and what they load."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.shell import ROOT, Cli, environment, left_in, process

COMMANDS = ("fit", "sweep", "explain", "report", "studio", "runs", "export")
FIT_OPTIONS = (
    *("--target", "--features", "--drop-missing", "--standardise", "--no-standardise", "--learning-rate"),
    *("--epochs", "--batch-size", "--optimizer", "--option", "--schedule", "--loss", "--start", "--seed"),
    *("--dtype", "--every", "--run", "--report", "--json", "--quiet"),
)
SLOW_IMPORTS = (
    "torch",
    "numpy",
    "polars",
    "narwhals",
    "contourpy",
    "plotly",
    "sqlite3",
    "starlette",
    "uvicorn",
    "asyncio",
)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_every_command(cli: Cli, folder: Path, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert (done.status, done.err) == (0, "")
    assert "Usage: fallline" in done.out
    for command in COMMANDS:
        assert f"\n  {command} " in done.out
    assert left_in(folder) == []


def test_help_of_fit_names_every_option(cli: Cli) -> None:
    done = cli("fit", "--help")
    assert done.status == 0
    for option in FIT_OPTIONS:
        assert option in done.out, option


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli: Cli, command: str) -> None:
    done = cli(command, "--help")
    assert (done.status, done.err) == (0, "")
    assert f"Usage: fallline {command}" in done.out


def test_version(cli: Cli) -> None:
    done = cli("--version")
    assert (done.status, done.out) == (0, f"fallline {importlib.metadata.version('fallline')}\n")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fit", "--help"], ["nonsense"]])
def test_nothing_slow_is_loaded_for_it(tmp_path: Path, arguments: list[str]) -> None:
    program = (
        "import json, sys; from fallline._cli import run_cli; run_cli(sys.argv[1:]);"
        f"sys.stderr.write('\\n' + json.dumps([name for name in {SLOW_IMPORTS} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stderr.splitlines()[-1]) == []


@pytest.mark.slow
def test_runs_loads_no_torch(tmp_path: Path) -> None:
    assert process(tmp_path, "fit", "--epochs", 1, "--quiet").status == 0
    for command in (["runs"], ["explain"], ["explain", "--step", "0"]):
        program = (
            "import sys; from fallline._cli import run_cli; status = run_cli(sys.argv[1:]);"
            "sys.exit(status or 9 * ('torch' in sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, *command],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(tmp_path: Path, shell: str) -> None:
    # Without detection the shell is named; the parent of a test may be make, whose shell has no completion.
    done = process(tmp_path, "--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.status == 0
    assert "_FALLLINE_COMPLETE" in done.out


@pytest.mark.slow
def test_completion_finds_commands_and_options(tmp_path: Path) -> None:
    for typed, expected in (("fallline ex", {"explain", "export"}), ("fallline fit --le", {"--learning-rate"})):
        done = process(
            tmp_path,
            _FALLLINE_COMPLETE="complete_bash",
            COMP_WORDS=typed,
            COMP_CWORD=str(len(typed.split()) - 1),
        )
        assert expected <= set(done.out.split()), done


@pytest.mark.slow
def test_the_installed_program_and_the_module_are_one(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("fallline.exe" if os.name == "nt" else "fallline")
    if not program.exists():
        pytest.skip("the package is not installed, it is used from its folder")
    installed = subprocess.run([program, "--help"], cwd=tmp_path, env=environment(), capture_output=True, check=True)
    assert installed.stdout.decode() == process(tmp_path, "--help").out


def test_python_m_is_called_fallline_too(cli: Cli) -> None:
    assert "python -m" not in cli("fit", "--help").out
    assert (ROOT / "src" / "fallline" / "__main__.py").is_file()
