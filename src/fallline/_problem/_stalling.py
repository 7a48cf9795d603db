"""Whether losses no longer fall: one rule for a single run and for those of a sweep; docs/semantics.md#outcome."""

import numpy as np

from fallline._records import Floats, Mask

STANDARD_ERRORS = 3
"""How many of them the end of a run must gain on what was before it."""
FEWEST_EPOCHS = 32
"""A swing needs some epochs to be told from a stall; a shorter run has stalled only if its loss stands still."""


def has_stalled(losses: Floats, eps: float = float(np.finfo(np.float64).eps)) -> Mask:
    """[B] where neither the last quarter nor the last half of a run [S, B] came lower than the one before.

    Beyond scatter, by averages, because a heavy ball passes over the bottom again and again while its swings die down;
    both spans, because one of them alone may end in mid-swing. A run that creeps has almost no scatter within a
    quarter, so it still falls, however small its steps. ``losses`` begins with the loss before the first step; a run
    that is not finite has not stalled. ``eps``: of the dtype that carries its rounding into the loss.

    >>> steps = np.arange(100.0)
    >>> has_stalled(np.column_stack((np.exp(-steps / 50), 2 + np.cos(3 * steps))))
    array([False,  True])
    """
    finite = np.isfinite(losses).all(axis=0)
    path = np.where(finite, losses, 0.0)
    rounding = 8 * eps * np.abs(path[-1])
    steps = len(path) - 1
    quarter, half = max(1, steps // 4), max(1, steps // 2)
    few = steps < FEWEST_EPOCHS
    with np.errstate(all="ignore"):  # losses beyond 1e154 have squares that are infinite
        stalled = np.ptp(path[-(half if few else quarter) - 1 :], axis=0) <= rounding
        if not few:
            falls = (np.diff(path[-quarter - 1 :], axis=0) < 0).all(axis=0)  # no scatter, however fast it falls
            gains = np.zeros_like(stalled)
            for span in (quarter, half):
                gains |= ~(_gain(path, span) <= np.maximum(STANDARD_ERRORS * _scatter(path, span), rounding))
            stalled |= ~falls & ~gains
    return np.asarray(stalled & finite)


def _gain(path: Floats, span: int) -> Floats:
    """[B] how much lower the median of the last ``span`` losses is than that of the ``span`` before.

    Of neighbours' means: a run that hops between two losses has no median of its own.
    """
    pairs = path[1:] / 2 + path[:-1] / 2
    return np.asarray(np.median(pairs[-2 * span : -span], axis=0) - np.median(pairs[-span:], axis=0))


def _scatter(path: Floats, span: int) -> Floats:
    """[B] the standard error of that difference, from how the last ``span`` losses vary."""
    return np.asarray(1.25 * np.std(path[-span:], axis=0) * np.sqrt(2 / span))  # 1.25: a median scatters more
