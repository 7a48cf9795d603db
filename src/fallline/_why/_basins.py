"""Which minimum do descents end in, from everywhere, under small and large rates, momentum and noise?"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from fallline._basins import FLAT, Ended, Square, as_low, ended_in, minima_of, square_of
from fallline._formulas import Formula
from fallline._records import Floats
from fallline._sweep import run_rates

STEPS = 200
ACROSS = 24
"""Starts along each side of the square; an even number keeps them off the lines of symmetry."""
MOMENTUM = 0.9
AT_REST = 1 / 100
"""Standing this part of the square's side from its minimum after the last step is being at rest there."""
SMALL = 1 / 10
"""Of the limit: the rate of the small steps that lead on from where a descent ended."""
MOST_SPREAD = 2
"""Of more parameters the starts are drawn by the seed."""


class Setting(StrEnum):
    """How a descent is run."""

    SMALL = "a small rate"
    HALF = "half the limit"
    PAST = "twice the limit"
    MOMENTUM = "momentum 0.9"
    NOISE = "noise"


@dataclass(frozen=True, eq=False)
class Ends:
    """Where descents from all starts ended under one setting."""

    setting: Setting
    rate: float
    diverged: float
    """The part of the starts that left for good or became infinite."""
    lowest: float
    """The part that ended in the valley of a lowest minimum."""
    other: float
    """The part that ended in the valley of another minimum."""
    elsewhere: float
    """The part that ended in another valley than with the small rate."""
    at_rest: float
    """The part that stood still at its minimum, to a hundredth of the square's side, when the steps were over."""


@dataclass(frozen=True, eq=False)
class BasinFindings:
    """One surface, many starts."""

    formula: str
    text: str
    starts: int
    low: float
    high: float
    """The square's sides, the same for every parameter."""
    spread: bool
    """The starts are evenly spaced; else drawn by the seed."""
    complete: bool
    """The surface is known to have these minima in the square and no others; else they are what the starts led to."""
    steps: int
    limit: float
    """2/λ of the sharpest minimum; of the steepest start, where no minimum has any curvature."""
    curved: bool
    """False where that is so."""
    noise: float
    """Standard deviation of the noise in each slope: the gradient's own root mean square over the starts."""
    minima: Floats
    """[M, P] the lowest first."""
    losses: Floats
    """[M]"""
    ends: tuple[Ends, ...]

    @property
    def lowest_count(self) -> int:
        """How many minima are as low as the lowest."""
        return int(np.sum(as_low(self.losses)))

    def of(self, setting: Setting) -> Ends:
        """Where this setting's descents ended."""
        return next(ends for ends in self.ends if ends.setting is setting)


def basins(formula: Formula, *, seed: int, steps: int = STEPS) -> BasinFindings | None:
    """Descend from a grid of starts under every setting; None where no start leads to a minimum."""
    square = square_of(formula)
    starts = _grid(formula.parameter_count, square, seed)
    minima = minima_of(formula, starts, square.side)
    if not len(minima):
        return None
    losses = formula.loss(minima)
    limit, curved = _limit(formula, minima, starts)
    noise = _usual_slope(formula, starts)
    rates = _rates(limit)
    last = _last_points(formula, starts, rates, noise, steps, seed)
    ended = [ended_in(formula, points, minima, square, rate=SMALL * limit) for points in last]
    return BasinFindings(
        formula=formula.name,
        text=formula.text,
        starts=len(starts),
        low=square.low,
        high=square.high,
        spread=formula.parameter_count <= MOST_SPREAD,
        complete=bool(formula.minima),
        steps=steps,
        limit=limit,
        curved=curved,
        noise=noise,
        minima=minima,
        losses=losses,
        ends=tuple(
            _ends(setting, rate, last[k], ended[k], ended[0], minima, losses, square.side)
            for k, (setting, rate) in enumerate(rates.items())
        ),
    )


