"""Where the studio looks: one set of folders and uploads for a whole process."""

from dataclasses import dataclass, field
from pathlib import Path

from fallline._desk._tables import Tables


@dataclass(frozen=True)
class Places:
    """What all clients share."""

    runs: Path = Path("runs")
    chapters: Path | None = None
    """A teacher's own chapters, beside those of fallline."""
    tables: Tables = field(default_factory=Tables)
