"""How often a random direction goes downhill, and how far."""

import math
from dataclasses import dataclass

import numpy as np

from fallline._loss_function import LossFunction
from fallline._records import Floats

TRIED = 10_000
SHORT = 1e-4
"""Length of a short step, as a part of the gradient's own good step: nearly straight ground."""


@dataclass(frozen=True)
class Directions:
    """Real steps of one length in random directions, beside a step of this length against the gradient."""

    tried: int
    downhill_share: float
    """The part of short steps that lowered the loss."""
    mean_part: float
    """What a short step wins on average, if uphill ones are taken back, as a part of what the gradient wins."""
    expected_part: float
    """The same on straight ground: see :func:`expected_part`."""
    long_downhill_share: float
    """The part of steps as long as the gradient's own good step that lowered the loss."""


def expected_part(parameters: int) -> float:
    """E[max(0, u·e)] for a direction u that is uniform on the sphere in P dimensions: Γ(P/2) / (2√π Γ((P+1)/2)).

    Half of E|u₁|, from the Beta law of u₁² (Muller 1959); close to 0.4/√P.

    >>> round(expected_part(2), 4), round(expected_part(100), 4)
    (0.3183, 0.04)
    """
    return math.exp(math.lgamma(parameters / 2) - math.lgamma((parameters + 1) / 2)) / (2 * math.sqrt(math.pi))


def random_directions(
    objective: LossFunction, start: Floats, rate: float, *, seed: int, tried: int = TRIED
) -> Directions:
    """Try steps from ``start`` [P]; ``rate`` times the gradient is the good step whose length they are measured by."""
    rng = np.random.default_rng(seed)
    slope = objective.gradient(start[None])[0]
    length = rate * float(np.linalg.norm(slope))
    ways = rng.standard_normal((tried, len(start)))
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    here = np.broadcast_to(start, ways.shape)
    with np.errstate(all="ignore"):
        short = objective.change(here, start + SHORT * length * ways)
        best = float(objective.change(start[None], (start - SHORT * rate * slope)[None])[0])
        long = objective.change(here, start + length * ways)
        return Directions(
            tried=tried,
            downhill_share=float(np.mean(short < 0)),
            mean_part=float(np.mean(np.minimum(short, 0.0)) / best),
            expected_part=expected_part(len(start)),
            long_downhill_share=float(np.mean(long < 0)),
        )
