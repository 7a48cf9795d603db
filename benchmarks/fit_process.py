"""``fallline fit --quiet`` with its run file and report, whole process, against the plain script."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks._harness import Bar, main, paired_processes
from benchmarks.help_start import program

PAIRS = 11
PLAIN = Path(__file__).with_name("plain_line.py")


def measure() -> list[Bar]:
    """Every process writes a run and a report into one temporary folder, as into somebody's ``runs``."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        ratio = paired_processes([program(), "fit", "--quiet"], [sys.executable, str(PLAIN)], PAIRS, folder=folder)
        reports = len(list(folder.rglob("*.html")))
    if reports == 0:
        raise RuntimeError("fallline fit wrote no report, so this compares different work")
    return [ratio.bar("fallline fit --quiet, whole process / plain script", 1.15)]


if __name__ == "__main__":
    main(measure)
