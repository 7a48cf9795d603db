"""What ``fl.watch`` leaves behind: somebody's own training loop, step by step. Plain frozen data.

Shapes: T recorded steps, O optimizers, G parameter groups (of all optimizers, one after the other), L layers,
R rows of a series that is only measured now and then (each has its own ``step``), S parts of a step.

A row of ``steps`` is one call of ``watch.step``, counted from 0. A layer is a module that owns parameters; a parameter
of the model itself is a layer of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fallline._records._alarm import Alarm, Event, Integers
from fallline._records._run import Floats, Mask, Outcome
from fallline._records._sharpness_series import SharpnessSeries, no_sharpness

PARTS = ("gradient", "momentum", "preconditioning", "decay", "unattributed")
"""What an update is split into, in this order; docs/semantics.md#parts-of-a-step."""


@dataclass(frozen=True)
class LayerInfo:
    """One layer of the model."""

    name: str
    """As ``model.named_modules()`` has it: ``layer4.0.conv1``."""
    kind: str
    """The module's class: ``Conv2d``; ``Parameter`` for a parameter of the model itself."""
    parameters: int
    """How many numbers its watched parameters hold."""


@dataclass(frozen=True)
class ParameterInfo:
    """One watched parameter, in the order in which a snapshot holds them."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    layer: int
    """Index into ``RecordingHeader.layers``."""
    optimizer: int
    group: int
    """Index into ``RecordingHeader.groups``."""


@dataclass(frozen=True)
class GroupInfo:
    """One parameter group of one optimizer."""

    optimizer: int
    options: Mapping[str, object]
    """What the group holds beside its parameters, at the start: ``lr``, ``betas``, ``weight_decay`` …"""
    parameters: int
    """How many numbers it holds."""


@dataclass(frozen=True)
class Surroundings:
    """What is needed to repeat a run."""

    versions: Mapping[str, str]
    """``fallline``, ``torch``, ``numpy``, ``python``."""
    command_line: tuple[str, ...]
    folder: str
    git_commit: str | None
    """With ``+changes`` where the work tree was not clean; None where there is no repository."""
    seeds: Mapping[str, int]
    """``torch`` (its initial seed), and ``PYTHONHASHSEED`` where it is set."""
    device: str
    """``cpu``, or the accelerator's name."""
    threads: int
    deterministic: bool


@dataclass(frozen=True)
class Instruments:
    """What a watch measures, how often, and what it left out."""

    every: int | None
    """Same-batch measurements: every so many steps; None for the schedule of docs/semantics.md#when-it-measures."""
    budget: float | None
    """The share of the loop's time that measuring may take; None where the schedule alone decides."""
    memory: int
    """Bytes that its buffers may take."""
    memory_used: int
    """Bytes that they do take."""
    ring: int
    """Depth of the flight recorder, in steps."""
    snapshot_bytes: int
    """What all parameter snapshots together may take in the file."""
    left_out: tuple[str, ...] = ()
    """A sentence for each instrument that did not fit the memory or the model."""
    objective: str | None = None
    """What the sharpness is tracked of, in a few words; None where nothing is tracked."""
    sharpness_every: int | None = None
    """The sharpness: every so many steps; None for the schedule."""


@dataclass(frozen=True)
class RecordingHeader:
    """What was watched: enough to repeat it."""

    name: str
    model: str
    """The model's class."""
    optimizers: tuple[str, ...]
    """[O] class names."""
    groups: tuple[GroupInfo, ...]
    """[G]"""
    layers: tuple[LayerInfo, ...]
    """[L]"""
    parameters: tuple[ParameterInfo, ...]
    surroundings: Surroundings
    instruments: Instruments
    started: str
    """UTC, ISO 8601."""
    notes: tuple[str, ...] = ()
    """What the run has to say about its own making: frozen or left-out parameters, a journal that is not WAL."""

    @property
    def parameter_count(self) -> int:
        """How many numbers are trained."""
        return sum(layer.parameters for layer in self.layers)


@dataclass(frozen=True, eq=False)
class StepSeries:
    """One row per call of ``watch.step``; NaN and ±∞ are measurements, what was not measured is masked."""

    step: Integers
    """[T] rising; a jump is a gap in the record (an event says why)."""
    seconds: Floats
    """[T] since the watch began: a clock column, different at every repetition."""
    loss: Floats
    """[T] as given to ``watch.step``; meaningless where not ``loss_measured``."""
    loss_measured: Mask
    """[T]"""
    learning_rate: Floats
    """[T, G] at the update."""
    updates: Integers
    """[T, O] how often each optimizer stepped since the row before: 0 where skipped, or still accumulating."""
    gradient_norm: Floats
    """[T, O] of the gradient that the optimizer consumed: after clipping and accumulation, unscaled."""
    update_norm: Floats
    """[T, O] of what the parameters moved by, in the last of this row's updates."""
    parameter_norm: Floats
    """[T, O] before the update."""
    first_order_change: Floats
    """[T, O] consumed gradient · update: what the tangent promised."""
    measured: Mask
    """[T, O] False where an optimizer made no update, or its norms were not taken: the four above are meaningless."""

    def __len__(self) -> int:
        return len(self.step)

    @property
    def update_ratio(self) -> Floats:
        """[T, O] update-to-parameter ratio |Δθ| / |θ|, θ before the update; NaN or ∞ where the parameters are 0."""
        with np.errstate(all="ignore"):
            return np.asarray(self.update_norm / self.parameter_norm)

    @property
    def downhill_cosine(self) -> Floats:
        """[T, O] cosine of the update with downhill (minus the gradient); NaN where either is 0."""
        with np.errstate(all="ignore"):
            return np.asarray(-self.first_order_change / (self.gradient_norm * self.update_norm))


