"""What a descent leaves behind: plain frozen data. Nothing here reads, writes, draws or computes a loss.

Shapes: N examples, D features, P parameters (a neuron's P = D + 1), T steps. Vectors of parameters hold the weights
in the order of the features, then the bias; a formula's parameters in the order of ``parameter_names``. "Training
scale" is the scale the loop sees: features shifted and divided as :class:`Scaling` says; the target is never rescaled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Outcome(StrEnum):
    """How a descent ended; docs/semantics.md#outcome defines each word."""

    CONVERGED = "converged"
    DESCENDING = "descending"
    STALLED = "stalled"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"
    ENDED = "ended"
    """Only of a watched loop: it gave too few losses, or none, to say which way they went."""


class LimitKind(StrEnum):
    """What kind of statement a stability limit is; docs/semantics.md#stability-limit."""

    PROVABLE = "provable"
    ANYWHERE = "largest curvature anywhere"
    LOCAL = "local curvature"
    FROZEN = "frozen preconditioner"
    FULL_BATCH = "full batch"
    """Of the loss over all rows, while the runs took mini-batches: no bound for those."""


@dataclass(frozen=True, slots=True)
class Step:
    """One parameter update as the loop made it, in the training scale."""

    index: int
    """Counted from 0."""
    epoch: int
    learning_rate: float
    loss: float
    """Mean loss of this step's batch before the update, as the loop computed it (in its dtype)."""
    gradient: tuple[float, ...]
    """[P] what the optimizer consumed."""
    parameters: tuple[float, ...]
    """[P] after the update."""


@dataclass(frozen=True)
class Scaling:
    """``x_training = (x − shift) / scale``, feature by feature."""

    shift: tuple[float, ...]
    """[D] in the table's units."""
    scale: tuple[float, ...]
    """[D] in the table's units."""

    @property
    def is_identity(self) -> bool:
        """True where the loop saw the table's own numbers."""
        return not any(self.shift) and all(value == 1.0 for value in self.scale)


@dataclass(frozen=True)
class Header:
    """What was run: enough to repeat it."""

    name: str
    """Short and readable: ``line``, ``penguins``."""
    source: str
    """The rule or the path the table came from, or the formula."""
    source_hash: str
    """``sha256:…`` of the numbers the loop saw (before scaling), or of the formula's text."""
    rows: int | None
    """N, None for a formula."""
    target: str | None
    """None for a formula."""
    features: tuple[str, ...]
    """[D], none for a formula."""
    parameter_names: tuple[str, ...]
    """``("w", "b")`` for one feature, else ``("w_<feature>", …, "b")``; a formula's own."""
    loss: str
    """``mse``, ``mae``, ``huber``, ``bce``, or ``formula``."""
    optimizer: str
    """The class name in ``torch.optim``."""
    optimizer_options: Mapping[str, object]
    learning_rate: float
    """As given or chosen; a schedule makes its rates from it (``Columns.learning_rate`` has that of each step)."""
    learning_rate_reason: str
    """One sentence when the rate was chosen by ``auto``, else empty."""
    schedule: str
    """As given, empty for a constant rate."""
    epochs: int
    batch_size: int | None
    """Rows per step; equal to ``rows`` for full batch, None for a formula."""
    seed: int
    dtype: str
    scaling: Scaling
    start: tuple[float, ...]
    """[P] the parameters before step 0, in the training scale."""
    start_loss: float
    """Mean loss over all rows at ``start``, evaluated in float64."""
    versions: Mapping[str, str]
    started: str | None
    """UTC, ISO 8601; None for one rate of a sweep, which has no time of its own."""
    notes: tuple[str, ...] = ()
    """What the run has to say about its own making: dropped rows, a journal mode that is not WAL."""
    formula: str | None = None
    """What was descended on where it was no table: arithmetic in ``parameter_names``."""
    engine: str = "loop"
    """``loop``: forward and backward over the rows; ``moments``: their exact equivalent, gathered in one pass."""

    @property
    def full_batch(self) -> bool:
        """True where every step saw all there is: all rows, or a formula."""
        return self.rows is None or self.batch_size is None or self.batch_size >= self.rows

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the rows; one for a formula."""
        return 1 if self.rows is None or self.batch_size is None else -(-self.rows // self.batch_size)

    @property
    def plain_descent(self) -> bool:
        """True where a step is θ − η·gradient and nothing else."""
        extras = ("momentum", "weight_decay", "nesterov", "maximize")
        return self.optimizer == "SGD" and not any(self.optimizer_options.get(key) for key in extras)


@dataclass(frozen=True, eq=False)
class Columns:
    """One row per step, as arrays. ``nan`` and ``±inf`` are measurements; what was not measured is masked."""

    epoch: Floats
    """[T]"""
    learning_rate: Floats
    """[T]"""
    loss: Floats
    """[T] of the step's batch before the update, as the loop computed it."""
    real_change: Floats
    """[T] of the same batch's loss by the update, evaluated in float64."""
    first_order_change: Floats
    """[T] gradient · update: what the tangent promised."""
    reach: Floats
    """[T] see docs/semantics.md#reach; meaningless where ``reach_measured`` is False."""
    reach_measured: Mask
    """[T]"""
    full_loss: Floats
    """[T] mean loss over all rows after the update, float64; meaningless where not ``full_loss_measured``."""
    full_loss_measured: Mask
    """[T] True at the last step of an epoch, or at every step in full batch."""
    gradient: Floats
    """[T, P]"""
    parameters: Floats
    """[T, P] after the update."""

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def first_not_finite(self) -> int | None:
        """The first step with a loss or a parameter that is not finite, None where all are."""
        after = np.isfinite(self.full_loss) | ~self.full_loss_measured
        sound = np.isfinite(self.loss) & np.isfinite(self.parameters).all(axis=1) & after
        return None if bool(sound.all()) else int(np.argmin(sound))


