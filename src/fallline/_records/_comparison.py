"""What a comparison of optimizers leaves behind; docs/semantics.md#comparing-optimizers defines every word.

Shapes: T steps, P parameters, K seeds, B rates tried, M steps at which the loss over all rows was measured,
R steps at which the parameters are kept, U × V starts of a basin map.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fallline._records._read_only import ReadOnlyArrays
from fallline._records._run import Floats, Mask, Moments, Sample
from fallline._records._sweep import FloorKind

Counts = NDArray[np.int64]
OWN = "objective"
"""What the record calls the loss of somebody's own objective."""


@dataclass(frozen=True)
class StepPart:
    """One term of every update of a run."""

    name: str
    """``gradient``, ``momentum``, ``preconditioning``, ``decay``, ``unattributed``."""
    change: Floats
    """[T, P]"""


class RangeKind(StrEnum):
    """What the rates tried for an optimizer are laid out around."""

    LIMIT = "its stability limit"
    DISTANCE = "the distance to go"
    LINE_SEARCH = "a full step"


class Standing(StrEnum):
    """What a paired difference between two optimizers amounts to."""

    BETTER = "better"
    """The first one is; the difference is beyond the noise."""
    WORSE = "worse"
    """The second one is; the difference is beyond the noise."""
    WITHIN_NOISE = "within the noise"
    TIE = "tie"
    """Every seed gave both the same number."""
    UNKNOWN = "unknown"
    """One seed: nothing is known of the noise. Or seeds in which the first one has no number to compare."""


class Criterion(StrEnum):
    """The number that two optimizers are compared by."""

    STEPS = "steps to the goal"
    EXCESS = "excess loss at the end"


@dataclass(frozen=True, eq=False)
class RateRuns(ReadOnlyArrays):
    """One optimizer at one rate from the start of every seed."""

    rate: float
    losses: Floats
    """[K, M] mean loss over all rows at the steps ``Comparison.measured_at``; NaN and ±inf are measurements."""
    path: Floats
    """[R, P] the parameters of the first seed at the steps ``Comparison.path_at``, in the training scale."""
    parts: tuple[StepPart, ...] | None
    """The terms of each update along ``path``; None where a step is its gradient alone (plain SGD), for optimizers
    that are not known, and where not every step is kept."""
    final_losses: Floats
    """[K] after the last step."""
    excess_left: Floats
    """[K] final loss above the floor."""
    steps_to_goal: tuple[int | None, ...]
    """[K] the steps after which the goal is reached for good, None where it was not."""
    diverged: Mask
    """[K] not finite, or ending above its start."""

    @property
    def reached(self) -> int:
        """In how many seeds the goal was reached."""
        return sum(steps is not None for steps in self.steps_to_goal)

    @property
    def median_steps(self) -> float | None:
        """The median over seeds, None where no more than half of them reached the goal."""
        if 2 * self.reached <= len(self.steps_to_goal):
            return None
        return float(np.median([np.inf if steps is None else steps for steps in self.steps_to_goal]))

    @property
    def first_losses(self) -> Floats:
        """[M] of the first seed: those of ``path``."""
        return np.asarray(self.losses[0])


@dataclass(frozen=True, eq=False)
class Contender(ReadOnlyArrays):
    """One optimizer: the rates tried for it, its best one, and its runs."""

    name: str
    """As it was asked for: ``momentum``, ``adam``."""
    label: str
    """As it is shown, different from every other's: ``Adam``, ``SGD, momentum 0.9``."""
    optimizer: str
    """The class name in ``torch.optim``."""
    optimizer_options: Mapping[str, object]
    limit: float | None
    """Its stability limit on this problem where theory names one beforehand."""
    range_kind: RangeKind
    rates: Floats
    """[B] every rate tried, rising; as many for each contender."""
    trial_steps: tuple[float | None, ...]
    """[B] the median steps to the goal over the tuning seeds, None where no more than half of them reached it."""
    trial_excess: Floats
    """[B] the median excess loss left over the tuning seeds; a run that diverged counts as infinite."""
    good: Mask
    """[B] just right: reaches the goal in at most three times the fewest steps of any of its rates."""
    good_low: float | None
    """The lowest rate of the unbroken good interval around the best rate, None where no rate reached the goal."""
    good_high: float | None
    good_open: bool
    """True where an end of the good interval is the end of what was tried: it is at least this wide."""
    at_edge: bool
    """True where the best rate is the lowest or highest tried: a better one may lie beyond."""
    slack: float
    """By which factor the criterion is worse at the better of the rates tried next to the best one: what the choice
    of the rate alone can make; ∞ where there is no neighbour to compare with."""
    best: RateRuns
    """At its best rate, on seeds that did not choose it."""
    common: RateRuns
    """At the common rate."""
    batched: bool
    """True where its runs went in one batch, False where they ran one after the other."""
    probe: str
    """One sentence: why."""

    @property
    def good_width(self) -> float | None:
        """high / low of its good interval."""
        return None if self.good_low is None or self.good_high is None else self.good_high / self.good_low


