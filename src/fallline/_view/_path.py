"""The path a run took, as arrays, and which part of it a picture should frame."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._records import Floats, Outcome, Run

_FIRST_STEPS = 10  # of a diverging run: how many are framed at most
_SIGHT, _FAR_OFF = 3.0, 20.0  # times the size of the start: what is within sight, and what is far off
_AROUND = 0.25  # of the longer side: what a picture shows around the path
_FEW_MINIMA, _NEAREST_MINIMA = 8, 5
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
    floor_known: bool = True
    """False where the floor is only the lowest loss seen."""
    runs_away: bool = False
    """True where the loss has no known floor and the path leaves everything behind: it may fall for ever."""
    curved: bool = False
    """True for a formula that is no parabola: its shape is the point, so its picture is not stretched."""
    minima: Floats | None = None
    """[M, P] every minimum of the loss that is known, the lowest first."""
    also: Floats | None = None
    """[n, P] further points that a picture must hold."""

    @classmethod
    def of(cls, run: Run, objective: LossFunction) -> "Path":
        """The path of a run on its loss."""
        optimum = run.moments.optimum if run.moments is not None else objective.optimum
        if optimum is not None and not np.isfinite(optimum).all():
            optimum = None
        known = run.moments.optimum_loss if run.moments is not None else objective.floor
        runs_away = known is None and run.sample is None and len(_near_start(run.trajectory)) < len(run.trajectory)
        floor = known
        if floor is None:
            floor = _lowest_around(run, objective) if runs_away else _lowest_seen(run)
        excess = run.header.start_loss - floor
        usable = np.isfinite(excess) and excess > 8 * np.finfo(np.float64).eps * abs(floor)
        minima = getattr(objective, "minima", ())  # what a formula knows; other losses have one at most
        return cls(
            run.trajectory,
            optimum,
            floor,
            float(excess) if usable else 1.0,
            _diverged(run),
            known is not None,
            runs_away,
            run.sample is None and run.moments is None,
            np.array(minima) if len(minima) > 1 else None,
        )

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
        if self.runs_away:
            return np.asarray(_near_start(known)[-1])
        return np.asarray(known[0] if self.diverged else known[-1])

    @cached_property
    def framed(self) -> Floats:
        """[≤ T + 1, P] what a picture must hold: all finite points, or the first of a run that diverges."""
        known = self.vectors[self.finite]
        if self.runs_away:
            return _near_start(known)
        if not self.diverged or not len(known):
            return known
        first = known[: _FIRST_STEPS + 1]
        with np.errstate(over="ignore"):
            away = np.abs(first - self.lowest).max(axis=1)
        scale = away[0] if self.optimum is not None else away[:2].max()  # without one, the first step sets it
        near = away / _STILL_NEAR <= scale
        near[0] = True
        return first[: int(np.argmin(near)) if not near.all() else len(first)]

    @cached_property
    def shown_minima(self) -> Floats:
        """[≤ M, P] the minima a picture should hold: all where there are few, else those around the end of the path."""
        if self.minima is None:
            return np.empty((0, self.vectors.shape[1]))
        if len(self.minima) <= _FEW_MINIMA:
            return self.minima
        known = self.vectors[self.finite]
        last = known[-1] if len(known) and not self.diverged else self.vectors[0]
        away = np.linalg.norm(self.minima - last, axis=1)
        return np.asarray(self.minima[np.sort(np.argsort(away, kind="stable")[:_NEAREST_MINIMA])])


def _near_start(vectors: Floats) -> Floats:
    """The first points [n, P], as long as they stay within sight of the start: all of them, usually."""
    start = vectors[0]
    with np.errstate(all="ignore"):
        away = np.abs(vectors - start).max(axis=1)
        sight = _SIGHT * max(float(np.abs(start).max()), float(away[1:2].max(initial=0.0)), 1e-9)
        lost = ~(away <= sight)
        if not lost.any() or (np.isfinite(away[-1]) and away[-1] <= _FAR_OFF * sight):
            return vectors
    return vectors[: max(1, int(np.argmax(lost)))]


def _lowest_around(run: Run, objective: LossFunction) -> float:
    """The lowest loss in the picture of a path that falls for ever."""
    near = _near_start(run.trajectory)
    low, high = near.min(axis=0), near.max(axis=0)
    side = float((high - low).max()) or 1.0
    axes = [np.linspace(a - _AROUND * side, b + _AROUND * side, 25) for a, b in zip(low[:2], high[:2], strict=True)]
    held = np.repeat(near[-1:], 25 ** len(axes), axis=0)
    held[:, : len(axes)] = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, len(axes))
    with np.errstate(all="ignore"):
        losses = objective.loss(held)
    finite = losses[np.isfinite(losses)]
    return float(finite.min()) if len(finite) else _lowest_seen(run)


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
