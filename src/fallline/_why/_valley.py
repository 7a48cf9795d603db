"""One minimum, and yet the descent seems to stand still: a long flat valley."""

from dataclasses import dataclass

import numpy as np

from fallline._formulas import Formula
from fallline._records import Floats
from fallline._sweep import run_rates

GOAL = 0.99
"""The part of the excess loss to be removed."""
STEPS = 2500
MOMENTUM = 0.9


@dataclass(frozen=True, eq=False)
class Crawl:
    """A descent through the valley."""

    name: str
    rate: float
    momentum: float
    losses: Floats
    """[K] loss at ``steps``."""
    steps: Floats
    """[K] where it was looked at: every step up to 100, then at ever longer intervals."""
    steps_to_goal: int | None
    """None where it was not reached for good."""
    last_slope: float
    """Length of the gradient after the last step."""
    slope_rounding: float
    """What of that rounding alone can explain; docs/semantics.md#rounding."""


@dataclass(frozen=True, eq=False)
class ValleyFindings:
    """A surface with a single minimum."""

    formula: str
    text: str
    start: Floats
    start_loss: float
    floor: float
    first_slope: float
    """Length of the gradient at the start."""
    steps: int
    rate: float
    """Half of 2/λ, of the largest curvature at the start and at the minimum."""
    goal: float
    crawls: tuple[Crawl, ...]


def has_valley(formula: Formula) -> bool:
    """True where it is known that there is one minimum and no other (a lowest of several is another matter)."""
    return len(formula.minima) == 1


def valley(formula: Formula, start: Floats, *, steps: int = STEPS) -> ValleyFindings | None:
    """Descend from ``start`` [P]; None for a formula without a single known minimum, or where it starts at it."""
    if not has_valley(formula):
        return None
    places = np.array([start, formula.minima[0]])
    half = 1 / float(np.linalg.eigvalsh(formula.hessians(places))[:, -1].max())
    start_loss, floor = (float(value) for value in formula.loss(places))
    if not start_loss > floor or not np.isfinite(half):
        return None
    goal = floor + (1 - GOAL) * (start_loss - floor)
    slow, plain = _crawls(
        formula, start, ("a tenth of that rate", "half the limit"), (half / 10, half), 0.0, steps, goal
    )
    (rolling,) = _crawls(formula, start, ("the same, momentum 0.9",), (half,), MOMENTUM, steps, goal)
    return ValleyFindings(
        formula=formula.name,
        text=formula.text,
        start=start,
        start_loss=start_loss,
        floor=floor,
        first_slope=float(np.linalg.norm(formula.gradient(start[None])[0])),
        steps=steps,
        rate=half,
        goal=GOAL,
        crawls=(slow, plain, rolling),
    )


def _crawls(
    formula: Formula,
    start: Floats,
    names: tuple[str, ...],
    rates: tuple[float, ...],
    momentum: float,
    steps: int,
    goal: float,
) -> list[Crawl]:
    """Runs of PyTorch's SGD, all rates side by side."""

    def slopes(stack: Floats, step: int) -> Floats:
        del step
        return formula.gradient(stack)

    paths = run_rates(
        slopes, start, np.array(rates), optimizer="SGD", options={"momentum": momentum}, steps=steps
    ).parameters
    shown = np.unique(np.concatenate((np.arange(min(100, steps) + 1), np.geomspace(1, steps, 200).astype(np.int64))))
    crawls = []
    for name, rate, path in zip(names, rates, paths.swapaxes(0, 1), strict=True):
        with np.errstate(all="ignore"):
            losses = formula.loss(path)
            slope = float(np.linalg.norm(formula.gradient(path[-1:])[0]))
        reached = for_good(losses, goal)
        at = shown.astype(np.float64)
        crawls.append(Crawl(name, rate, momentum, losses[shown], at, reached, slope, _rounding(formula, path[-1])))
    return crawls


def _rounding(formula: Formula, at: Floats) -> float:
    """What rounding alone can make of the gradient's length at ``at`` [P]."""
    each = np.eye(len(at))
    of_each = formula.change_rounding(np.tile(at, (len(at), 1)), each, eps=float(np.finfo(np.float64).eps))
    return float(np.linalg.norm(of_each))


def for_good(losses: Floats, level: float) -> int | None:
    """The first step from which on the loss stays at or below ``level``, None where the last one does not.

    >>> for_good(np.array([9.0, 1.0, 3.0, 1.0, 0.0]), 2.0)
    3
    """
    above = np.flatnonzero(~(losses <= level))  # NaN is above
    first = int(above[-1]) + 1 if above.size else 0
    return first if first < len(losses) else None
