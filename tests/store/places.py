"""Places to write to that are smaller or stricter than a temporary folder."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A mount at ``folder``; where mounting is not allowed the test is skipped, its simulated twin is not."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root to mount a file system; the same case is simulated in another test")
    folder.mkdir()
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting is not possible here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def names(folder: Path) -> list[str]:
    """What lies in ``folder``, by name."""
    return sorted(entry.name for entry in folder.iterdir())


@contextmanager
def without_privileges() -> Iterator[None]:
    """As an ordinary account, for whom permissions count; root changes to the account 65534 meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
