"""The path a run took, as arrays, and which part of it a picture should frame."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fallline._records import Floats, Outcome, Run

_FIRST_STEPS = 10  # of a diverging run: how many are framed at most
_STILL_NEAR = 3.5  # of a diverging run: framed while no further from the middle than this many times the start


@dataclass(frozen=True)
class Path:
    """The T + 1 parameter vectors of a run and what the colours are measured from."""

    vectors: Floats
    """[T + 1, P] θ₀ … θ_T, training scale."""
    optimum: Floats | None
    """[P] where it is known."""
    floor: float
    """The loss that excess is measured from: the optimum's, else the lowest seen (0 where none is finite)."""
    start_excess: float
    """Excess loss at θ₀; positive and finite (1 where the start is the floor or is not finite)."""
    diverged: bool

    @classmethod
    def of(cls, run: Run) -> "Path":
        """The path of a run."""
        optimum = run.moments.optimum if run.moments is not None else None
        if optimum is not None and not np.isfinite(optimum).all():
            optimum = None
        floor = run.moments.optimum_loss if run.moments is not None else _lowest_seen(run)
        excess = run.header.start_loss - floor
        usable = np.isfinite(excess) and excess > 8 * np.finfo(np.float64).eps * abs(floor)
        return cls(run.trajectory, optimum, floor, float(excess) if usable else 1.0, _diverged(run))

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """[T + 1] which points are finite."""
        return np.asarray(np.isfinite(self.vectors).all(axis=1))

    @cached_property
    def lowest(self) -> Floats:
        """[P] the optimum, else the last finite point (the start where there is none)."""
        if self.optimum is not None:
            return self.optimum
        known = self.vectors[self.finite]
        if not len(known):
            return np.zeros(self.vectors.shape[1])
        return np.asarray(known[0] if self.diverged else known[-1])

    @cached_property
    def framed(self) -> Floats:
        """[≤ T + 1, P] what a picture must hold: all finite points, or the first of a run that diverges."""
        known = self.vectors[self.finite]
        if not self.diverged or not len(known):
            return known
        first = known[: _FIRST_STEPS + 1]
        with np.errstate(over="ignore"):
            away = np.abs(first - self.lowest).max(axis=1)
        scale = away[0] if self.optimum is not None else away[:2].max()  # without one, the first step sets it
        near = away / _STILL_NEAR <= scale
        near[0] = True
        return first[: int(np.argmin(near)) if not near.all() else len(first)]


def _lowest_seen(run: Run) -> float:
    measured = run.columns.full_loss[run.columns.full_loss_measured]
    seen = np.append(measured, run.header.start_loss)
    seen = seen[np.isfinite(seen)]
    return float(seen.min()) if len(seen) else 0.0


def _diverged(run: Run) -> bool:
    """What the summary says; a run that is still being made has none, and is told by its numbers."""
    if run.summary is not None:
        return run.summary.outcome is Outcome.DIVERGED
    return run.columns.first_not_finite is not None
