"""What a handler is given of the client that asked: tables, folders, its own memory, and whether it still waits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from fallline._desk._tables import Tables
from fallline._run_names import RUNS

Reply: TypeAlias = dict[str, object]
"""What a handler gives back: exactly one of ``payload`` and ``part``, and small keys beside it."""


class Cancelled(Exception):  # noqa: N818  (no error: the client has asked for something newer)
    """Nobody waits for this answer any longer."""


def _still_waiting() -> bool:
    return False


def _unheard(share: float, note: str) -> None:
    del share, note


@dataclass(frozen=True, kw_only=True)
class Client:
    """One request's view of the client that sent it; by itself, one that waits for ever and hears no progress.

    >>> Client().check()
    """

    runs: Path = RUNS
    """The folder of run files; nothing outside it is opened."""
    chapters: Path | None = None
    """A teacher's own chapters."""
    tables: Tables = field(default_factory=Tables)
    """The uploads of this process."""
    memory: dict[str, object] = field(default_factory=dict)
    """This client's own, kept from request to request; keys begin with the handler's kind. Two handlers of one
    client may run at the same time, in different lanes."""
    is_cancelled: Callable[[], bool] = _still_waiting
    tell: Callable[[float, str], None] = _unheard

    def check(self) -> None:
        """Stop here if nobody waits any longer.

        Raises:
            Cancelled: the client cancelled, went away, or sent a newer request of the same lane.
        """
        if self.is_cancelled():
            raise Cancelled

    def progress(self, share: float, note: str = "") -> None:
        """Say how much is done, from 0 to 1; what comes too often is left out. Checks as well."""
        self.check()
        self.tell(share, note)


Handler: TypeAlias = Callable[[Mapping[str, object], Client], Reply]
