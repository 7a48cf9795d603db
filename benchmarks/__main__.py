"""``make bench``: every benchmark of this folder, each in a process of its own, in one table.

A benchmark is a file with ``measure() -> list[Bar]`` that ends in ``main(measure)``. Status 1 where a figure
falls short of its bar or a benchmark could not be run.
"""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks._harness import Bar, table

FOLDER = Path(__file__).parent
PROGRAMS = frozenset({"plain_line"})
"""Files that are measured against, not benchmarks."""


def names() -> list[str]:
    """Every benchmark in the folder."""
    stems = sorted(path.stem for path in FOLDER.glob("*.py"))
    return [stem for stem in stems if not stem.startswith("_") and stem not in PROGRAMS]


def run(name: str) -> list[Bar] | None:
    """The figures of one benchmark; None, with its own words on stderr, where it could not be run."""
    print(f"{name} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
    done = subprocess.run(
        command, cwd=FOLDER.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )
    if not done.stdout.startswith("["):
        print(f"{name} could not be run (status {done.returncode}).", file=sys.stderr)
        return None
    return [Bar(**fields) for fields in json.loads(done.stdout)]


def main() -> int:
    """Run them all, print the table."""
    results = [run(name) for name in names()]
    bars = [bar for result in results for bar in result or []]
    if bars:
        print(table(bars))
    failed = sum(result is None for result in results)
    short = sum(not bar.met for bar in bars)
    if failed or short:
        print(f"{short} of {len(bars)} figures fall short of their bar; {failed} benchmarks could not be run.")
    return int(bool(failed or short))


if __name__ == "__main__":
    sys.exit(main())