@dataclass(frozen=True, eq=False)
class LayerSeries:
    """The norms layer by layer, at some steps. NaN or ∞ are measurements."""

    step: Integers
    """[R]"""
    gradient_norm: Floats
    """[R, L]"""
    update_norm: Floats
    """[R, L]"""
    parameter_norm: Floats
    """[R, L]"""
    first_order_change: Floats
    """[R, L]"""
    measured: Mask
    """[R, L]"""

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True, eq=False)
class SameBatchSeries:
    """The loss of one batch before and after its step, with the same random numbers; from the closure."""

    step: Integers
    """[R]"""
    loss_before: Floats
    """[R] the closure's, at the parameters before the update."""
    loss_after: Floats
    """[R] the closure's, after it."""
    first_order_change: Floats
    """[R] the batch's own gradient before the update · update: not clipped, not accumulated."""
    curvature: Floats
    """[R] along the step: Δθᵀ(g_after − g_before) / |Δθ|²; meaningless where not ``moved``."""
    gradient_cosine: Floats
    """[R] of the batch's gradients before and after the update; meaningless where not ``moved``."""
    reach: Floats
    """[R] docs/semantics.md#reach; meaningless where not ``reach_measured``."""
    reach_measured: Mask
    """[R]"""
    moved: Mask
    """[R] False where the update was 0."""
    as_given: Mask
    """[R] True where the closure's loss before the update is the loss that ``watch.step`` was given, to rounding."""

    def __len__(self) -> int:
        return len(self.step)

    @property
    def real_change(self) -> Floats:
        """[R] of the batch's loss by the update; NaN where both are infinite."""
        with np.errstate(all="ignore"):
            return np.asarray(self.loss_after - self.loss_before)


@dataclass(frozen=True, eq=False)
class PartSeries:
    """What an update is made of, at some steps: Δθ = the sum of its :data:`PARTS`."""

    step: Integers
    """[R]"""
    norm: Floats
    """[R, O, S] length of each part."""
    share: Floats
    """[R, O, S] part · Δθ / |Δθ|²: they add up to 1."""
    measured: Mask
    """[R, O]"""

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True, eq=False)
class EffectiveSeries:
    """The effective step of adaptive optimizers, at some steps."""

    step: Integers
    """[R]"""
    rate: Floats
    """[R, L] mean over the layer of η / P, P the preconditioner of that moment."""
    measured: Mask
    """[R, L] False where the layer's optimizer is not adaptive (or not known)."""

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True, eq=False)
class UserSeries:
    """One of the user's own numbers, from ``watch.log``."""

    step: Integers
    """[R] the last step recorded before it was logged."""
    value: Floats
    """[R]"""


@dataclass(frozen=True)
class Logged:
    """One of the user's own numbers on its way into the record."""

    name: str
    step: int
    value: float


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All watched parameters after one step, on their way into the record."""

    step: int
    """−1 before the first."""
    values: NDArray[np.uint8]
    """The bytes of every parameter, each in its own dtype, little-endian, in the order of the header's parameters."""


@dataclass(frozen=True)
class Cost:
    """What watching cost, by its own clock."""

    seconds: float
    """Of all instruments together, inside the loop."""
    by_instrument: Mapping[str, float]
    """Seconds each."""
    loop_seconds: float
    """From the first step to the last, instruments included."""

    @property
    def share(self) -> float | None:
        """Of the loop's own time; None where there was none."""
        own = self.loop_seconds - self.seconds
        return self.seconds / own if own > 0 else None


@dataclass(frozen=True)
class RecordingSummary:
    """What came of a watched run."""

    outcome: Outcome
    line: str
    """The one line said at the end."""
    steps: int
    first_loss: float | None
    last_loss: float | None
    best_loss: float | None
    cost: Cost
    exception: str | None = None
    """``ValueError: …`` of the user's loop, None where it ended by itself."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One watched training loop."""

    header: RecordingHeader
    steps: StepSeries
    layers: LayerSeries
    batches: SameBatchSeries
    parts: PartSeries
    effective: EffectiveSeries
    logged: Mapping[str, UserSeries]
    events: tuple[Event, ...]
    alarms: tuple[Alarm, ...]
    snapshots: tuple[int, ...]
    """The steps after which the parameters were kept; −1 is before the first."""
    summary: RecordingSummary | None
    """None while the run is being made, or where its process was killed."""
    path: str | None = None
    sharpness: SharpnessSeries = field(default_factory=no_sharpness)
    """Of the objective that the watch was given."""

    def __len__(self) -> int:
        """The number of recorded steps."""
        return len(self.steps)

    def __repr__(self) -> str:
        outcome = self.summary.outcome.value if self.summary else "unfinished"
        return f"<Recording {self.header.name}: {', '.join(self.header.optimizers)}, {len(self)} steps, {outcome}>"
