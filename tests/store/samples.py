"""Records to store: every field filled, with the values that are easily lost."""

import math
from dataclasses import fields

import numpy as np

from fallline._records import Columns, Header, Moments, Outcome, Run, Sample, Scaling, Summary

# A quiet NaN with a payload, a signalling one, both zeros, the smallest subnormal, the largest number.
ODD_BITS = (
    0x7FF8_0000_0000_BEEF, 0xFFF0_0000_0000_0001, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000,
    0x8000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0000_0000_0000_0001, 0x7FEF_FFFF_FFFF_FFFF,
)  # fmt: skip


def header(parameters: int = 2, **changes: object) -> Header:
    names = ("w", "b") if parameters == 2 else (*(f"w_{i}" for i in range(parameters - 1)), "b")
    values: dict[str, object] = {
        "name": "line",
        "source": "line(slope=2, intercept=1)",
        "source_hash": "sha256:00",
        "rows": 100,
        "target": "y",
        "features": tuple(f"x_{i}" for i in range(parameters - 1)),
        "parameter_names": names,
        "loss": "mse",
        "optimizer": "Adam",
        "optimizer_options": {"betas": (0.9, 0.999), "eps": math.inf, "foreach": None, "amsgrad": False},
        "learning_rate": 0.01,
        "learning_rate_reason": "",
        "schedule": "",
        "epochs": 200,
        "batch_size": 100,
        "seed": 0,
        "dtype": "float32",
        "scaling": Scaling((0.0,) * (parameters - 1), (1.0,) * (parameters - 1)),
        "start": (0.1,) * (parameters - 1) + (-math.inf,),
        "start_loss": math.inf,
        "versions": {"fallline": "0.1.0", "torch": "2.13.0"},
        "started": "2025-11-21T13:00:00Z",
        "notes": ("NaN", "2 rows were dropped"),
    }
    return Header(**(values | changes))


def sample(parameters: int = 2) -> Sample:
    x = np.arange(10.0 * (parameters - 1)).reshape(10, parameters - 1)
    return Sample(x, x.sum(axis=1), complete=True)


def moments(parameters: int = 2) -> Moments:
    return Moments(np.diag(np.arange(1.0, parameters + 1)), np.full(parameters, 0.5), 0.25)


def summary(**changes: object) -> Summary:
    values: dict[str, object] = {
        "outcome": Outcome.DIVERGED,
        "learned": {"w": math.inf, "b": 1.0},
        "exact": None,
        "first_loss": 145.0,
        "last_loss": math.inf,
        "best_loss": 0.25,
        "stability_limit": 0.0292,
        "limit_kind": "provable",
        "share_of_limit": -math.inf,
        "condition_number": 138.0,
        "sharpness": 68.0,
        "flattest": None,
        "raw_condition_number": None,
        "raw_stability_limit": None,
        "raw_steps": None,
        "steps_to_finish": 12,
        "separable": False,
        "seconds": 0.5,
    }
    return Summary(**(values | changes))


def columns(first: int, stop: int, parameters: int = 2) -> Columns:
    """Steps ``first`` to ``stop``: any two calls agree on the steps they share, odd bits among them."""
    steps = np.arange(first, stop, dtype=np.float64)
    odd = np.array(ODD_BITS, dtype=np.uint64).view(np.float64)

    def some(salt: int) -> np.ndarray:
        values = np.sin(steps * salt + salt)
        return np.where(steps % 7 == salt % 7, odd[(steps.astype(int) + salt) % len(odd)], values)

    def wide(salt: int) -> np.ndarray:
        return np.stack([some(salt + column) for column in range(parameters)], axis=1)

    return Columns(
        epoch=steps // 3,
        learning_rate=some(1),
        loss=some(2),
        real_change=some(3),
        first_order_change=some(4),
        reach=some(5),
        reach_measured=steps % 5 != 0,
        full_loss=some(6),
        full_loss_measured=steps % 3 == 2,
        gradient=wide(8),
        parameters=wide(20),
    )


def bits(block: Columns) -> dict[str, bytes]:
    """Every field of ``block`` as raw bytes: equal means equal bit by bit."""
    return {field.name: getattr(block, field.name).tobytes() for field in fields(block)}


def run(steps: int = 6, parameters: int = 2) -> Run:
    return Run(header(parameters), columns(0, steps, parameters), sample(parameters), None, None)