@dataclass(frozen=True, eq=False)
class Difference:
    """Two contenders compared seed by seed."""

    first: int
    """Index in ``Comparison.contenders``."""
    second: int
    criterion: Criterion
    ratio: float | None
    """The geometric mean over seeds of second / first: above 1 the first one needs fewer steps (leaves less). None
    where the first one's own number is not known in some seed: it missed the goal there, or diverged."""
    low: float | None
    """Ends of the interval of that mean; None for one seed, where every seed gave the same factor, and where a number
    stands for one that was not measured."""
    high: float | None
    standing: Standing
    at_least: bool
    """True where the ratio is a lower bound: the second one missed the goal in some seed and was counted as if it had
    reached it on the next step (or diverged, or the first one is exact to rounding)."""
    same: bool
    """True where every one of several seeds gave the same factor."""
    ahead: int
    """In how many seeds the first one is ahead, whatever was not measured."""
    behind: int
    reason: str
    """What the noise was: ``the interval over 5 seeds contains 1``, ``a neighbouring rate makes as much`` …"""


@dataclass(frozen=True, eq=False)
class BasinMap:
    """Which start ends in which minimum, for one contender at its best rate."""

    contender: int
    rate: float
    ends_in: Counts | None
    """[V, U] index of the minimum for each start (row: second parameter, column: first), masked by ``settled``;
    None where it was left out."""
    settled: Mask | None
    """[V, U] False where the run ends in no minimum (it has left, or small steps downhill lead to none): no index is
    meant; docs/semantics.md#ends-in-a-minimum. None where it was left out."""
    shares: tuple[float, ...] | None
    """For each minimum, the part of the starts that end there; None where it was left out."""
    unsettled: float | None
    """The part of the starts that end nowhere; None where it was left out."""
    left_out: str | None
    """Why there is no map; None where there is one."""


@dataclass(frozen=True, eq=False)
class Basins(ReadOnlyArrays):
    """The starts, the minima and one map for each contender."""

    first_axis: Floats
    """[U] values of the first parameter."""
    second_axis: Floats
    """[V] values of the second one."""
    minima: Floats
    """[I, 2] the lowest first; those that the formula names and those that runs came to rest in."""
    minimum_losses: Floats
    """[I]"""
    is_global: Mask
    """[I]"""
    tolerance: float
    """How near to a minimum small steps must lead from a run's end, in the parameters' units."""
    maps: tuple[BasinMap, ...]


@dataclass(frozen=True, eq=False)
class Comparison(ReadOnlyArrays):
    """Several optimizers on one problem from the same starts: at one common rate, and each at its own best."""

    name: str
    """Of what was descended on: ``line``, ``penguins``, ``himmelblau``."""
    about: str
    """One line: ``penguins.csv: 342 rows, body_mass_g from flipper_length_mm, standardised``."""
    parameter_names: tuple[str, ...]
    loss: str
    """``mse`` … or ``formula``; ``objective`` for somebody's own, which the record does not hold."""
    rows: int | None
    """None for a formula, and for an objective: its steps are over all it has."""
    batch_size: int | None
    """Rows per step; None for full batch and formulas."""
    epochs: int
    steps: int
    """T"""
    goal: float
    """The part of the excess loss at the start that is to be removed, 0 … 1."""
    floor: float
    """The loss that excess is measured from; the same for every contender."""
    floor_kind: FloorKind
    seeds: tuple[int, ...]
    """[K] those shown."""
    tuning_seeds: tuple[int, ...]
    """Those that chose the rates; the same as ``seeds`` only where every seed is the same run."""
    starts: Floats
    """[K, P] in the training scale: the same for every contender, bit for bit."""
    starts_drawn: str
    """One sentence: how the starts differ between seeds."""
    start_losses: Floats
    """[K]"""
    deterministic: bool
    """True where every seed is the same run (a given start, full batch): there is no noise, and one seed is kept."""
    common_rate: float
    common_reason: str
    """One sentence: where the common rate comes from."""
    trials: int
    """B: rates tried for each contender."""
    trial_runs: int
    """Runs made to choose the rate of each contender: ``trials`` × the tuning seeds."""
    measured_at: Counts
    """[M] the steps at which the loss over all rows was measured: every one, or with mini-batches each epoch's last."""
    path_at: Counts
    """[R] the steps at which parameters are kept: every one, or ``measured_at`` where there are very many."""
    contenders: tuple[Contender, ...]
    """In the order asked for."""
    ranking: tuple[int, ...]
    """Indices of the contenders at their own best rates, the best first; neighbours may well be within the noise."""
    at_best: tuple[Difference, ...]
    """The leader against each of the others, in the order of ``ranking``."""
    at_common: tuple[Difference, ...]
    """The same at the common rate, the leader there against each of the others."""
    confidence: float
    """Of each interval: 95 % for all of one table together (Bonferroni)."""
    formula: str | None
    """The formula as text, from which it can be made again; None for a table."""
    moments: Moments | None
    """The exact quadratic of a linear model under the square, None otherwise."""
    sample: Sample | None
    """The rows in the training scale, None for a formula."""
    optimum: Floats | None
    """[P] where it is known beforehand."""
    basins: Basins | None
    """None but for formulas of two parameters with several minima."""
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def goal_levels(self) -> Floats:
        """[K] the loss at which the goal is reached."""
        return np.asarray(self.floor + (1 - self.goal) * (self.start_losses - self.floor))

    @property
    def on_own(self) -> bool:
        """Whether it was somebody's own objective."""
        return self.loss == OWN

    @property
    def leader(self) -> Contender:
        """First of the ranking."""
        return self.contenders[self.ranking[0]]

    def __repr__(self) -> str:
        names = ", ".join(contender.label for contender in self.contenders)
        return f"<Comparison {self.name}: {names}; {len(self.seeds)} seeds, {self.trials} rates each>"