def _limit(formula: Formula, minima: Floats, starts: Floats) -> tuple[float, bool]:
    """2/λ of the sharpest minimum, and True; where none is curved that of the steepest start, and False."""
    with np.errstate(all="ignore"):
        at_starts = np.linalg.eigvalsh(np.nan_to_num(formula.hessians(starts), posinf=0.0, neginf=0.0))[:, -1]
        at_minima = np.linalg.eigvalsh(formula.hessians(minima))[:, -1]
    steepest, sharpest = float(at_starts.max()), float(at_minima.max())
    curved = sharpest > FLAT * steepest
    return 2 / (sharpest if curved else steepest), curved


def _usual_slope(formula: Formula, starts: Floats) -> float:
    """The root mean square of the slopes over the starts that have any."""
    with np.errstate(all="ignore"):
        slopes = formula.gradient(starts)
        return float(np.sqrt(np.mean(slopes[np.isfinite(slopes).all(axis=1)] ** 2)))


def _rates(limit: float) -> dict[Setting, float]:
    """The learning rate of every setting, the small one first: the others are compared with it."""
    half = limit / 2
    return {
        Setting.SMALL: limit / 20,
        Setting.HALF: half,
        Setting.PAST: 2 * limit,
        Setting.MOMENTUM: half,
        Setting.NOISE: half,
    }


def _grid(parameters: int, square: Square, seed: int) -> Floats:
    """[S, P] starts: evenly spaced for one and two parameters, drawn by the seed for more."""
    if parameters > MOST_SPREAD:
        return np.random.default_rng(seed).uniform(square.low, square.high, (ACROSS**2, parameters))
    side = np.linspace(square.low, square.high, ACROSS if parameters == 2 else ACROSS**2)
    return np.stack(np.meshgrid(*[side] * parameters), axis=-1).reshape(-1, parameters)


def _last_points(
    formula: Formula, starts: Floats, rates: Mapping[Setting, float], noise: float, steps: int, seed: int
) -> Floats:
    """[settings, S, P] after the last step of PyTorch's SGD."""
    ended = np.empty((len(rates), *starts.shape))
    rolls = np.array([setting is Setting.MOMENTUM for setting in rates])
    shaken = np.array([noise if setting is Setting.NOISE else 0.0 for setting in rates])
    for momentum, which in ((0.0, ~rolls), (MOMENTUM, rolls)):
        rng = np.random.default_rng(seed)
        sizes = np.repeat(shaken[which], len(starts))[:, None]

        def slopes(stack: Floats, step: int, rng: np.random.Generator = rng, sizes: Floats = sizes) -> Floats:
            del step
            return formula.gradient(stack) + sizes * rng.standard_normal(stack.shape)

        runs = run_rates(
            slopes,
            np.tile(starts, (int(which.sum()), 1)),
            np.repeat(np.array(list(rates.values()))[which], len(starts)),
            optimizer="SGD",
            options={"momentum": momentum},
            steps=steps,
            most_kept=starts.size * len(rates),
        )
        ended[which] = runs.parameters[-1].reshape(-1, *starts.shape)
    return ended


def _ends(
    setting: Setting,
    rate: float,
    last: Floats,
    ended: Ended,
    small: Ended,
    minima: Floats,
    losses: Floats,
    side: float,
) -> Ends:
    """The shares of one setting; ``small`` is where the small rate's descents ended."""
    inside = ended.somewhere
    lowest = inside & as_low(losses)[ended.minimum]
    with np.errstate(all="ignore"):
        resting = inside & (np.linalg.norm(last - minima[ended.minimum], axis=1) <= side * AT_REST)
    return Ends(
        setting=setting,
        rate=rate,
        diverged=float(np.mean(ended.gone)),
        lowest=float(np.mean(lowest)),
        other=float(np.mean(inside & ~lowest)),
        elsewhere=float(np.mean(inside & small.somewhere & (ended.minimum != small.minimum))),
        at_rest=float(np.mean(resting)),
    )
