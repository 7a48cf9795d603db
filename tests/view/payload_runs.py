"""Small runs for the payload's tests: descent on a quadratic or a logistic neuron, written out in NumPy."""

from dataclasses import replace
from typing import Any

import numpy as np

from fallline._quadratic import Quadratic
from fallline._reach import measure_reach
from fallline._records import Columns, Header, LimitKind, Moments, Outcome, Run, Sample, Scaling, Summary
from fallline._view._text import ViewText


def _step(run: Run, step: int) -> list[str]:
    return [f"step {step} of {len(run)}"]


def _beats(run: Run, step: int) -> list[str]:
    return [f"{beat} of step {step}" for beat in ("gradient", "minus", "times the rate", "move")]


def _reach_note(run: Run, step: int) -> str:
    return "" if run.columns.reach_measured[step] else "no reach"


def _of(run: Run) -> str:
    return run.header.source


TEXT = ViewText(
    verdict=lambda run: [f"{len(run)} steps"],
    data_line=_of,
    conversion_line=_of,
    subtitle=_of,
    step_sentences=_step,
    step_beats=_beats,
    reach_note=_reach_note,
)


class Logistic:
    """Mean binary cross-entropy of a logistic neuron."""

    def __init__(self, features: np.ndarray, target: np.ndarray) -> None:
        self.inputs = np.column_stack([features, np.ones(len(features))])
        self.target = target
        self.parameter_count = self.inputs.shape[1]
        self.optimum, self.floor = None, None

    def loss(self, parameters: np.ndarray, /) -> np.ndarray:
        output = parameters @ self.inputs.T
        return np.asarray((np.logaddexp(0.0, output) - self.target * output).mean(axis=1))

    def gradient(self, parameters: np.ndarray, /) -> np.ndarray:
        output = parameters @ self.inputs.T
        return np.asarray((0.5 * (1 + np.tanh(output / 2)) - self.target) @ self.inputs / len(self.target))

    def hessian(self, parameters: np.ndarray, /) -> np.ndarray:
        chance = 0.5 * (1 + np.tanh(self.inputs @ parameters / 2))
        return np.asarray((self.inputs.T * (chance * (1 - chance))) @ self.inputs / len(self.target))

    def change(self, before: np.ndarray, after: np.ndarray, /) -> np.ndarray:
        return self.loss(after) - self.loss(before)


def textbook_data(rows: int = 100) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(0.0, 10.0, rows)
    return x[:, None], 2 * x + 1 + 0.5 * np.random.default_rng(0).standard_normal(rows)


def textbook(**settings: Any) -> tuple[Run, Quadratic]:
    """y = 2x + 1 from w = −0.0075, b = 0.5364 at rate 0.01; ``rate``, ``steps`` and ``batch`` may be told."""
    features, target = textbook_data()
    return descend(features, target, start=(-0.0075, 0.5364), **settings)


def descend(
    features: np.ndarray,
    target: np.ndarray,
    *,
    start: tuple[float, ...],
    rate: float = 0.01,
    steps: int = 200,
    batch: int | None = None,
) -> tuple[Run, Quadratic]:
    """Plain descent on the mean squared error, full batch or on rows drawn anew for each step."""
    quadratic = Quadratic.from_data(features, target)
    rng = np.random.default_rng(1)
    size = len(target) if batch is None else batch
    at, rows = np.array(start), np.arange(len(target))
    losses, gradients, after, changes = [], [], [], []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            used = rows if size == len(target) else rng.permutation(rows)[:size]
            inputs = np.column_stack([features[used], np.ones(size)])
            residual = inputs @ at - target[used]
            gradient = 2 * residual @ inputs / size
            update = -rate * gradient
            moved = inputs @ update
            losses.append(float((residual**2).mean()))
            changes.append(float((2 * residual * moved + moved**2).mean()))
            gradients.append(gradient)
            at = at + update
            after.append(at)
    shape = (steps, len(start))
    columns = _columns(
        quadratic,
        np.array(losses),
        np.array(changes),
        np.reshape(gradients, shape),
        np.reshape(after, shape),
        rate,
    )
    if size < len(target):
        columns = replace(columns, full_loss_measured=np.arange(steps) % 7 == 6)
    return run_of(columns, quadratic.moments, features, target, start=start, rate=rate, batch=size), quadratic


def _columns(
    objective: Any, loss: np.ndarray, change: np.ndarray, gradient: np.ndarray, after: np.ndarray, rate: float
) -> Columns:
    steps = len(loss)
    with np.errstate(all="ignore"):
        promised = -rate * (gradient**2).sum(axis=1)
        full = objective.loss(after) if steps else np.empty(0)
    reach, measured = measure_reach(promised, 2 * (change - promised), *np.abs([1e-15 * promised, 2e-15 * promised]))
    everywhere = np.ones(steps, dtype=np.bool_)
    rates = np.full(steps, rate)
    return Columns(
        np.arange(steps, dtype=np.float64),
        rates,
        loss,
        change,
        promised,
        reach,
        measured,
        full,
        everywhere,
        gradient,
        after,
    )


