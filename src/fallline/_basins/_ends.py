"""The one definition of "ends in a minimum"; docs/semantics.md#ends-in-a-minimum."""

from typing import NamedTuple

import numpy as np

from fallline._basins._minima import SAME, sharpest_limit
from fallline._basins._settling import settled
from fallline._basins._squares import Square
from fallline._formulas import Formula
from fallline._records import Counts, Floats, Mask

FAR = 10.0
"""An end this many sides away from the square's middle has left for good."""
SMALL = 1 / 10
"""The small steps' rate, as a part of the sharpest minimum's limit."""


class Ended(NamedTuple):
    """What each of S descents came to."""

    minimum: Counts
    """[S] index of the minimum that it ends in; meant only where ``somewhere`` is True."""
    somewhere: Mask
    """[S] False where it ends in no minimum."""
    gone: Mask
    """[S] not finite, or so far away that it has left for good: among those that end in no minimum."""


def ended_in(formula: Formula, last: Floats, minima: Floats, square: Square, *, rate: float | None = None) -> Ended:
    """The minimum to which small steps downhill lead from the last point of each descent.

    Args:
        formula: the surface.
        last: [S, P] where the descents stood after their last step.
        minima: [M, P], at least one.
        square: of the starts; the minimum has to be met to a thousandth of its side.
        rate: of the small steps; a tenth of the sharpest minimum's limit unless given.

    >>> from fallline._formulas import formula
    >>> surface = formula("himmelblau")
    >>> ended = ended_in(surface, np.array([[2.0, 1.0], [np.inf, 0.0]]), np.array(surface.minima), Square(-5.0, 5.0))
    >>> int(ended.minimum[0]), ended.somewhere.tolist(), ended.gone.tolist()
    (0, [True, False], [False, True])
    """
    small = SMALL * sharpest_limit(formula, minima) if rate is None else rate
    rest = settled(formula, last, small, square.side)
    with np.errstate(all="ignore"):
        gone = ~(np.abs(last - square.middle).max(axis=1) <= FAR * square.side)  # NaN is gone as well
        away = np.linalg.norm(rest[:, None] - minima[None], axis=2)
    ways = np.where(np.isfinite(away), away, np.inf)
    met = ways.min(axis=1) <= SAME * square.side
    return Ended(ways.argmin(axis=1).astype(np.int64), np.asarray(met & ~gone), np.asarray(gone))
