"""Which minimum do descents end in, from everywhere, under small and large rates, momentum and noise?"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fallline._formulas import Formula
from fallline._records import Floats
from fallline._sweep import run_rates

STEPS = 200
ACROSS = 24
"""Starts along each side of the square; an even number keeps them off the lines of symmetry."""
SIDES: Mapping[str, tuple[float, float]] = {"himmelblau": (-5.0, 5.0), "rastrigin": (-5.12, 5.12)}
"""The squares these surfaces are usually shown on; of other formulas the start and 3 around it."""
AROUND = 3.0
MOMENTUM = 0.9
SETTLING_STEPS = 150
NEWTON_STEPS = 60
STILL = 1e-9
"""A Newton step below this part of the square's side is no step any more."""
SAME = 1e-3
"""Two ends this part of the square's side apart are one minimum."""
FAR = 10.0
"""An end this many sides away from the square is counted as diverged."""


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
    median_loss: float | None
    """Of the minima in whose valleys they ended; None where none did."""


@dataclass(frozen=True, eq=False)
class BasinFindings:
    """One surface, many starts."""

    formula: str
    text: str
    starts: int
    low: float
    high: float
    """The square's sides, the same for every parameter."""
    steps: int
    limit: float
    """2/λ of the sharpest minimum."""
    noise: float
    """Standard deviation of the noise in each slope: the gradient's own root mean square over the starts."""
    minima: Floats
    """[M, P] that were found or are known, the lowest first."""
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
    low, high = _square(formula)
    starts = _grid(formula.parameter_count, low, high, seed)
    minima = np.array(formula.minima) if formula.minima else _found(formula, starts, high - low)
    if not len(minima):
        return None
    losses = formula.loss(minima)
    sharpest = float(np.linalg.eigvalsh(formula.hessians(minima))[:, -1].max())
    limit = 2 / sharpest
    noise = float(np.sqrt(np.nanmean(formula.gradient(starts) ** 2)))
    rates = _rates(limit)
    ended = _ended(formula, starts, rates, noise, steps, seed)
    valleys = _valleys(formula, ended.reshape(-1, starts.shape[1]), minima, limit, high - low).reshape(len(rates), -1)
    return BasinFindings(
        formula=formula.name,
        text=formula.text,
        starts=len(starts),
        low=low,
        high=high,
        steps=steps,
        limit=limit,
        noise=noise,
        minima=minima,
        losses=losses,
        ends=tuple(
            _ends(setting, rate, ended[k], valleys[k], valleys[0], minima, losses, low, high)
            for k, (setting, rate) in enumerate(rates.items())
        ),
    )


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


def _square(formula: Formula) -> tuple[float, float]:
    """The lowest and highest value of every parameter among the starts."""
    known = SIDES.get(formula.name)
    start = formula.default_start
    return known or (float(start.min()) - AROUND, float(start.max()) + AROUND)


def _grid(parameters: int, low: float, high: float, seed: int) -> Floats:
    """[S, P] starts: evenly spaced for one and two parameters, drawn by the seed for more."""
    if parameters > 2:
        return np.random.default_rng(seed).uniform(low, high, (ACROSS**2, parameters))
    side = np.linspace(low, high, ACROSS if parameters == 2 else ACROSS**2)
    return np.stack(np.meshgrid(*[side] * parameters), axis=-1).reshape(-1, parameters)


def _ended(
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


def _valleys(formula: Formula, ends: Floats, minima: Floats, limit: float, side: float) -> NDArray[np.int64]:
    """[S] the minimum that small steps lead to from where a descent ended; −1: none, it is nowhere near one."""
    settled = _settled(formula, ends, limit / 10, side)
    with np.errstate(all="ignore"):
        away = np.linalg.norm(settled[:, None] - minima[None], axis=2)
    near = np.where(np.isfinite(away), away, np.inf)
    return np.where(near.min(axis=1) <= SAME * side, near.argmin(axis=1), -1)


def _settled(formula: Formula, ends: Floats, rate: float, side: float) -> Floats:
    """Followed downhill by small steps, then by short Newton steps to the point where the slope is none."""
    here = ends.copy()
    with np.errstate(all="ignore"):
        for _ in range(SETTLING_STEPS):
            here = here - rate * formula.gradient(here)
        moving = np.flatnonzero(np.isfinite(here).all(axis=1))
        for _ in range(NEWTON_STEPS):
            if not moving.size:
                break
            step = _newton_step(formula, here[moving], most=side / 20)
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


def _found(formula: Formula, starts: Floats, side: float) -> Floats:
    """[M, P] minima that the starts lead to, the lowest first."""
    none = np.empty((0, starts.shape[1]))
    with np.errstate(all="ignore"):
        steepest = np.asarray(np.linalg.eigvalsh(np.nan_to_num(formula.hessians(starts)))[:, -1])
        if not (steepest > 0).any():
            return none
        ends = _settled(formula, starts, 1 / float(np.quantile(steepest[steepest > 0], 0.9)), side)
        ends = ends[np.isfinite(ends).all(axis=1)]
        if not len(ends):
            return none
        values = np.asarray(np.linalg.eigvalsh(np.nan_to_num(formula.hessians(ends))))
        flat = np.linalg.norm(formula.gradient(ends), axis=1) < STILL * np.maximum(1.0, values[:, -1])
        bottoms = ends[flat & (values[:, 0] > 0)]
        bottoms = bottoms[np.argsort(formula.loss(bottoms), kind="stable")] if len(bottoms) else none
    minima: list[Floats] = []
    for bottom in bottoms:
        if all(np.linalg.norm(bottom - other) > SAME * side for other in minima):
            minima.append(bottom)
    return np.array(minima).reshape(-1, starts.shape[1])


def as_low(losses: Floats) -> NDArray[np.bool_]:
    """[M] True for a minimum that is as low as the lowest, to a billionth."""
    lowest = float(losses.min())
    return np.asarray(losses - lowest <= 1e-9 * max(1.0, abs(lowest)))


def _ends(
    setting: Setting,
    rate: float,
    ended: Floats,
    valleys: NDArray[np.int64],
    small: NDArray[np.int64],
    minima: Floats,
    losses: Floats,
    low: float,
    high: float,
) -> Ends:
    """The shares of one setting."""
    side = high - low
    with np.errstate(all="ignore"):
        far = np.abs(ended - (low + high) / 2).max(axis=1)
        out: NDArray[np.bool_] = np.asarray(~(far <= FAR * side))  # NaN is out as well
    inside = ~out & (valleys >= 0)
    lowest: NDArray[np.bool_] = inside & as_low(losses)[valleys]
    with np.errstate(all="ignore"):
        resting = inside & (np.linalg.norm(ended - minima[valleys], axis=1) <= side / 100)
    return Ends(
        setting=setting,
        rate=rate,
        diverged=float(np.mean(out)),
        lowest=float(np.mean(lowest)),
        other=float(np.mean(inside & ~lowest)),
        elsewhere=float(np.mean(inside & (small >= 0) & (valleys != small))),
        at_rest=float(np.mean(resting)),
        median_loss=float(np.median(losses[valleys[inside]])) if inside.any() else None,
    )
