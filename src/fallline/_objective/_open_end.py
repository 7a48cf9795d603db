"""Data of a length that is not known: they may have no end."""

import time
import warnings
from typing import Any, Final

from fallline._errors import DataError, FalllineWarning

MOST_BATCHES: Final = 20_000
MOST_ROWS: Final = 100_000_000
"""More than these are taken to have no end."""
PATIENCE: Final = 5.0
"""Seconds of reading, after which it is said that they are still being read."""
AS_A_LIST: Final = "give some batches as a list, list(itertools.islice(loader, 100))"


class OpenEnd:
    """Looks, batch by batch, how long the data have become."""

    def __init__(self, data: Any) -> None:
        self._known = has_length(data)
        self._began, self._told = time.monotonic(), False

    def look(self, count: int, rows: int) -> None:
        """After so many batches and rows.

        Raises:
            DataError: there are too many of them.
        """
        if self._known:
            return
        if count > MOST_BATCHES or rows > MOST_ROWS:
            raise DataError(
                f"The data do not end: their length is not known, and {rows:,} rows in {count:,} batches have come. "
                f"An objective is a mean over all rows: {AS_A_LIST}."
            )
        if not self._told and time.monotonic() - self._began > PATIENCE:
            self._told = True
            warnings.warn(
                f"fallline: the data of the objective are still being read, {rows:,} rows so far; their length is not "
                f"known. Ctrl-C stops it. If they have no end: {AS_A_LIST}.",
                FalllineWarning,
                stacklevel=2,
            )


def has_length(data: Any) -> bool:
    """Whether it is known beforehand how many batches come.

    >>> has_length([1, 2]), has_length(iter([1, 2]))
    (True, False)
    """
    try:
        return len(data) >= 0
    except (TypeError, NotImplementedError):
        return False
