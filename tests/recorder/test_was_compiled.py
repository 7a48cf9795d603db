"""An installation goes on without a C compiler; where there is one, a checkout must not do without in silence."""

import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from fallline._recorder._compiled_gauge import COMPILED

COMPILERS = ("gcc", "clang")


def can_compile() -> bool:
    """True where the compiler and Python's headers are at hand, and Python has a stable ABI."""
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    has_stable_abi = not sysconfig.get_config_var("Py_GIL_DISABLED")
    return sys.platform != "win32" and any(map(shutil.which, COMPILERS)) and headers.exists() and has_stable_abi


@pytest.mark.skipif(not can_compile(), reason="there is no C compiler, or Python's headers are missing")
def test_it_was_compiled() -> None:
    assert COMPILED, "fallline was installed without its C part: .venv/bin/pip install -e . --no-deps"
