"""Plain descent on the exact quadratic by its own formula: for a picture that the next one soon replaces."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from fallline._descent import RateChanges
from fallline._quadratic import Quadratic
from fallline._records import Floats, Step

BLOCK_STEPS = 1024
"""Steps that are made before any of them is handed on."""


def plain_rates(
    optimizer: torch.optim.Optimizer, scheduler: torch.optim.lr_scheduler.LRScheduler | None, steps: int
) -> list[float] | None:
    """The rate of each step; None where a step is not θ − η·gradient and nothing else.

    >>> parameter = torch.nn.Parameter(torch.zeros(1))
    >>> plain_rates(torch.optim.SGD([parameter], lr=0.5), None, 2)
    [0.5, 0.5]
    >>> plain_rates(torch.optim.SGD([parameter], lr=0.5, momentum=0.9), None, 2) is None
    True
    """
    group = optimizer.param_groups[0]
    if type(optimizer) is not torch.optim.SGD or any(group[key] for key in ("momentum", "weight_decay", "maximize")):
        return None
    changes = scheduler.changes if isinstance(scheduler, RateChanges) else {}
    if scheduler is not None and not isinstance(scheduler, RateChanges):
        return None
    rate, rates = float(group["lr"]), []
    for step in range(steps):
        rate = changes.get(step, rate)
        rates.append(rate)
    return rates


def descend_plainly(start: Floats, quadratic: Quadratic, rates: Sequence[float], dtype: str) -> Iterator[Step]:
    """θ − η·H(θ − θ*), one :class:`Step` for each rate, without an optimizer.

    As :func:`fallline._fit._moments_engine.descend_moments` with SGD, at a tenth of its cost: slope, rate and
    parameters are rounded to the dtype where it rounds them.

    Args:
        start: [P], representable in the dtype.

    >>> quadratic = Quadratic.from_data([[-1.0], [1.0]], [-1.0, 1.0])
    >>> [round(step.loss, 12) for step in descend_plainly(np.array([3.0, 0.0]), quadratic, [0.25, 0.25], "float64")]
    [4.0, 1.0]
    """
    P = len(start)
    here = np.array(start, dtype=np.float64)
    for first in range(0, len(rates), BLOCK_STEPS):
        block = rates[first : first + BLOCK_STEPS]
        path, slopes = np.empty((len(block), P), dtype=dtype), np.empty((len(block), P), dtype=dtype)
        offsets = np.empty((len(block), P))
        slope = np.empty(P)
        with np.errstate(all="ignore"):  # a diverging run's NaN and infinity are data
            for k, rate in enumerate(np.array(block, dtype=dtype).astype(np.float64)):
                np.subtract(here, quadratic.optimum, out=offsets[k])
                slopes[k] = np.dot(quadratic.hessian(), offsets[k], out=slope)
                slope[:] = slopes[k]
                slope *= rate
                here -= slope
                path[k] = here
                here[:] = path[k]
            losses = (quadratic.optimum_loss + quadratic.curvature_along(offsets) / 2).astype(dtype).tolist()
        rows = zip(block, losses, slopes.tolist(), path.tolist(), strict=True)
        for step, (rate, loss, gradient, parameters) in enumerate(rows, first):
            yield Step(step, step, rate, loss, tuple(gradient), tuple(parameters))
