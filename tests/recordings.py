"""A catalogue of watched loops, made from numbers that are known: no training, no torch.

Each is a function of no arguments, made once: ``recordings.diverging()``. ``CATALOGUE`` has them all by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._recorder._broken import taken_apart
from fallline._recorder._evidence_batch import bad_batch
from fallline._recorder._evidence_layer import exploding_layer
from fallline._records import (
    Alarm,
    Cause,
    Cost,
    EffectiveSeries,
    Event,
    EventKind,
    Evidence,
    Flight,
    Outcome,
    PartSeries,
    Recording,
    Trigger,
    UserSeries,
)
from recording_parts import (
    CNN_LAYERS,
    MLP_LAYERS,
    by_layer,
    ended,
    header,
    no_rows,
    now_and_then,
    recording,
    same_batch,
    series,
)


@cache
def well_behaved() -> Recording:
    """An MLP on digits under AdamW: 2,000 steps, warm-up and cosine, a closure, every instrument."""
    rng, T = np.random.default_rng(0), 2_000
    t = np.arange(T)
    head = header(
        "digits",
        MLP_LAYERS,
        ("AdamW",),
        ((0, {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.01}),
         (0, {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.0})),
        model="MLP",
    )  # fmt: skip
    rate = 1e-3 * np.minimum((t + 1) / 100, 0.5 * (1 + np.cos(np.pi * np.maximum(0, t - 100) / (T - 100))))
    loss = (0.08 + 2.2 * np.exp(-t / 250)) * np.exp(0.12 * rng.normal(size=T))
    gradient = 0.4 * np.sqrt(loss) * np.exp(0.2 * rng.normal(size=T))
    steps = series(loss, np.stack([rate, rate], axis=1), gradient, 120 * rate, 14 + 0.001 * t, 0.35)
    at, wide = now_and_then(T), t[::20]
    share = np.array([0.30, 0.62, 0.02, 0.05, 0.01])
    parts = PartSeries(
        step=wide,
        norm=steps.update_norm[wide][:, :, None] * np.sqrt(share),
        share=np.broadcast_to(share, (len(wide), 1, 5)).copy(),
        measured=np.ones((len(wide), 1), bool),
    )
    shares = np.array([[0.55, 0.35, 0.10], [0.74, 0.25, 0.01], [0.70, 0.26, 0.04]])
    done = np.arange(199, T, 200)
    return recording(
        head,
        steps,
        Outcome.DESCENDING,
        layers=by_layer(head, steps, wide, shares),
        batches=same_batch(steps, at, 0.62 * np.exp(-at / 1500) * np.exp(0.05 * rng.normal(size=len(at)))),
        parts=parts,
        effective=EffectiveSeries(wide, rate[wide, None] * np.array([30.0, 55.0, 12.0]), np.ones((len(wide), 3), bool)),
        logged={"accuracy": UserSeries(done, 0.5 + 0.48 * (1 - np.exp(-done / 400)))},
        events=(Event(0, EventKind.NOTE, "Layers are measured every 20 steps."),),
        snapshots=(-1, 0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1999),
    )


@cache
def plain_descent() -> Recording:
    """SGD without momentum, rate 0.1 throughout, a closure; the reach rises from 0.5 to 1.5, past the bottom."""
    rng, T = np.random.default_rng(1), 400
    t = np.arange(T)
    head = header("plain", MLP_LAYERS, groups=((0, {"lr": 0.1, "momentum": 0, "weight_decay": 0}),), model="MLP")
    loss = (0.5 + np.exp(-t / 100)) * np.exp(0.02 * rng.normal(size=T))
    gradient = 0.5 + np.exp(-t / 100)
    steps = series(loss, 0.1, gradient, 0.1 * gradient, 10.0, 1.0)
    at = t[::10]
    return recording(
        head,
        steps,
        Outcome.DESCENDING,
        batches=same_batch(steps, at, np.linspace(0.5, 1.5, len(at))),
    )


def flight_of(layers: int, alarm: int, first: int, depth: int = 32) -> Flight:
    """The ring at an alarm: layer ``first`` grows threefold at each of its last eight steps, then all break."""
    steps = np.arange(alarm - depth + 1, alarm + 1)
    calm = np.linspace(0.2, 0.4, layers) * np.ones((depth, 1))
    gradient = calm.copy()
    growth = 3.0 ** np.maximum(0, steps - (alarm - 8))
    gradient[:, first] *= growth
    gradient[-1] = np.nan
    gradient[-2, first] = np.inf
    update, parameters = 0.05 * gradient, np.full((depth, layers), 5.0)
    parameters[-2:, first] = np.inf
    loss = np.where(steps < alarm - 8, 1.1, 1.1 * growth**0.5)
    loss[-1] = np.nan
    return Flight(steps, loss, gradient, update, parameters, np.ones((depth, layers), bool), np.ones(depth, bool))


def alarm_of(step: int, layers: tuple[str, ...]) -> Alarm:
    """The story of a diverging CNN, as the recorder tells it of that ring."""
    broken = taken_apart(flight_of(len(layers), step, 4), layers, ceiling=3.0)
    first = broken.first
    past = f"Reach was 3.100 at step {step - 3:,}, 3 steps before the alarm; "
    past += "it was above 2 at 1 of 2 steps measured in the ring."
    whole = "No parameter is float16 and no update was skipped; whether autocast was at work is not recorded."
    return Alarm(
        step=step,
        trigger=Trigger.LOSS_NOT_FINITE,
        first_layer=None if first.layer is None else layers[first.layer],
        first_quantity=first.quantity,
        first_step=int(broken.flight.step[first.row]),
        growth=first.growth,
        reach=3.1,
        reach_step=step - 3,
        evidence=(
            Evidence(Cause.PAST_THE_LIMIT, True, past),
            exploding_layer(broken),
            bad_batch(broken, ()),
            Evidence(Cause.OVERFLOW, None, whole),
        ),
        flight=broken.flight,
        snapshot_step=step - 9,
    )


@cache
def diverging() -> Recording:
    """A CNN under SGD with momentum whose rate is too large: NaN at step 4,312, layer4.conv1 first."""
    rng, T, broke = np.random.default_rng(2), 4_313, 4_312
    t = np.arange(T)
    head = header("resnet", CNN_LAYERS, groups=((0, {"lr": 0.5, "momentum": 0.9, "weight_decay": 1e-4}),), model="Net")
    growth = 3.0 ** np.maximum(0, t - (broke - 8))
    loss = (1.1 + 1.2 * np.exp(-t / 600)) * np.exp(0.1 * rng.normal(size=T)) * growth**0.5
    gradient = (0.8 + 0.1 * rng.normal(size=T)) * growth
    loss[broke], gradient[broke - 1 :] = np.nan, (np.inf, np.nan)
    update = 0.05 * gradient
    parameters = np.full(T, 18.0)
    parameters[broke - 1 :] = np.inf
    steps = series(loss, 0.5, gradient, update, parameters, 0.6, seconds_each=0.014)
    at = np.array([k for k in now_and_then(T) if k < broke - 1] + [broke - 3], dtype=np.int64)
    reach = np.append(0.9 + 0.0002 * at[:-1], 3.1)
    shares = np.full((3, len(CNN_LAYERS)), 1 / len(CNN_LAYERS))
    return recording(
        head,
        steps,
        Outcome.DIVERGED,
        layers=by_layer(head, steps, t[::50], shares),
        batches=same_batch(steps, at, reach),
        events=(Event(broke, EventKind.ALARM, "The loss is not finite."),),
        alarms=(alarm_of(broke, tuple(name for name, _, _ in CNN_LAYERS)),),
        snapshots=(-1, 0, 1023, 4303),
    )


@cache
def gan() -> Recording:
    """Two optimizers in one loop; the second is stepped at every second call only."""
    rng, T = np.random.default_rng(3), 1_500
    t = np.arange(T)
    layers = (("critic.0", "Linear", 8_000), ("critic.2", "Linear", 100), ("maker.0", "Linear", 12_000))
    options = {"betas": (0.5, 0.999)}
    head = header(
        "gan", layers, ("Adam", "RMSprop"), ((0, {"lr": 4e-4, **options}), (1, {"lr": 1e-4})), (0, 0, 1), model="GAN"
    )
    loss = 1.4 * np.exp(0.2 * rng.normal(size=T))
    norms = np.stack([0.3 + 0 * t, 0.9 + 0 * t], axis=1)
    steps = series(loss, np.stack([4e-4 + 0 * t, 1e-4 + 0 * t], axis=1), norms, 0.01 * norms, 6.0, 0.4)
    steps.updates[1::2, 1] = 0
    steps.measured[1::2, 1] = False
    shares = np.array([[0.8, 0.2, 1.0]] * 3)
    return recording(
        head,
        steps,
        Outcome.STALLED,
        layers=by_layer(head, steps, t[::50], shares),
    )


@cache
def accumulating() -> Recording:
    """Four calls to an update, no closure; the norms of the other three are not measured."""
    T = 400
    steps = series(np.linspace(2, 1, T), 0.1, np.full(T, 0.5), np.full(T, 0.05), 10.0, 1.0)
    away = np.arange(T) % 4 != 3
    steps.updates[away] = 0
    steps.measured[away] = False
    return recording(header("accumulating", MLP_LAYERS, model="MLP"), steps, Outcome.DESCENDING)


@cache
def without_closure() -> Recording:
    """The well-behaved loop as it is with two lines: no closure, so nothing was measured on the same batch."""
    full = well_behaved()
    return ended(replace(full, batches=no_rows(3, 1)[1]), Outcome.DESCENDING)


@cache
def killed() -> Recording:
    """A process that was killed at step 700: no summary."""
    return replace(_only(well_behaved(), lambda step: step < 700), summary=None, snapshots=(-1, 0, 1, 3, 7, 511))


@cache
def empty() -> Recording:
    """A watch without a single step."""
    none = _only(well_behaved(), lambda step: step < 0)
    return ended(replace(none, logged={}, events=(), snapshots=()), Outcome.ENDED, Cost(0.0, {}, 0.0))


@cache
def nan_data() -> Recording:
    """A NaN in the data: everything is NaN from the first step on."""
    T = 20
    gone = np.full(T, np.nan)
    steps = series(gone, 0.1, gone, gone, gone, 1.0)
    flight = Flight(np.arange(1), gone[:1], *(np.full((1, 3), np.nan),) * 3, np.ones((1, 3), bool), np.ones(1, bool))
    alarm = Alarm(0, Trigger.LOSS_NOT_FINITE, None, "loss", 0, None, None, None, (), flight, -1)
    return recording(header("broken", MLP_LAYERS, model="MLP"), steps, Outcome.DIVERGED, alarms=(alarm,))


@cache
def gap() -> Recording:
    """A full disk: steps 500 to 899 are missing, and the record says so."""
    event = Event(500, EventKind.GAP, "Steps 500 to 899 were not written: the disk was full.")
    kept = _only(well_behaved(), lambda step: (step < 500) | (step >= 900))
    return ended(replace(kept, events=(event,)), Outcome.DESCENDING)


def _only(full: Recording, kept: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Recording:
    """What was recorded at some steps only."""

    def rows(one: Any) -> Any:
        return replace(one, **{f.name: getattr(one, f.name)[kept(one.step)] for f in fields(one)})

    return replace(
        full,
        **{name: rows(getattr(full, name)) for name in ("steps", "layers", "batches", "parts", "effective")},
        logged={name: rows(series) for name, series in full.logged.items()},
    )


CATALOGUE: Mapping[str, Callable[[], Recording]] = {
    made.__name__: made
    for made in (
        well_behaved, plain_descent, diverging, gan, accumulating, without_closure, killed, empty, nan_data, gap,
    )
}  # fmt: skip
