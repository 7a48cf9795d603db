"""Recordings to store: every series filled, with the values that are easily lost."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np

import recording_parts
from fallline._records import (
    PARTS,
    Alarm,
    Cause,
    Cost,
    EffectiveSeries,
    Event,
    EventKind,
    Evidence,
    Flight,
    LayerSeries,
    Logged,
    Outcome,
    PartSeries,
    Recording,
    RecordingHeader,
    RecordingSummary,
    SameBatchSeries,
    SharpnessSeries,
    Snapshot,
    StepSeries,
    Trigger,
)
from fallline._store import RecordingWriter
from store.samples import ODD_BITS

ODD = np.array(ODD_BITS, dtype=np.uint64).view(np.float64)
SERIES = ("steps", "layers", "batches", "parts", "effective", "sharpness")


def header(**changes: object) -> RecordingHeader:
    """Two optimizers, three groups, two layers of 3 × 2 and 4 numbers."""
    made = recording_parts.header(
        "net", (("0", "Linear", 6), ("1", "Linear", 4)), ("SGD", "Adam"),
        ((0, {"lr": 0.1}), (0, {"lr": float("inf")}), (1, {"lr": 1e-3, "betas": (0.9, 0.999)})), (0, 1),
    )  # fmt: skip
    first, second = made.parameters
    return replace(made, parameters=(replace(first, shape=(3, 2)), second), **changes)


def numbers(step: np.ndarray, *shape: int, salt: int = 0) -> np.ndarray:
    """[rows, *shape]: any two calls agree on the steps they share; every third row is odd, every fifth float32."""
    values = np.sin(np.multiply.outer(step + 1.0, 1.0 + salt + np.arange(np.prod(shape, dtype=int))))
    values = np.where((step % 5 == salt % 5)[:, None], values.astype(np.float32), values)
    odd = ODD[(step + salt) % len(ODD)]
    return np.where((step % 3 == salt % 3)[:, None], odd[:, None], values).reshape(len(step), *shape)


def flags(step: np.ndarray, *shape: int, salt: int = 0) -> np.ndarray:
    rows = np.add.outer(step + salt, np.arange(np.prod(shape, dtype=int))) % 4 != 0
    return rows.reshape(len(step), *shape)


def steps(first: int, stop: int) -> StepSeries:
    step = np.arange(first, stop)
    return StepSeries(
        step=step, seconds=step * 0.001, loss=numbers(step), loss_measured=flags(step),
        learning_rate=numbers(step, 3, salt=1), updates=np.stack([step % 3, step * 2**33], axis=1),
        gradient_norm=numbers(step, 2, salt=2), update_norm=numbers(step, 2, salt=3),
        parameter_norm=np.ones((len(step), 2)), first_order_change=numbers(step, 2, salt=4),
        measured=flags(step, 2),
    )  # fmt: skip


def layers(first: int, stop: int) -> LayerSeries:
    step = np.arange(first, stop)
    return LayerSeries(step, *(numbers(step, 2, salt=k) for k in range(4)), flags(step, 2))


def batches(first: int, stop: int) -> SameBatchSeries:
    step = np.arange(first, stop)
    return SameBatchSeries(step, *(numbers(step, salt=k) for k in range(6)), *(flags(step, salt=k) for k in range(3)))


def parts(first: int, stop: int) -> PartSeries:
    step = np.arange(first, stop)
    return PartSeries(step, *(numbers(step, 2, len(PARTS), salt=k) for k in range(2)), flags(step, 2))


def effective(first: int, stop: int) -> EffectiveSeries:
    step = np.arange(first, stop)
    return EffectiveSeries(step, numbers(step, 2), flags(step, 2))


def sharpness(first: int, stop: int) -> SharpnessSeries:
    step = np.arange(first, stop)
    value, error, rate, limit = (numbers(step, salt=k) for k in range(4))
    first_flag, second_flag, third_flag, fourth_flag = (flags(step, salt=k) for k in range(4))
    return SharpnessSeries(
        step, value, error, step % 11, first_flag, second_flag, rate, limit, third_flag, fourth_flag
    )  # fmt: skip


def all_series(first: int, stop: int) -> tuple[object, ...]:
    made = (steps, layers, batches, parts, effective, sharpness)
    return tuple(series(first, stop) for series in made)


def logged(first: int, stop: int, name: str = "accuracy") -> list[Logged]:
    step = np.arange(first, stop)
    return [Logged(name, int(k), float(value)) for k, value in zip(step, numbers(step, salt=7), strict=True)]


def snapshot(step: int) -> Snapshot:
    return Snapshot(step, np.frombuffer(parameters(step).astype("<f4").tobytes(), np.uint8))


def parameters(step: int) -> np.ndarray:
    return (np.arange(10) + step * 0.5).astype(np.float32)


def event(step: int, text: str = "a note") -> Event:
    return Event(step, EventKind.NOTE, text)


def alarm(step: int) -> Alarm:
    at = np.arange(max(0, step - 5), step + 1)
    flight = Flight(at, numbers(at), *(numbers(at, 2, salt=k) for k in range(3)), flags(at, 2), flags(at, salt=1))
    evidence = (Evidence(Cause.BAD_BATCH, None, "not measured"), Evidence(Cause.EXPLODING_LAYER, True, "3×"))
    return Alarm(
        step, Trigger.LOSS_NOT_FINITE, "1", "gradient", step - 1, float("inf"), None, None, evidence, flight, None
    )


def summary(**changes: object) -> RecordingSummary:
    made = RecordingSummary(
        Outcome.DIVERGED, "It diverged.", 30, 2.0, float("inf"), None, Cost(0.1, {"layers": 0.1}, 2.0)
    )
    return replace(made, **changes)


def bits(record: object) -> dict[str, tuple[object, ...]]:
    """Every array of a series as raw bytes, with its shape and type: equal means equal bit by bit."""
    arrays = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: (array.shape, array.dtype, array.tobytes()) for name, array in arrays.items()}


def same(record: object, expected: object) -> bool:
    return bits(record) == bits(expected)


def make(path: Path, count: int = 30, *, finish: bool = True) -> Path:
    """A recording of ``count`` steps with everything in it."""
    with RecordingWriter.create(path, header()) as writer:
        writer.append(*all_series(0, count), *logged(0, count), snapshot(-1), snapshot(count // 2), event(3), alarm(7))
        if finish:
            writer.finish(summary())
    return path


def expect(recording: Recording, count: int) -> None:
    """The series hold exactly the steps 0 … count − 1."""
    for name, expected in zip(SERIES, all_series(0, count), strict=True):
        assert same(getattr(recording, name), expected), name
