"""Curvature, and what it allows: sharpness, spectrum, trace, and the stability limits of the optimizers."""

from fallline._curvature._limits import Limit, frozen_limit, provable_limit
from fallline._curvature._preconditioner import preconditioner
from fallline._curvature._sharpness import sharpness
from fallline._curvature._spectrum import spectrum
from fallline._curvature._stability import stability_limit
from fallline._curvature._trace import trace
from fallline._curvature._tracker import SharpnessTracker, track_sharpness

__all__ = [
    "Limit",
    "SharpnessTracker",
    "frozen_limit",
    "preconditioner",
    "provable_limit",
    "sharpness",
    "spectrum",
    "stability_limit",
    "trace",
    "track_sharpness",
]
