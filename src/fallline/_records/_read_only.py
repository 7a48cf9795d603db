"""Frozen means the numbers, too."""

from dataclasses import fields

import numpy as np


class ReadOnlyArrays:
    """A base of frozen dataclasses: their arrays cannot be written to.

    The record holds views of its own, so that whoever made an array may still write to it.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Pair(ReadOnlyArrays):
    ...     rates: np.ndarray
    >>> Pair(np.ones(2)).rates[0] = 3
    Traceback (most recent call last):
    ValueError: assignment destination is read-only
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        """Called by the dataclass once its fields are set."""
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                own = value.view()
                own.flags.writeable = False
                object.__setattr__(self, field.name, own)
