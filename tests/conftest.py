"""For every test: one thread, and no deadline, because a test never judges how long something took."""

import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Small work is slower on several threads, the more so beside other workers: they wait for each other at every step.
Read when torch and numpy are loaded, which no plugin does before this file is."""

for name in ONE_THREAD:
    os.environ.setdefault(name, "1")

gc.disable()  # what is loaded and collected stays: looking for garbage in it takes a tenth of a session's time

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

QUICK = "not slow and not browser"
"""What make check asks for."""
SLOW_AS_A_WHOLE = re.compile(
    r"^pytestmark = \[?\s*(?:pytest\.mark\.\w+,\s*)*pytest\.mark\.(?:slow|browser)\b", re.MULTILINE
)


def pytest_collection_finish() -> None:
    """From here on garbage is collected as ever, among what the tests make: modules and tests are looked at no more."""
    gc.freeze()
    gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The quick gate does not even load a file whose every test is slow: Lightning alone takes seconds to load."""
    return True if config.option.markexpr == QUICK and is_slow_as_a_whole(collection_path) else None


def is_slow_as_a_whole(path: Path) -> bool:
    if path.is_dir():
        tests = [*path.rglob("test_*.py")]
        return bool(tests) and all(map(is_slow_as_a_whole, tests))
    return path.suffix == ".py" and SLOW_AS_A_WHOLE.search(path.read_text(encoding="utf-8")) is not None


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """A real Chromium: one for all pages of a test process, which cannot have two."""
    from real_browser import chromium

    with chromium() as started:
        yield started
