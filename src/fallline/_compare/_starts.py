"""Where the runs of a comparison begin: one start for each seed, the same for every optimizer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fallline._problem import SweptProblem
from fallline._records import Floats
from fallline._sweep import starting_vector

GIVEN = "Every run starts at the point that was given."
NEARBY = 0.1
"""Starts on a formula are drawn this part of the distance to the nearest minimum around its own."""


class Starts(NamedTuple):
    """The starts of several seeds."""

    shown: Floats
    """[K, P] of the seeds that are shown."""
    tuning: Floats
    """[K′, P] of those that choose the rates."""
    same: bool
    """True where every seed starts at the same point."""
    sentence: str
    """How they are made."""


def make_starts(
    problem: SweptProblem, start: Mapping[str, float] | None, seeds: Sequence[int], tuning: Sequence[int]
) -> Starts:
    """The starts: of a neuron those that ``fl.fit`` begins at with these seeds, of a formula points around its own."""
    if problem.rows is None:
        return _around(problem, start, seeds, tuning)
    shown = np.array([problem.starting_point(start, seed=seed) for seed in seeds])
    chosen = np.array([problem.starting_point(start, seed=seed) for seed in tuning])
    if start and set(start) >= set(problem.parameter_names):
        return Starts(shown, chosen, True, GIVEN)
    kept = f" {', '.join(start)} as given." if start else ""
    return Starts(shown, chosen, False, f"Each seed draws a start of its own as PyTorch does.{kept}")


def own_starts(problem: SweptProblem, start: object) -> Starts:
    """The one start on somebody's own objective: where its parameters stand, or a point that was given."""
    point = starting_vector(problem, start)[None]
    sentence = "Every run starts at the parameters as they stand." if start is None else GIVEN
    return Starts(point, point, True, sentence)


def _around(
    problem: SweptProblem, start: Mapping[str, float] | None, seeds: Sequence[int], tuning: Sequence[int]
) -> Starts:
    """The formula's own start for the first seed, points drawn around it for the others; a given start for all."""
    center = problem.starting_point(start, seed=0)
    if start:
        same = np.tile(center, (max(len(seeds), len(tuning)), 1))
        return Starts(same[: len(seeds)], same[: len(tuning)], True, GIVEN)
    spread = NEARBY * distance_to_go(problem, center[None])
    shown = [center if k == 0 else _drawn(center, spread, seed) for k, seed in enumerate(seeds)]
    chosen = [_drawn(center, spread, seed) for seed in tuning]
    why = ", a tenth of the way to the nearest minimum" if _minima(problem).size else ""
    sentence = (
        f"The first seed starts at {_point(problem.parameter_names, center)}, the others at points drawn around it "
        f"(normal, standard deviation {spread:.3g}{why})."
    )
    return Starts(np.array(shown), np.array(chosen), False, sentence)


def _drawn(center: Floats, spread: float, seed: int) -> Floats:
    rng = np.random.default_rng(abs(seed) * 2 + (seed < 0))
    return np.asarray(center + spread * rng.normal(size=len(center)))


def _point(names: Sequence[str], at: Floats) -> str:
    return ", ".join(f"{name} = {value:.4g}".replace("-", "−") for name, value in zip(names, at, strict=True))


def _minima(problem: SweptProblem) -> Floats:
    """[I, P] the minima that are known beforehand, possibly none."""
    optimum = problem.objective.optimum
    alone = () if optimum is None else (optimum,)
    known = tuple(getattr(problem.objective, "minima", ())) or alone
    return np.array(known, dtype=np.float64).reshape(len(known), problem.objective.parameter_count)


def distance_to_go(problem: SweptProblem, starts: Floats) -> float:
    """The median over starts [K, P] of the way to the nearest minimum that is known; else the size of the numbers.

    Without a known minimum: the size of the start's largest parameter, and at least 1.
    """
    minima = _minima(problem)
    if not minima.size:
        return max(1.0, float(np.abs(starts).max()))
    ways = np.linalg.norm(starts[:, None, :] - minima[None], axis=2).min(axis=1)
    median = float(np.median(ways))
    return median if median > 0 else max(1.0, float(np.abs(starts).max()))
