"""How far a result may be off by all roundings on its way.

Each operation rounds its output by up to ε/2 of its size, and the gradient that arrives there says what that does to
the result: to first order the result is off by at most Σ |gradient| · |value| · ε (Linnainmaa 1976). So does every leaf
when it is moved. From outside this may not show: ``log(x² + 0.1)`` at 1e-10 does not change at all while x does.
"""

from math import isfinite

import torch

from fallline._backprop._inner import wide
from fallline._backprop._probe import FAILURES, CannotCompareError, Probe
from fallline._backprop._watched_run import Run


def rounding_of(probe: Probe) -> float:
    """The bound, absolutely; 0 where the run could not be watched.

    It rests on the gradients of the backward pass that is being checked, which may be wrong: but a gradient that is
    too large by a factor makes the bound larger by the same one, which is 1e-16 of what it makes the difference.

    Args:
        probe: the function at its point.
    """
    try:
        run = Run(probe, {})
        arrivals = run.gradients()
    except (CannotCompareError, *FAILURES):
        return 0.0
    bound = 0.0
    for (node, output), value in run.values.items():
        arrived = arrivals.at.get(node, ())
        gradient = arrived[output] if output < len(arrived) else None
        if gradient is None or gradient.shape != value.shape or gradient.layout is not torch.strided:
            continue
        bound += _product(gradient, value)
    return bound * run.epsilon


def _product(gradient: torch.Tensor, value: torch.Tensor) -> float:
    """Σ |gradient| · |value|, of the finite ones."""
    own = float((wide(gradient).abs() * wide(value).abs()).nan_to_num(0.0, 0.0, 0.0).sum())
    return own if isfinite(own) else 0.0
