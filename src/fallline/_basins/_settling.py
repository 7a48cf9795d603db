"""From a point downhill to where the slope is none: small steps, then short Newton steps."""

import numpy as np
from numpy.typing import NDArray

from fallline._formulas import Formula
from fallline._records import Floats

SMALL_STEPS = 150
NEWTON_STEPS = 60
STILL = 1e-9
"""A Newton step below this part of the square's side is no step any more."""
LONGEST = 1 / 20
"""A Newton step is no longer than this part of the side."""


def settled(formula: Formula, points: Floats, rate: float, side: float) -> Floats:
    """[S, P] where small steps of ``rate`` downhill, then Newton steps, lead from ``points`` [S, P].

    NaN and infinity stay where a point is none, or where the small steps have lost it.

    >>> from fallline._formulas import formula
    >>> settled(formula("(w - 3)^2"), np.array([[5.0]]), 0.01, 6.0).round(6)
    array([[3.]])
    """
    here = points.copy()
    with np.errstate(all="ignore"):
        for _ in range(SMALL_STEPS):
            here = here - rate * formula.gradient(here)
        moving = np.flatnonzero(np.isfinite(here).all(axis=1))
        for _ in range(NEWTON_STEPS):
            if not moving.size:
                break
            step = _newton_step(formula, here[moving], most=side * LONGEST)
            here[moving] += step
            moving = moving[np.abs(step).max(axis=1) > STILL * side]
    return here


def _newton_step(formula: Formula, here: Floats, most: float) -> Floats:
    """−|H|⁻¹∇L, downhill also where the ground curves down (Dauphin et al. 2014), no longer than ``most``."""
    slopes, hessians = formula.gradient(here), formula.hessians(here)
    finite = np.isfinite(hessians).all(axis=(1, 2)) & np.isfinite(slopes).all(axis=1)
    usable: NDArray[np.bool_] = np.asarray(finite)
    values, vectors = np.linalg.eigh(np.where(usable[:, None, None], hessians, 0.0))
    along = np.einsum("bpk,bp->bk", vectors, np.where(usable[:, None], slopes, 0.0))
    part = np.divide(along, np.abs(values), out=np.zeros_like(along), where=np.abs(values) > 0)
    step = -np.einsum("bpk,bk->bp", vectors, part)
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, most / np.maximum(length, np.finfo(np.float64).tiny)))
