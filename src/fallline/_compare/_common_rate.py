"""The one rate at which all optimizers run: given, or the one that a sweep recommends for plain SGD."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fallline._compare._arena import Arena
from fallline._problem import limit_at
from fallline._records import Floats, SweepResult
from fallline._sweep import sweep_problem

RATES_OF_SWEEP = 55
"""Unless its range has to be widened."""


class CommonRate(NamedTuple):
    """A rate, and where it comes from."""

    rate: float
    reason: str
    stopped: bool = False
    """By Ctrl-C, before a sweep could name it."""


def sweep_updates(arena: Arena) -> int:
    """How many updates the sweep that finds it makes, as far as can be told beforehand."""
    return RATES_OF_SWEEP * arena.steps


def common_rate(
    arena: Arena,
    given: float | None,
    start: Floats,
    seed: int,
    goal: float,
    best_rates: Sequence[float],
    *,
    stopped: bool = False,
) -> CommonRate:
    """The common rate and the sentence that says where it comes from.

    Args:
        arena: where it is to serve.
        given: by the user; the others are not asked for then.
        start: [P] of the first seed.
        seed: the first one.
        goal: as for the comparison.
        best_rates: of the contenders, for a problem on which nothing is recommended for SGD.
        stopped: by Ctrl-C, so that there is no time for a sweep.
    """
    if given is not None:
        return CommonRate(float(given), "the rate that was given")
    middle = float(np.exp(np.mean(np.log(best_rates))))
    try:
        swept = None if stopped else _swept(arena, start, seed, goal)
    except KeyboardInterrupt:
        swept = None
    if swept is None:
        return CommonRate(middle, "the geometric middle of the best rates, as Ctrl-C left no time for a sweep", True)
    if swept.recommended is not None:
        return CommonRate(swept.recommended.value, "what a sweep recommends for plain SGD from the first seed's start")
    limit = limit_at(arena.problem, "SGD", {})
    if limit is not None:
        return CommonRate(
            limit.value / 2, "half the stability limit of plain SGD, for which a sweep finds no safe rate"
        )
    return CommonRate(middle, "the geometric middle of the best rates, as a sweep finds no safe rate for plain SGD")


def _swept(arena: Arena, start: Floats, seed: int, goal: float) -> SweepResult:
    """Many rates of plain SGD, from the first seed's start."""
    with arena.meter.part(sweep_updates(arena)) as progress:
        return sweep_problem(
            arena.problem,
            start,
            optimizer="SGD",
            options={},
            steps=arena.steps,
            goal=goal,
            batch_size=arena.batch_size,
            seeds=(seed,),
            refine=False,
            progress=progress,
        )
