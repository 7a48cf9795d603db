"""Short real runs at one rate: what the answer rests on."""

from collections.abc import Mapping, Sequence

import numpy as np

from fallline._objective._batches import Batch
from fallline._ramp._passes import Tick
from fallline._ramp._smooth import ROUNDING
from fallline._ramp._training import Training
from fallline._records import RampTrial


def run_trial(
    training: Training, name: str, rate: float, steps: int, held: Mapping[int, Sequence[Batch]], tick: Tick
) -> RampTrial:
    """Every seed from the start, ``steps`` updates at ``rate``.

    Args:
        held: for each seed the batches on which it is told whether the run descended.
    """
    losses, before, after = [], [], []
    for seed, batches in held.items():
        attempt = training.start(seed)
        before.append(attempt.level(batches, seed))
        attempt = training.start(seed)  # looking may have moved running statistics
        run: list[float] = []
        while len(run) < steps and (not run or np.isfinite(run[-1])):
            run.append(attempt.step(rate))
            tick(run[-1])
        after.append(attempt.level(batches, seed))
        losses.append(np.array(run))
    return RampTrial(
        name, rate, tuple(losses), np.array(before), np.array(after), descends(np.array(before), np.array(after))
    )


def descends(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether every run ended finite and lower, by more than rounding.

    >>> descends(np.array([1.0, 1.0]), np.array([0.5, 1.0])), descends(np.array([1.0]), np.array([0.5]))
    (False, True)
    """
    with np.errstate(all="ignore"):
        return bool(np.all(np.isfinite(after) & (after < before - ROUNDING * np.abs(before))))
