"""Where runs are kept unless told, and what the name of a run's file ends in."""

from pathlib import Path
from typing import Final

RUNS: Final = Path("runs")
"""Where commands look for a run unless told, and new ones are written."""
SUFFIX: Final = ".db"
