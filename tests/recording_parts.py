"""What recordings in tests are put together from: no training, no torch.

A series made here holds together as on a parabola: promised change, curvature, reach and real change fit each other.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fallline._recorder._closing_line import line_of
from fallline._recorder._losses import Losses
from fallline._records import (
    PARTS,
    Cost,
    EffectiveSeries,
    GroupInfo,
    Instruments,
    LayerInfo,
    LayerSeries,
    Outcome,
    ParameterInfo,
    PartSeries,
    Recording,
    RecordingHeader,
    RecordingSummary,
    SameBatchSeries,
    StepSeries,
    Surroundings,
)

Floats = NDArray[np.float64]
SURROUNDINGS = Surroundings(
    versions={"fallline": "0.4.0", "torch": "2.13.0", "numpy": "2.4.0", "python": "3.12.3"},
    command_line=("train.py", "--rate", "0.001"),
    folder="/home/ada/digits",
    git_commit="3f2c9a1+changes",
    seeds={"torch": 0},
    device="cpu",
    threads=1,
    deterministic=False,
)
INSTRUMENTS = Instruments(
    every=None, budget=None, memory=256 * 2**20, memory_used=3 * 2**20, ring=64, snapshot_bytes=64 * 2**20
)
MLP_LAYERS = (("0", "Linear", 50_240), ("2", "Linear", 16_448), ("4", "Linear", 650))
CNN_LAYERS = (
    ("stem", "Conv2d", 1_728),
    ("layer1.conv1", "Conv2d", 36_864),
    ("layer2.conv1", "Conv2d", 73_728),
    ("layer3.conv1", "Conv2d", 294_912),
    ("layer4.conv1", "Conv2d", 1_179_648),
    ("layer4.bn1", "BatchNorm2d", 1_024),
    ("fc", "Linear", 5_130),
)


def header(
    name: str,
    layers: tuple[tuple[str, str, int], ...],
    optimizers: tuple[str, ...] = ("SGD",),
    groups: tuple[tuple[int, Mapping[str, object]], ...] = ((0, {"lr": 0.1}),),
    optimizer_of: tuple[int, ...] | None = None,
    **changes: object,
) -> RecordingHeader:
    """A header whose layers hold one parameter each; ``groups`` are (optimizer, options)."""
    owner = optimizer_of or (0,) * len(layers)
    group_of = [next(g for g, (o, _) in enumerate(groups) if o == owner[k]) for k in range(len(layers))]
    held = [sum(size for k, (_, _, size) in enumerate(layers) if group_of[k] == g) for g in range(len(groups))]
    made = RecordingHeader(
        name=name,
        model="Net",
        optimizers=optimizers,
        groups=tuple(GroupInfo(o, options, n) for (o, options), n in zip(groups, held, strict=True)),
        layers=tuple(LayerInfo(*layer) for layer in layers),
        parameters=tuple(
            ParameterInfo(f"{layer}.weight", (size,), "float32", k, owner[k], group_of[k])
            for k, (layer, _, size) in enumerate(layers)
        ),
        surroundings=SURROUNDINGS,
        instruments=INSTRUMENTS,
        started="2026-03-02T09:15:00+00:00",
    )
    return replace(made, **changes)


def column(values: Floats | float, T: int) -> Floats:
    """[T, columns] from a number, [T] or [T, columns]."""
    array = np.asarray(values, dtype=np.float64)
    return np.full((T, 1), array) if array.ndim == 0 else array.reshape(T, -1).copy()


def series(
    loss: Floats,
    rate: Floats | float,
    gradient: Floats,
    update: Floats,
    parameters: Floats | float,
    cosine: Floats | float,
    seconds_each: float = 0.0007,
) -> StepSeries:
    """Steps 0 … T − 1, each with one update; norms are [T] or [T, O], ``rate`` a number, [T] or [T, G]."""
    T = len(loss)
    gradient, update = column(gradient, T), column(update, T)
    shape = gradient.shape
    return StepSeries(
        step=np.arange(T),
        seconds=seconds_each * (1 + np.arange(T)),
        loss=loss,
        loss_measured=np.ones(T, bool),
        learning_rate=column(rate, T),
        updates=np.ones(shape, np.int64),
        gradient_norm=gradient,
        update_norm=update,
        parameter_norm=np.broadcast_to(column(parameters, T), shape).copy(),
        first_order_change=-column(cosine, T) * gradient * update,
        measured=np.ones(shape, bool),
    )


def by_layer(head: RecordingHeader, steps: StepSeries, at: NDArray[np.int64], shares: Floats) -> LayerSeries:
    """Layers at the rows ``at``; ``shares`` [3, L] of the squared gradient, update and parameters of its optimizer."""
    owner = [next(p.optimizer for p in head.parameters if p.layer == k) for k in range(len(head.layers))]
    root = np.sqrt(shares)
    return LayerSeries(
        step=steps.step[at],
        gradient_norm=steps.gradient_norm[at][:, owner] * root[0],
        update_norm=steps.update_norm[at][:, owner] * root[1],
        parameter_norm=steps.parameter_norm[at][:, owner] * root[2],
        first_order_change=steps.first_order_change[at][:, owner] * root[0] * root[1],
        measured=steps.measured[at][:, owner].copy(),
    )


def same_batch(steps: StepSeries, at: NDArray[np.int64], reach: Floats) -> SameBatchSeries:
    """The batch before and after at the rows ``at``, with the reach [R] that is asked for."""
    first, length = steps.first_order_change[at, 0], steps.update_norm[at, 0]
    with np.errstate(all="ignore"):
        curvature = -reach * first / length**2
        before = steps.loss[at]
        after = before + first * (1 - reach / 2)
        turned = steps.gradient_norm[at, 0] * (1 - reach)
    R = len(at)
    return SameBatchSeries(
        step=steps.step[at],
        loss_before=before,
        loss_after=after,
        first_order_change=first,
        curvature=curvature,
        gradient_cosine=np.clip(turned / steps.gradient_norm[at, 0], -1, 1),
        reach=reach,
        reach_measured=np.isfinite(reach),
        moved=np.ones(R, bool),
        as_given=np.ones(R, bool),
    )


def no_rows(layers: int, optimizers: int) -> tuple[LayerSeries, SameBatchSeries, PartSeries, EffectiveSeries]:
    """Instruments that measured nothing."""
    none, wide, mask = np.zeros(0), np.zeros((0, layers)), np.zeros((0, layers), bool)
    step, flags = np.zeros(0, np.int64), np.zeros(0, bool)
    parts = np.zeros((0, optimizers, len(PARTS)))
    return (
        LayerSeries(step, wide, wide, wide, wide, mask),
        SameBatchSeries(step, none, none, none, none, none, none, flags, flags, flags),
        PartSeries(step, parts, parts, np.zeros((0, optimizers), bool)),
        EffectiveSeries(step, wide, mask),
    )


def ended(made: Recording, outcome: Outcome, cost: Cost | None = None) -> Recording:
    """The same recording with the end that the recorder gives it: its own line, its own names of costs."""
    steps = made.steps
    losses = Losses.of(steps.loss[steps.loss_measured])
    seconds = float(steps.seconds[-1]) if len(steps) else 0.0
    shares = {"every step": 0.005, "norms": 0.004, "same batch": 0.003, "parts": 0.0007, "snapshots": 0.0003}
    paid = cost or Cost(0.013 * seconds, {name: part * seconds for name, part in shares.items()}, 1.013 * seconds)
    line = line_of(
        outcome,
        losses,
        steps=len(steps),
        open_alarm=made.alarms[-1] if made.alarms and outcome is Outcome.DIVERGED else None,
        alarms=made.alarms,
        reaches=made.batches.reach[made.batches.reach_measured],
        cost=paid,
        stopped=None,
    )
    return replace(
        made, summary=RecordingSummary(outcome, line, len(steps), losses.first, losses.last, losses.best, paid)
    )


def recording(head: RecordingHeader, steps: StepSeries, outcome: Outcome, **measured: object) -> Recording:
    """A recording that ended so; instruments that are not given measured nothing."""
    layers, batches, parts, effective = no_rows(len(head.layers), len(head.optimizers))
    plain = Recording(
        header=head, steps=steps, layers=layers, batches=batches, parts=parts, effective=effective,
        logged={}, events=(), alarms=(), snapshots=(), summary=None, path=f"runs/0001-{head.name}.db",
    )  # fmt: skip
    return ended(replace(plain, **measured), outcome)


def now_and_then(T: int) -> NDArray[np.int64]:
    """Every step of the first eight, then ever more rarely, at least every 50."""
    at = [k for k in range(T) if k < 8 or (k < 200 and k % 10 == 0) or k % 50 == 0]
    return np.array([*at, *([T - 1] if T - 1 not in at else [])], dtype=np.int64)
