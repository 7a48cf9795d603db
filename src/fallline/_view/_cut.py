"""What the page of a loss surface is given: the live picture on its plane, the honesty panel, the losses to be read."""

from typing import Any

import numpy as np

from fallline._explain import honesty, surface_lines, surface_title
from fallline._records import Surface
from fallline._view._cut_live import live_payload
from fallline._view._rounding import significant

SCHEMA = "fallline.surface-view/2"
_DIGITS = 4
"""Of a loss under the pointer."""


def build_surface_payload(surface: Surface) -> dict[str, Any]:
    """The payload; NaN and ±inf are floats here, ``to_json`` writes them as strings."""
    return {
        "schema": SCHEMA,
        "title": surface_title(surface),
        "x": [float(surface.x[0]), float(surface.x[-1])],
        "y": [float(surface.y[0]), float(surface.y[-1])],
        "loss": _losses(surface),
        "sentences": honesty(surface),
        "words": surface_lines(surface)[-1].removeprefix("loss").strip(),
        "not_finite": surface.not_finite,
        "unseen": int((~surface.known).sum()),
        "live": live_payload(surface),
    }


def _losses(surface: Surface) -> list[list[float | None]]:
    """[ny][nx]; None where nothing was evaluated."""
    rounded = significant(np.asarray(surface.loss), _DIGITS)
    return [
        [float(value) if known else None for value, known in zip(*row, strict=True)]
        for row in zip(rounded, surface.known, strict=True)
    ]
