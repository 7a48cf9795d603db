"""A saddle: how long a descent stays on it, and what makes it leave."""

import math
from dataclasses import dataclass

import numpy as np

from fallline._formulas import formula
from fallline._records import Floats
from fallline._sweep import run_rates

RATE = 0.1
NUDGE = 1e-6
GONE = 1.0
"""A descent has left the saddle once it is this far from the ridge."""
STEPS = 300
MOMENTUM = 0.9
SHAKEN_RUNS = 101
"""Runs with noise in the gradient, each from exactly on the ridge; their median counts."""


@dataclass(frozen=True, eq=False)
class Escape:
    """One way of being on the saddle w² − b²."""

    name: str
    start: float
    """b at the start."""
    noise: float
    """Standard deviation of the noise in each slope."""
    momentum: float
    steps: int | None
    """Until |b| passed 1; None where it did not."""
    predicted: float | None
    """The same by the growth of the flat direction, None where nothing grows."""
    distances: Floats
    """[K] |b| before the first step and after each, until it is gone."""

    @property
    def difference(self) -> float | None:
        """Measured less predicted steps."""
        return None if self.steps is None or self.predicted is None else self.steps - self.predicted


@dataclass(frozen=True, eq=False)
class SaddleFindings:
    """``why minimum`` on the saddle."""

    text: str
    rate: float
    growth: float
    """1 + 2η: what b is multiplied by at every step."""
    steps: int
    """That the run on the ridge was given."""
    escapes: tuple[Escape, ...]


def saddle(*, seed: int) -> SaddleFindings:
    """From the ridge b = 0 exactly, a millionth beside it, with momentum, and with noise of a millionth."""
    return SaddleFindings(
        text=formula("saddle").text,
        rate=RATE,
        growth=1 + 2 * RATE,
        steps=STEPS,
        escapes=(
            _escape("exactly on the ridge", start=0.0),
            _escape("a millionth beside it", start=NUDGE),
            _escape("beside it, momentum 0.9", start=NUDGE, momentum=MOMENTUM),
            _escape("on the ridge, with noise", start=0.0, noise=NUDGE, seed=seed),
        ),
    )


def predicted_steps(start: float, *, momentum: float, noise: float) -> float | None:
    """When |b| reaches 1, by the linear recurrence that descent is along b: b ← b + 2ηb (+ momentum, or noise).

    Plain: b₀(1 + 2η)ᵗ. Heavy ball: the larger root r of r² − (1 + β + 2η) r + β, weighted by the start (Polyak 1964).
    Noise σ in each slope, from 0: a standard deviation of ησ·√((g²ᵗ − 1)/(g² − 1)) with g = 1 + 2η, whose normal's
    median size is 0.6745 of it.
    """
    grows = 1 + 2 * RATE
    if noise > 0:
        size = 0.6745 * RATE * noise
        return math.log((GONE / size) ** 2 * (grows**2 - 1) + 1) / (2 * math.log(grows))
    if start == 0:
        return None
    if momentum == 0:
        return math.log(GONE / abs(start)) / math.log(grows)
    middle = (1 + momentum + 2 * RATE) / 2
    apart = math.sqrt(middle**2 - momentum)
    larger, smaller = middle + apart, middle - apart
    weight = (grows - smaller) / (larger - smaller)
    return math.log(GONE / (weight * abs(start))) / math.log(larger)


def _escape(name: str, *, start: float, momentum: float = 0.0, noise: float = 0.0, seed: int = 0) -> Escape:
    """Run PyTorch's SGD on the saddle from w = 1."""
    surface, rng = formula("saddle"), np.random.default_rng(seed)
    runs = SHAKEN_RUNS if noise > 0 else 1

    def slopes(stack: Floats, step: int) -> Floats:
        del step
        return surface.gradient(stack) + noise * rng.standard_normal(stack.shape)

    path = run_rates(
        slopes,
        np.tile([1.0, start], (runs, 1)),
        np.full(runs, RATE),
        optimizer="SGD",
        options={"momentum": momentum},
        steps=STEPS,
    ).parameters[:, :, 1]
    with np.errstate(all="ignore"):
        distances = np.abs(path)
    gone = ~(distances < GONE)  # what is not finite any more is gone as well
    first = np.where(gone.any(axis=0), gone.argmax(axis=0), STEPS + 1)
    middle = int(np.median(first))
    typical = int(np.argmin(np.abs(first - middle)))
    return Escape(
        name=name,
        start=start,
        noise=noise,
        momentum=momentum,
        steps=None if middle > STEPS else middle,
        predicted=predicted_steps(start, momentum=momentum, noise=noise),
        distances=distances[: min(middle, STEPS) + 1, typical],
    )
