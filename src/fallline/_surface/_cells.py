"""The loss at points of a plane, in chunks that fit memory, up to an interruption."""

from collections.abc import Callable
from typing import Final

import numpy as np

from fallline._errors import OptionError
from fallline._loss_function import LossFunction
from fallline._planes import Plane, points
from fallline._records import Floats

BYTES: Final = 48 << 20
"""What the parameter vectors of one chunk may take."""
MOST_OF_A_MODEL: Final = 64
"""Vectors of a model's parameters at once: what is in work when Ctrl-C comes is lost."""
MOST: Final = 1 << 14
"""Vectors of an exact objective at once."""
MOST_CELLS: Final = 4_000_000
"""Of a surface: it takes about 50 bytes for each of them, and a page or JSON several times as much."""

Progress = Callable[[int, int], None]
"""``progress(done, total)``, in evaluations of the loss; the total grows where more turn out to be needed."""


class Tally:
    """Counts evaluations and tells of them."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.done = 0
        self.total = 0

    def expect(self, more: int) -> None:
        """So many evaluations are ahead."""
        self.total += more

    def add(self, count: int) -> None:
        """So many were made."""
        self.done += count
        if self._progress is not None:
            self._progress(self.done, self.total)


def refuse_too_many(nx: int, ny: int) -> None:
    """Refuse more cells than fit the memory, before anything is allocated.

    Raises:
        OptionError: they are more than ``MOST_CELLS``.
    """
    if nx * ny > MOST_CELLS:
        raise OptionError(f"A surface has at most {MOST_CELLS:,} cells, and {nx:,} × {ny:,} are {nx * ny:,}.")


def chunk_of(objective: LossFunction) -> int:
    """How many vectors are evaluated at once: the same for the same objective, so that results repeat bit by bit."""
    most = MOST if getattr(objective, "layout", None) is None else MOST_OF_A_MODEL
    return max(1, min(most, BYTES // (8 * max(1, objective.parameter_count))))


def loss_at(objective: LossFunction, vectors: Floats, tally: Tally) -> tuple[Floats, int]:
    """[B] the loss at ``vectors`` [B, P], and how many are done: fewer than B after Ctrl-C."""
    return _in_chunks(objective, len(vectors), lambda begin, end: vectors[begin:end], tally)


def plane_loss(objective: LossFunction, plane: Plane, uv: Floats, tally: Tally) -> tuple[Floats, int]:
    """As :func:`loss_at`, at plane coordinates ``uv`` [B, 2]: only a chunk's vectors exist at once."""
    return _in_chunks(objective, len(uv), lambda begin, end: points(plane, uv[begin:end]), tally)


def _in_chunks(
    objective: LossFunction, count: int, vectors: Callable[[int, int], Floats], tally: Tally
) -> tuple[Floats, int]:
    losses, done, chunk = np.zeros(count), 0, chunk_of(objective)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            while done < count:
                end = min(count, done + chunk)
                losses[done:end] = objective.loss(vectors(done, end))
                begun, done = done, end
                tally.add(end - begun)
    except KeyboardInterrupt:
        losses[done:] = 0.0
    return losses, done
