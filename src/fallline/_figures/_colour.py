"""How the loss of a picture is coloured: by the logarithm of what it is above the lowest loss seen.

Levels are ``lowest + Δ/4ᵏ``: on a quadratic each ring has half the radius of the one before. Colours are positions
``log₄((loss − lowest)/Δ)``, so levels lie at whole numbers.
"""

import math
from dataclasses import dataclass

import numpy as np

from fallline._explain import number, shown_losses
from fallline._records import Floats, Surface

SCALE = "Cividis"
"""Perceptual, the same for the colour-blind; dark is low."""
DEEPEST, HIGHEST = -8, 8
"""Levels below and above that of Δ that a picture has at most."""
LEAST_SHARE = 0.002
"""Of the cells: a ring that holds fewer is no ring but the lowest cell."""
MOST_TICKS = 9
NARROW = 4.0
"""A picture longer than that by this factor is stretched, and says so."""


@dataclass(frozen=True)
class LossScale:
    """From a loss to its colour."""

    lowest: float
    """The lowest loss seen: in the picture's cells or at the path's shadows."""
    span: float
    """Δ: how far above it the path's start lies, else the highest cell."""
    first: int
    """The lowest level."""
    last: int
    """The highest one."""

    def positions(self, losses: Floats) -> Floats:
        """log₄ of the excess in units of Δ, kept between the ends of the scale; NaN where a loss is not finite."""
        with np.errstate(all="ignore"):
            excess = np.maximum((losses - self.lowest) / self.span, 4.0 ** (self.first - 1))
            found = np.log(excess) / math.log(4.0)
        finite: Floats = np.where(np.isfinite(losses), np.minimum(found, self.last), np.nan)
        return finite

    def ticks(self) -> tuple[list[int], list[str]]:
        """Positions of the levels and the losses there; not more of them than can be read."""
        stride = 1 + (self.last - self.first) // MOST_TICKS
        places = list(range(self.first, self.last + 1, stride))
        return places, [number(self.lowest + self.span * 4.0**place) for place in places]


def loss_scale(surface: Surface) -> LossScale | None:
    """The scale of a picture; None where no cell is finite, or all are the same."""
    cells = shown_losses(surface)
    if not cells.size:
        return None
    shadows = np.zeros(0) if surface.path_plane_loss is None or not walks(surface) else surface.path_plane_loss
    shadows = shadows[np.isfinite(shadows)]
    lowest = float(np.min(shadows, initial=float(cells.min())))
    highest = float(cells.max())
    span = float(shadows[0]) - lowest if shadows.size else 0.0
    if not span > 0 or not math.isfinite(span):
        span = highest - lowest
    if not span > 0 or not math.isfinite(span):
        return None
    excess = np.sort(cells) - lowest
    ring = float(excess[min(excess.size - 1, math.ceil(LEAST_SHARE * excess.size))])
    first = DEEPEST if ring <= 0 else math.ceil(math.log(ring / span, 4.0))
    last = math.ceil(math.log(max(highest - lowest, span) / span, 4.0) - 1e-9)
    return LossScale(lowest, span, min(max(first, DEEPEST), last - 1), min(last, HIGHEST))


def walks(surface: Surface) -> bool:
    """True where there is a path, rather than the one point that the plane was laid through."""
    return surface.path is not None and len(surface.path) > 1


def stretched(surface: Surface) -> float | None:
    """How many times longer one axis is than the other, where equal units would squeeze the picture; else None."""
    width, height = float(np.ptp(surface.x)), float(np.ptp(surface.y))
    ratio = max(width / height, height / width)
    return ratio if ratio > NARROW else None


def caption(surface: Surface, scale: LossScale | None) -> str:
    """What the colours mean."""
    if scale is None:
        return ""
    whose = "lowest seen" if surface.complete else "lowest seen so far"
    return f"coloured by the logarithm of the loss above the {whose}, {number(scale.lowest)}"
