"""The ramp itself: the rate raised batch by batch until the loss explodes."""

from collections.abc import Callable

import numpy as np
import torch

from fallline._ramp._smooth import Smoother
from fallline._ramp._training import Training
from fallline._records import Floats, RampEnd, RampPass

IN_A_ROW = 3
"""So many losses that are not finite end a pass; a single one may be a bad batch."""
Tick = Callable[[float], None]
"""Called with the loss of each update."""


def ramp_once(training: Training, rates: Floats, seed: int, tick: Tick) -> RampPass:
    """One pass from the start through the rates [S]."""
    attempt = training.start(seed)
    smoother = Smoother()
    losses: list[float] = []
    means: list[float] = []
    ended = RampEnd.HIGHEST_RATE
    for rate in rates.tolist():
        losses.append(attempt.step(rate))
        means.append(smoother.add(losses[-1]))
        tick(losses[-1])
        if smoother.exploded(means[-1]):
            ended = RampEnd.EXPLODED
            break
        if len(losses) >= IN_A_ROW and not np.isfinite(losses[-IN_A_ROW:]).any():
            ended = RampEnd.NOT_FINITE
            break
    return RampPass(seed, np.array(losses), np.array(means), still(training, len(losses), seed), ended)


def still(training: Training, count: int, seed: int) -> Floats:
    """[count] the losses of the batches of that pass where nothing is trained."""
    attempt = training.start(seed)
    with torch.no_grad():
        return np.array([float(training.loss(next(attempt.batches)[0])) for _ in range(count)])
