"""What an instrument that measures now and then hands to the record, and what it asks of the pace."""

from collections.abc import Callable, Sequence
from typing import Protocol

from fallline._records import EffectiveSeries, Event, PartSeries, SharpnessSeries, Snapshot

Record = PartSeries | EffectiveSeries | SharpnessSeries | Snapshot | Event
Taken = Record | Callable[[], Sequence[Record]]
"""A callable is called beside the loop."""


class Pacing(Protocol):
    """What says when an instrument is due, and keeps the books."""

    def due(self, instrument: str, step: int) -> bool:
        """True where it measures at ``step``."""

    def spent(self, instrument: str, seconds: float) -> None:
        """Book what it took."""
