"""The command line under test: in this process, which is quick, or as a process of its own."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from fallline._cli import run_cli

ROOT = Path(__file__).resolve().parents[2]
PENGUINS = ROOT / "examples" / "penguins.csv"
ON_PENGUINS = ("--target", "body_mass_g", "--features", "flipper_length_mm", "--drop-missing")


@dataclass(frozen=True)
class Done:
    """What a command left: its status and what it wrote to the two streams."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as strict JSON: a bare NaN or Infinity is refused, as any other program would."""
        return json.loads(self.out, parse_constant=_refuse)

    @property
    def sentence(self) -> str:
        """The refusal: one line on stderr that begins with the program's name, nothing on stdout."""
        assert self.status == 2, (self.status, self.out, self.err)
        assert self.out == ""
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("fallline: ")
        assert lines[0].endswith((".", "?")), lines[0]
        return lines[0].removeprefix("fallline: ")


Cli = Callable[..., Done]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment without what would colour or narrow the output; None takes a name away."""
    plain = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}}
    plain["PYTHONPATH"] = str(ROOT / "src")
    for key, value in changes.items():
        if value is None:
            plain.pop(key, None)
        else:
            plain[key] = value
    return plain


def command(*arguments: object) -> list[str]:
    """``fallline …`` for this interpreter."""
    return [sys.executable, "-m", "fallline", *map(str, arguments)]


def process(folder: Path, *arguments: object, **changes: str | None) -> Done:
    """Run one command as a process of its own in ``folder``; keywords change its environment."""
    done = subprocess.run(
        command(*arguments), cwd=folder, env=environment(**changes), capture_output=True, check=False, timeout=120
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def here(folder: Path, *arguments: object, **changes: str | None) -> Done:
    """As :func:`process`, but in this process, which has loaded PyTorch already: seconds less."""
    out, err, threads = io.StringIO(), io.StringIO(), torch.get_num_threads()
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, environment(**changes), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = run_cli([str(argument) for argument in arguments])
    torch.set_num_threads(threads)
    return Done(status, out.getvalue(), err.getvalue())


def left_in(folder: Path) -> list[str]:
    """Everything below ``folder``, hidden files and folders as well."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
