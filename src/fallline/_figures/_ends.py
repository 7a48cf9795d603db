"""How far an axis reaches, so that a diverging run does not flatten all others."""

import math

import numpy as np

from fallline._records import Floats

ABOVE_START = 10.0
"""A logarithmic picture is cut this many times above the starting loss."""


def loss_ends(losses: Floats, start_loss: float, tame: Floats) -> tuple[float, float, bool]:
    """Lowest and highest loss of a picture, and whether its axis can be logarithmic.

    ``tame`` are those of the runs that do not diverge: where a loss has no bottom, the others fall out of any picture.

    >>> loss_ends(np.array([0.5, 5.0, 1e300, np.nan]), 5.0, np.array([0.5]))
    (0.4, 50.0, True)
    >>> loss_ends(np.array([0.5, -1.0, -1e300]), 1.0, np.array([0.5, -1.0]))[0] > -30
    True
    """
    finite = losses[np.isfinite(losses)]
    start = start_loss if math.isfinite(start_loss) else float(np.min(finite, initial=0.0))
    low = float(np.min(finite, initial=start))
    high = float(np.max(finite, initial=start))
    if low > 0:
        return 0.8 * low, max(min(high * 1.25, start * ABOVE_START), low * 1.25), True
    usual = start - float(np.min(tame[np.isfinite(tame)], initial=start))
    if usual > 0:
        low = max(low, start - ABOVE_START * usual)
    cut = min(high, start + ABOVE_START * (start - low)) if start > low else high
    margin = 0.05 * (cut - low) or 1.0
    return low - margin, cut + margin, False


def axis_range(low: float, high: float, *, log: bool) -> list[float]:
    """``axis.range`` as Plotly wants it: exponents of ten on a logarithmic axis."""
    return [math.log10(low), math.log10(high)] if log else [low, high]
