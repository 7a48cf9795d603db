"""``import fallline`` and ``fallline --help`` bring in nothing slow."""

import subprocess
import sys

import pytest

SLOW = {"torch", "polars", "narwhals", "contourpy", "plotly", "pandas", "pyarrow", "sklearn"}
HELP = (
    "import runpy, sys\n"
    "sys.argv = ['fallline', '--help']\n"
    "runpy.run_module('fallline', run_name='__main__', alter_sys=True)\n"
)


def imported(code: str) -> set[str]:
    """Every package that a fresh Python imports for this code, by the interpreter's own record."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line.split("|") for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {row[-1].strip().split(".")[0] for row in rows}


@pytest.mark.parametrize("code", ["import fallline", HELP], ids=["import fallline", "fallline --help"])
def test_nothing_slow_is_imported(code: str) -> None:
    packages = imported(code)
    assert "fallline" in packages
    assert packages & SLOW == set()


def test_a_slow_import_would_be_seen() -> None:
    assert "contourpy" in imported("import contourpy")