@dataclass(frozen=True, eq=False)
class Sample:
    """The rows a run was trained on, in the training scale: all of them, or an even sample of them."""

    features: Floats
    """[N, D]"""
    target: Floats
    """[N]"""
    complete: bool
    """False where only a sample of the rows was kept."""


@dataclass(frozen=True, eq=False)
class Moments:
    """A linear model's mean squared error as an exact quadratic: L(θ) = c + ½ (θ − θ*)ᵀ H (θ − θ*)."""

    hessian: Floats
    """[P, P]"""
    optimum: Floats
    """[P] θ*, the least-squares solution of smallest norm."""
    optimum_loss: float
    """c"""


@dataclass(frozen=True)
class Summary:
    """What came of a run. Numbers in the table's units where they are named ``learned`` or ``exact``."""

    outcome: Outcome
    learned: Mapping[str, float]
    exact: Mapping[str, float] | None
    """The optimum where the problem has a known one (least squares), else None."""
    first_loss: float
    last_loss: float
    best_loss: float
    """Lowest mean loss over all rows that was measured."""
    stability_limit: float | None
    """Largest stable learning rate, None where the loss or the optimizer has none; docs/semantics.md."""
    limit_kind: LimitKind | None
    """None where there is no limit."""
    share_of_limit: float | None
    """Largest learning rate of the run / stability limit."""
    condition_number: float | None
    sharpness: float | None
    """Largest Hessian eigenvalue."""
    flattest: float | None
    """Smallest Hessian eigenvalue above rounding."""
    raw_condition_number: float | None
    """The same problem without standardising, None where nothing was standardised."""
    raw_stability_limit: float | None
    raw_steps: float | None
    """Steps plain descent would need on the raw columns at half that limit to leave a millionth of the excess."""
    steps_to_finish: int | None
    """Further steps at this rate that would bring the outcome to converged, where that can be computed."""
    separable: bool
    """Logistic only: a line parts the two classes, so the loss has no minimum."""
    seconds: float
    finished: bool = True
    """False where this was worked out from a record without an end: its process is at work, or was killed."""


@dataclass(frozen=True, eq=False)
class Run:
    """One recorded descent."""

    header: Header
    columns: Columns
    sample: Sample | None
    """None for a formula."""
    moments: Moments | None
    """None where the loss is no exact parabola: a neuron's loss that is not the square, most formulas."""
    summary: Summary | None
    """None while the run is being made, or where its process was killed."""
    path: str | None = None
    """The run file, None for a run in memory."""

    @property
    def trajectory(self) -> Floats:
        """[T + 1, P] the parameters before the first step and after each, in the training scale."""
        start = np.array([self.header.start])
        return np.concatenate((start, self.columns.parameters.reshape(-1, start.shape[1])))

    def __len__(self) -> int:
        """The number of steps taken."""
        return len(self.columns)

    @property
    def steps(self) -> "polars.DataFrame":
        """One row per step: epoch, learning_rate, loss …, one column per parameter and per slope."""
        import polars  # noqa: PLC0415  (heavy, and nothing else here needs it)

        columns = self.columns
        measured = {"reach": columns.reach_measured, "full_loss": columns.full_loss_measured}
        scalars = ("learning_rate", "loss", "real_change", "first_order_change", "reach", "full_loss")
        frame = {"step": polars.arange(len(self), eager=True)}
        frame["epoch"] = polars.Series(columns.epoch.astype(np.int64))
        for name in scalars:
            frame[name] = polars.Series(getattr(columns, name))
            if name in measured:  # a mask, because NaN is a measurement and null is none
                frame[name] = frame[name].set(polars.Series(~measured[name]), None)
        for name, after, slope in zip(
            self.header.parameter_names, columns.parameters.T, columns.gradient.T, strict=True
        ):
            frame[name] = polars.Series(np.ascontiguousarray(after))
            frame[f"slope_{name}"] = polars.Series(np.ascontiguousarray(slope))
        return polars.DataFrame(frame)

    def __repr__(self) -> str:
        outcome = self.summary.outcome.value if self.summary else "unfinished"
        return f"<Run {self.header.name}: {self.header.optimizer}, {len(self)} steps, {outcome}>"