def parabola(*, start: float = 5.0, rate: float = 0.1, steps: int = 20) -> tuple[Run, Quadratic]:
    """(w − 3)², one parameter and no data."""
    quadratic = Quadratic(Moments(np.array([[2.0]]), np.array([3.0]), 0.0))
    at, gradients, after = np.array([start]), [], []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            gradient = 2 * (at - 3)
            at = at - rate * gradient
            gradients.append(gradient)
            after.append(at)
    gradient, places = np.reshape(gradients, (steps, 1)), np.reshape(after, (steps, 1))
    before = np.concatenate([[[start]], places[:-1]])
    with np.errstate(all="ignore"):
        columns = _columns(quadratic, quadratic.loss(before), quadratic.change(before, places), gradient, places, rate)
    none = np.empty((1, 1))
    run = run_of(columns, quadratic.moments, none, none[0], start=(start,), rate=rate, batch=1)
    header = replace(
        run.header,
        rows=None,
        batch_size=None,
        target=None,
        features=(),
        parameter_names=("w",),
        loss="formula",
        formula="(w - 3)^2",
        scaling=Scaling((), ()),
    )
    return replace(run, header=header, sample=None), quadratic


def logistic(steps: int = 50, rate: float = 0.5) -> tuple[Run, Logistic]:
    """A logistic neuron on 80 rows of classes that overlap."""
    rng = np.random.default_rng(3)
    features = 2 * rng.normal(size=(80, 1))
    target = (rng.random(80) < 1 / (1 + np.exp(-1.5 * features[:, 0] + 0.5))).astype(np.float64)
    objective, start = Logistic(features, target), (-0.8, 1.2)
    at, losses, gradients, after = np.array([start]), [], [], []
    for _ in range(steps):
        gradient = objective.gradient(at)
        losses.append(float(objective.loss(at)[0]))
        at = at - rate * gradient
        gradients.append(gradient[0])
        after.append(at[0])
    full = objective.loss(np.array(after))
    columns = _columns(objective, np.array(losses), full - np.array(losses), np.array(gradients), np.array(after), rate)
    run = run_of(columns, None, features, target, start=start, rate=rate, batch=80)
    header = replace(run.header, loss="bce", start_loss=float(objective.loss(np.array([start]))[0]))
    return replace(run, header=header), objective


def run_of(
    columns: Columns,
    moments: Moments | None,
    features: np.ndarray,
    target: np.ndarray,
    *,
    start: tuple[float, ...],
    rate: float,
    batch: int,
) -> Run:
    count = features.shape[1]
    names = ("x",) if count == 1 else tuple(f"x{k}" for k in range(count))
    with np.errstate(all="ignore"):
        start_loss = 1.0 if moments is None else float(Quadratic(moments).loss([start])[0])
    header = Header(
        name="made",
        source="made up",
        source_hash="sha256:0",
        rows=len(target),
        target="y",
        features=names,
        parameter_names=("w", "b") if count == 1 else (*(f"w_{name}" for name in names), "b"),
        loss="mse",
        optimizer="SGD",
        optimizer_options={},
        learning_rate=rate,
        learning_rate_reason="",
        schedule="",
        epochs=len(columns),
        batch_size=batch,
        seed=0,
        dtype="float64",
        scaling=Scaling((0.0,) * count, (1.0,) * count),
        start=start,
        start_loss=start_loss,
        versions={},
        started="2026-01-01T00:00:00Z",
    )
    return Run(
        header,
        columns,
        Sample(features, target, complete=True),
        moments,
        _summary(columns, moments, start_loss),
    )


def _summary(columns: Columns, moments: Moments | None, start_loss: float) -> Summary | None:
    if moments is None:
        return None
    last = float(columns.full_loss[-1]) if len(columns) else start_loss
    sharpest = float(np.linalg.eigvalsh(moments.hessian)[-1])
    return Summary(
        outcome=Outcome.DESCENDING if last <= start_loss else Outcome.DIVERGED,
        learned={},
        exact=None,
        first_loss=start_loss,
        last_loss=last,
        best_loss=last,
        stability_limit=2 / sharpest,
        limit_kind=LimitKind.PROVABLE,
        share_of_limit=float(columns.learning_rate.max(initial=0.0)) * sharpest / 2,
        condition_number=None,
        sharpness=sharpest,
        flattest=None,
        raw_condition_number=None,
        raw_stability_limit=None,
        raw_steps=None,
        steps_to_finish=None,
        separable=False,
        seconds=0.1,
    )
