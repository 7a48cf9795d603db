"""Curvature, and what it allows: sharpness, spectrum, trace, and the stability limits of the optimizers."""

from fallline._curvature._limits import Limit, frozen_limit, provable_limit, threshold
from fallline._curvature._operator import NotFiniteError
from fallline._curvature._preconditioner import preconditioner
from fallline._curvature._sharpness import sharpness
from fallline._curvature._spectrum import spectrum
from fallline._curvature._stability import present_parameters, stability_limit
from fallline._curvature._trace import trace
from fallline._curvature._tracker import SharpnessTracker, track_sharpness
from fallline._curvature._whole import curvature

__all__ = [
    "Limit",
    "NotFiniteError",
    "SharpnessTracker",
    "curvature",
    "frozen_limit",
    "preconditioner",
    "present_parameters",
    "provable_limit",
    "sharpness",
    "spectrum",
    "stability_limit",
    "threshold",
    "trace",
    "track_sharpness",
]
