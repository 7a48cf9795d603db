"""What a sweep over learning rates leaves behind; docs/semantics.md#zones defines every word.

Shapes: B rates, T steps, P parameters, K seeds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fallline._records._read_only import ReadOnlyArrays
from fallline._records._run import Floats, LimitKind, Moments, Sample, Scaling


class Zone(StrEnum):
    """Where a learning rate lies, for a stated goal."""

    TOO_SMALL = "too small"
    JUST_RIGHT = "just right"
    BOUNCING = "bouncing"
    DIVERGING = "diverging"


class FloorKind(StrEnum):
    """What excess loss is measured from."""

    OPTIMUM = "optimum"
    LOWEST_SEEN = "lowest seen"


@dataclass(frozen=True)
class ZoneSpan:
    """Neighbouring measured rates of one zone; between two spans nothing was measured."""

    name: Zone
    low: float
    """The lowest measured rate of this zone."""
    high: float
    """The highest."""


@dataclass(frozen=True)
class Recommendation:
    """A rate to use, the interval around it in which every measured rate was just right, and why."""

    value: float
    low: float
    high: float
    reason: str


@dataclass(frozen=True)
class Landmark:
    """A rate that theory names, beside where the runs put it."""

    name: str
    """``stability limit``, ``crosses the valley``, ``fastest in the long run``, ``misses the goal``."""
    predicted: float
    measured: float | None
    """None where the runs do not show it."""
    kind: LimitKind | None
    """What kind of statement a limit is; None for other landmarks."""
    resolution: float | None = None
    """How far apart the rates were that placed ``measured``, as a part of it; None where it was not measured so."""

    @property
    def difference(self) -> float | None:
        """(measured − predicted) / predicted; None where it was not measured, or predicts no such thing.

        The limit of all rows is no bound for mini-batches, and that of a frozen preconditioner none for one that moves.
        """
        if self.measured is None or self.kind in (LimitKind.FULL_BATCH, LimitKind.FROZEN):
            return None
        return (self.measured - self.predicted) / self.predicted


@dataclass(frozen=True, eq=False)
class Trial(ReadOnlyArrays):
    """One short run at one rate."""

    name: str
    """``a third of it``, ``the recommended rate``, ``three times it`` …"""
    learning_rate: float
    losses: Floats
    """[T + 1] mean loss over all rows before the first step and after each."""
    parameters: Floats
    """[T + 1, P]; [R, P] where ``parameters_at`` says so."""
    zone: Zone
    steps_to_goal: int | None = None
    """None where the goal was not reached."""
    parameters_at: NDArray[np.int64] | None = None
    """[R] the steps at which ``parameters`` are known; None where they are those of the losses."""


@dataclass(frozen=True, eq=False)
class SweepResult(ReadOnlyArrays):
    """Many learning rates, each run for real from the same start, and what they say."""

    name: str
    """Of what was descended on: ``line``, ``penguins``, ``rosenbrock``."""
    parameter_names: tuple[str, ...]
    optimizer: str
    """The class name in ``torch.optim``."""
    optimizer_options: Mapping[str, object]
    start: Floats
    """[P] of the first seed, in the training scale."""
    steps: int
    """T"""
    rows: int | None
    """None for a formula."""
    batch_size: int | None
    """Rows per step; None for full batch and formulas."""
    seeds: tuple[int, ...]
    """[K]; more than one gives bands."""
    goal: float
    """The part of the excess loss at the start that is to be removed, 0 … 1."""
    start_loss: float
    floor: float
    """The loss that excess is measured from."""
    floor_kind: FloorKind
    rates: Floats
    """[B] rising."""
    final_losses: Floats
    """[B] after the last step, of the middle run; NaN and ±inf are measurements."""
    final_low: Floats
    """[B] the lowest over seeds; equal to ``final_losses`` for one seed."""
    final_high: Floats
    """[B] the highest over seeds."""
    steps_to_goal: tuple[int | None, ...]
    """[B] steps until the goal is reached for good, None where it was not."""
    zone_of_each: tuple[Zone, ...]
    """[B]"""
    crosses_valley: tuple[bool | None, ...]
    """[B] the reversing component holds over half of the excess; None where that is not defined."""
    stalls_at: tuple[float | None, ...]
    """[B] the median loss above the floor of the last quarter, where a run cycles without getting lower; else None."""
    zones: tuple[ZoneSpan, ...]
    landmarks: tuple[Landmark, ...]
    measured_limit: float | None
    """The lowest rate from which runs diverge, refined by further runs; None where none diverged."""
    recommended: Recommendation | None
    """None: there is no safe answer, and ``advice`` says why."""
    advice: str
    """One or two sentences: the recommendation's reason, or why there is none."""
    trials: tuple[Trial, ...]
    """A third of the recommended rate, it, three times it; empty where nothing is recommended."""
    example_of_zone: Mapping[Zone, int]
    """For each zone that occurs, the index of a rate that shows it well."""
    losses: Floats
    """[T + 1, B] mean loss over all rows, of the first seed; [S, B] where ``kept_steps`` says so."""
    trajectories: Floats
    """[T + 1, B, P] of the first seed; [S, B, P] where ``kept_steps`` says so, [R, B, P] where ``path_steps`` does."""
    batched: bool
    """True where all rates ran in one batch, False where they ran one after the other."""
    probe: str
    """One sentence: what the probe found, hence why they ran in one batch or not."""
    notes: tuple[str, ...] = ()
    crossed: NDArray[np.bool_] | None = None
    """[T, B] at which step which rate crossed; None where that is not defined."""
    kept_steps: NDArray[np.int64] | None = None
    """[S] the steps at which ``losses`` and ``trajectories`` are known; None means all of them, S = T + 1."""
    loss_name: str | None = None
    """``mse`` …, ``formula``; this and what follows is None where somebody's own loss function was swept."""
    formula: str | None = None
    """Its text, as ``formula()`` takes it."""
    moments: Moments | None = None
    """Of a table under ``mse``."""
    sample: Sample | None = None
    """Rows of a table, in the training scale."""
    target: str | None = None
    features: tuple[str, ...] | None = None
    """[D]"""
    scaling: Scaling | None = None
    optimum: Floats | None = None
    """[P] where the loss is lowest, None where that is not known beforehand."""
    dtype: str | None = None
    """That a fit's loop would use; a sweep itself runs in float64."""
    bottom_seen: bool = True
    """False where the lowest run was still plunging at its end: there is no goal then."""
    stall_peaks: tuple[float | None, ...] = ()
    """[B] the highest excess of the last quarter, where ``stalls_at`` is its middle one."""
    start_losses: Floats | None = None
    """[K] before the first step; the goal of each seed's runs is counted from its own."""
    source: str | None = None
    """The rule, the path or the formula; None where somebody's own loss function was swept."""
    source_hash: str | None = None
    """Of the numbers or the formula, as a run's header has it."""

    path_steps: NDArray[np.int64] | None = None
    """[R] the steps at which ``trajectories`` are known, where those are fewer than the losses are known at."""

    @property
    def predicted_limit(self) -> float | None:
        """The stability limit that theory names, None where it names none."""
        return next((mark.predicted for mark in self.landmarks if mark.name == "stability limit"), None)

    @property
    def excess_to_reach(self) -> float | None:
        """The loss at which the goal is reached, from the first seed's start; None where there is no goal."""
        if not self.bottom_seen or not math.isfinite(self.start_loss) or not math.isfinite(self.floor):
            return None
        return self.floor + (1 - self.goal) * (self.start_loss - self.floor)

    def __repr__(self) -> str:
        found = "no safe rate" if self.recommended is None else f"recommended {self.recommended.value:.4g}"
        return f"<SweepResult {self.name}: {self.optimizer}, {len(self.rates)} rates, {found}>"
