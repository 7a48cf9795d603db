"""What a descent, a sweep and a comparison leave behind: plain frozen data. Nothing here reads, writes or draws."""

from fallline._records._run import (
    Columns,
    Floats,
    Header,
    LimitKind,
    Mask,
    Moments,
    Outcome,
    Run,
    Sample,
    Scaling,
    Step,
    Summary,
)
from fallline._records._sweep import (
    FloorKind,
    Landmark,
    Recommendation,
    SweepResult,
    Trial,
    Zone,
    ZoneSpan,
)

__all__ = [
    "Columns",
    "Floats",
    "FloorKind",
    "Header",
    "Landmark",
    "LimitKind",
    "Mask",
    "Moments",
    "Outcome",
    "Recommendation",
    "Run",
    "Sample",
    "Scaling",
    "Step",
    "Summary",
    "SweepResult",
    "Trial",
    "Zone",
    "ZoneSpan",
]
