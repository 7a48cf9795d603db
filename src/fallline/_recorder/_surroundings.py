"""What is needed to repeat a run: versions, command line, commit, seeds, device."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from fallline._records import Surroundings
from fallline._version import VERSION

GIT_SECONDS = 0.03
"""The start of a loop waits at most so long for git: that is enough for a work tree of some ten thousand files."""
HIDDEN = "…"
"""Stands where the command line held a secret."""
_SECRET_NAME = re.compile(r"(^|[-_.])(token|secret|password|passwd|pwd|credentials?|auth|(api|access)[-_]?key)$", re.I)
_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_NOTEBOOK_STARTERS = ("ipykernel_launcher.py", "colab_kernel_launcher.py")


def surroundings(device: torch.device) -> Surroundings:
    """The program that is running, as far as a record needs it; its environment is not recorded."""
    folder = _folder()
    return Surroundings(
        versions={
            "fallline": VERSION,
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        command_line=command_line(getattr(sys, "argv", ()), os.environ.get("JPY_SESSION_NAME")),
        folder=folder,
        git_commit=git_commit(folder),
        seeds={"torch": torch.initial_seed(), **_hash_seed(os.environ.get("PYTHONHASHSEED", ""))},
        device=device_name(device),
        threads=torch.get_num_threads(),
        deterministic=torch.are_deterministic_algorithms_enabled(),
    )


def command_line(arguments: Sequence[str], notebook: str | None = None) -> tuple[str, ...]:
    """The program's arguments without secrets; in a notebook its file, where that is known.

    >>> command_line(["train.py", "--lr", "0.1", "--api-key", "abc", "--hf_token=xyz"])
    ('train.py', '--lr', '0.1', '--api-key', '…', '--hf_token=…')
    """
    if arguments and Path(arguments[0]).name in _NOTEBOOK_STARTERS:
        return ("notebook",) if notebook is None else ("notebook", notebook)
    shown: list[str] = []
    secret_next = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        secret = bool(_SECRET_NAME.search(name))
        if secret_next and not argument.startswith("-"):
            shown.append(HIDDEN)
        else:
            shown.append(name + equals + HIDDEN if secret and equals else _IN_ADDRESS.sub(HIDDEN, argument))
        secret_next = secret and not equals and argument.startswith("-")
    return tuple(shown)


def git_commit(folder: str) -> str | None:
    """The commit of the work tree around ``folder``, None where there is none, or no git.

    ``+changes`` follows it where files that git tracks were changed; ``+changes?`` where git took too long to tell.
    """
    try:
        said = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    except subprocess.TimeoutExpired:
        return _head_of_slow(folder)
    except OSError:
        return None
    found = re.search(r"^# branch\.oid ([0-9a-f]+)$", said, re.MULTILINE)
    if found is None:
        return None
    changed = any(not line.startswith("#") for line in said.splitlines())
    return found[1] + ("+changes" if changed else "")


def _head_of_slow(folder: str) -> str | None:
    try:
        head = _git(folder, "rev-parse", "HEAD").strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return f"{head}+changes?" if head else None


def _git(folder: str, *arguments: str) -> str:
    """What git says; nothing where it refuses. It takes no lock, asks nothing, and reads no input."""
    return subprocess.run(
        ("git", "--no-optional-locks", "-C", folder, *arguments),
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=GIT_SECONDS,
        encoding="utf-8",
        errors="replace",
    ).stdout


def device_name(device: torch.device) -> str:
    """The device with its maker's name for it, where that is known: ``cpu (AMD EPYC 7763)``."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    if device.type == "cpu":
        name = _processor()
    return f"{device} ({name})" if name else str(device)


def _processor() -> str | None:
    """The processor's name; ``platform`` would start a program to find out on Linux."""
    if sys.platform != "linux":
        return platform.processor() or None
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    return value.strip() or None
    except OSError:
        return None
    return None


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed under the program
        return ""


def _hash_seed(value: str) -> dict[str, int]:
    return {"PYTHONHASHSEED": int(value)} if value.isdecimal() else {}
