"""What a ramp of the learning rate (the range test) leaves behind; docs/semantics.md#ramp defines every word.

Shapes: S rates of the ramp, M of them reached in a pass, K seeds, T updates of a trial.
"""

from dataclasses import dataclass
from enum import StrEnum

from fallline._records._read_only import ReadOnlyArrays
from fallline._records._run import Floats, LimitKind
from fallline._records._sweep import Recommendation


class RampEnd(StrEnum):
    """Why a pass ended."""

    HIGHEST_RATE = "highest rate"
    EXPLODED = "exploded"
    NOT_FINITE = "not finite"


class RampRule(StrEnum):
    """A rule that reads a rate off the curve."""

    VALLEY = "valley"
    SLIDE = "slide"
    MINIMUM = "minimum / 10"
    STEEPEST = "steepest"


@dataclass(frozen=True, eq=False)
class RampPass(ReadOnlyArrays):
    """The rate raised once from low to high."""

    seed: int
    losses: Floats
    """[M] of each batch before the update at that rate; NaN and ±inf are measurements."""
    smoothed: Floats
    """[M] their exponential mean so far; NaN where the batch's loss is not finite."""
    start_losses: Floats
    """[M] of the same batches with the same random numbers at the start, where nothing was trained yet."""
    ended: RampEnd


@dataclass(frozen=True)
class RateInterval:
    """One number from each of several seeds."""

    low: float
    middle: float
    high: float
    seeds: int
    """How many of them gave one."""


@dataclass(frozen=True)
class RuleAnswer:
    """What one rule says."""

    rule: RampRule
    source: str
    """Who proposed it, or made it known."""
    rates: tuple[float | None, ...]
    """[K] None where the rule finds nothing."""
    interval: RateInterval | None
    """None where no seed gave one; ``why`` says why."""
    why: str


@dataclass(frozen=True)
class CurvatureAnswer:
    """What the curvature at the start says: half the stability limit."""

    limits: tuple[float | None, ...]
    """[K] stability limits, each over the batches that its seed begins with."""
    sharpness: tuple[float | None, ...]
    """[K]"""
    kind: LimitKind | None
    half: RateInterval | None
    """Of half the limit; None where there is no limit, and ``why`` says why."""
    why: str
    """What it rests on, or why there is none: one sentence."""
    rows: int | None
    """That each limit was taken over; None where nothing was measured."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RampTrial(ReadOnlyArrays):
    """Short real runs at one constant rate, one for each seed."""

    name: str
    """``a third of it``, ``the answer``, ``three times it``; for rates given up, ``tried and given up``."""
    learning_rate: float
    losses: tuple[Floats, ...]
    """K times [up to T] batch losses; a run ends after its first loss that is not finite."""
    before: Floats
    """[K] mean loss over the batches that the seed begins with, before the run."""
    after: Floats
    """[K] the same over the same batches with the same random numbers, after it; NaN and ±inf are measurements."""
    descends: bool
    """Whether every run ended finite and below its start."""


@dataclass(frozen=True, eq=False)
class Ramp(ReadOnlyArrays):
    """A learning-rate range test, what the rules and the curvature make of it, and real runs at the answer."""

    name: str
    """The model's class, or the table."""
    optimizer: str
    """Its class name."""
    rates: Floats
    """[S] rising."""
    seeds: tuple[int, ...]
    """[K]"""
    passes: tuple[RampPass, ...]
    """[K]"""
    rules: tuple[RuleAnswer, ...]
    curvature: CurvatureAnswer
    answer: Recommendation | None
    """None: there is no safe answer, and ``advice`` says why."""
    advice: str
    """One or two sentences: what the answer rests on, or why there is none."""
    trials: tuple[RampTrial, ...]
    """A third of the answer, it, three times it; empty where there is no answer."""
    given_up: tuple[RampTrial, ...]
    """Rates that were tried first, and whose runs did not descend."""
    trial_steps: int
    """T"""
    batches: int
    """Of one pass through the loader, as far as it was looked at."""
    full_batch: bool
    """Whether one batch holds all rows."""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        found = "no safe rate" if self.answer is None else f"{self.answer.value:.4g}"
        return f"<Ramp {self.name}: {self.optimizer}, {len(self.rates)} rates, {len(self.seeds)} seeds, {found}>"
