"""What a gauge is: it reads what one optimizer's step consumed and did, layer by layer."""

from collections.abc import Sequence
from typing import Any, Protocol

SUMS = 4
"""Of every layer: |g|², |Δθ|², |θ|² before the update, g · Δθ."""

Reading = Any
"""[SUMS × columns] numbers of the host, |g|² of all columns first; what still is on a device is a ``DeviceReading``."""


class Gauge(Protocol):
    """Reads one optimizer's steps; ``remember``, ``consume``, then ``read``."""

    finite: bool
    """False where the last reading holds a number that is not finite; True where that is not known yet."""

    @property
    def layers(self) -> Sequence[int]:
        """The layer of each column of a reading, rising; a layer may have several columns, which add up."""

    @property
    def gradient(self) -> Sequence[Any]:
        """What the optimizer consumed, tensor by tensor, from a ``consume`` that was to ``keep`` it to the next one."""

    @property
    def update(self) -> Sequence[Any]:
        """Δθ, tensor by tensor, from ``read`` to the next ``remember``; before that the parameters as they were."""

    @property
    def nbytes(self) -> int:
        """What its buffers take."""

    def remember(self) -> None:
        """Keep the parameters as they are before the update."""

    def consume(self, scale: Any | None, *, keep: bool = True) -> None:
        """Take the gradient that the optimizer is about to use, divided by ``scale`` where it still is scaled.

        There is nothing to ``keep`` where nobody will ask for :attr:`gradient`, and nobody's code but the optimizer's
        runs before :meth:`read`.
        """

    def read(self) -> Reading | None:
        """The sums of this step; None where they are not known, which is never so where the gradient was kept."""
