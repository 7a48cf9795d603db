"""``fallline --help`` as a whole process: how long one waits for the list of commands, what it imports."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks._harness import Bar, main, run_process

TURNS = 21
HEAVY = ("torch", "polars", "narwhals", "contourpy")
LIST_MODULES = (
    "import sys, runpy; sys.argv = ['fallline', '--help']\n"
    "try: runpy.run_module('fallline', run_name='__main__')\n"
    "except SystemExit: pass\n"
    "print(*sys.modules, file=sys.stderr)"
)


def program() -> str:
    """The installed command, beside the Python that runs this benchmark."""
    suffix = ".exe" if sys.platform == "win32" else ""
    return str(Path(sys.executable).with_name(f"fallline{suffix}"))


def heavy_modules() -> int:
    """How many of the slow packages ``--help`` brings in."""
    done = subprocess.run(
        [sys.executable, "-c", LIST_MODULES],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    loaded = set(done.stderr.split())
    if "fallline" not in loaded:
        raise RuntimeError(f"--help did not run: {done.stderr}")
    return sum(name in loaded for name in HEAVY)


def measure() -> list[Bar]:
    """Seconds of the whole process, and the slow packages imported."""
    command = [program(), "--help"]
    run_process(command)
    seconds = []
    for _ in range(TURNS):
        start = time.perf_counter()
        run_process(command)
        seconds.append(time.perf_counter() - start)
    return [
        Bar("fallline --help, whole process", median(seconds), 0.2, "s", low=min(seconds), high=max(seconds)),
        Bar(f"  slow packages it imports ({', '.join(HEAVY)})", heavy_modules(), 0, ""),
    ]


if __name__ == "__main__":
    main(measure)
