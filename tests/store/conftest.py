"""Folders of a special kind, as fixtures."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.places import mounted


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB."""
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=200k", "tmpfs") as folder:
        yield folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every account may enter (pytest's own are closed)."""
    with tempfile.TemporaryDirectory(prefix="fallline-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
