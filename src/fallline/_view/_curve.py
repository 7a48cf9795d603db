"""A loss of one parameter: no plane to look down on, but the curve L(w) itself, with the path on it.

The picture's two coordinates are the parameter and the loss, so a point of the path is (θₜ, L(θₜ)).
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fallline._loss_function import LossFunction
from fallline._planes import Plane
from fallline._records import Floats
from fallline._surface import stacked_loss
from fallline._view._path import Path
from fallline._view._rounding import significant, within
from fallline._view._windows import Window

Steps = NDArray[np.int64]
KIND = "curve"

_SAMPLES = 301
_BELOW, _ABOVE = 0.08, 0.12  # of the height that is shown: free below the lowest loss and above the start


def curve_plane(name: str) -> Plane:
    """The parameter's axis as a plane whose second direction leads nowhere: terminals draw stripes of it."""
    return Plane(KIND, np.zeros(1), np.array([[1.0], [0.0]]), (name, "loss"), "", 1.0)


def on_curve(vectors: Floats, losses: Floats) -> Floats:
    """[n, 2] parameter and loss of points [n, 1]."""
    return np.column_stack([vectors[:, 0], losses])


def uphill_on_curve(gradient: Floats) -> Floats:
    """[n, 2] the direction of the tangent that climbs, of length one; zero where the ground is level."""
    slope = gradient[:, 0]
    with np.errstate(all="ignore"):
        length = np.hypot(1.0, slope)
        along = np.column_stack([np.sign(slope) / length, np.abs(slope) / length])
    return np.where(np.isfinite(along), along, 0.0)


def draw_curves(path: Path, objective: LossFunction, windows: list[Window], cuts: list[float]) -> dict[str, Any]:
    """The payload's ``windows``, ``color`` and ``bowls`` of a loss of one parameter.

    Args:
        cuts: the loss up to which each window shows the curve.
    """
    return {
        "windows": [_payload(window, objective, cut) for window, cut in zip(windows, cuts, strict=True)],
        "color": {"top": path.start_excess, "bottom": path.start_excess / 4**6},
        "bowls": [],
    }


def curve_trail(path: Path, objective: LossFunction) -> list[list[float] | None]:
    """The payload's ``trail`` on the curve: every point of the path, None where it is not finite."""
    places = on_curve(path.vectors, stacked_loss(objective, path.vectors))
    return [point.tolist() if np.isfinite(point).all() else None for point in significant(places, 9)]


def _payload(window: Window, objective: LossFunction, cut: float) -> dict[str, Any]:
    x = np.linspace(*window.x, _SAMPLES)
    loss = stacked_loss(objective, x[:, None])
    finite = loss[np.isfinite(loss)]
    low = float(finite.min(initial=cut))
    height = max(cut - low, abs(cut) * 1e-9, float(np.finfo(np.float64).tiny))
    y = (low - _BELOW * height, cut + _ABOVE * height)
    shown = replace(window, y=y)
    return {
        "id": shown.id,
        "x": list(shown.x),
        "y": list(shown.y),
        "labels": list(shown.labels),
        "transform": None,
        "equal": False,
        "stretch": shown.stretch,
        "magnification": shown.magnification,
        "levels": [],
        "curve": {
            "x": within(x, np.array(x[0]), np.array(x[-1])).tolist(),
            "loss": within(loss, np.array(y[0]), np.array(y[1])).tolist(),
        },
    }
