"""``fl.figures``: a result in, a Plotly figure out. Nothing here computes a loss, and nothing is shown by itself."""

from fallline._figures._contour import contour
from fallline._figures._curves import loss_curves
from fallline._figures._ramp import ramp
from fallline._figures._spectrum import spectrum
from fallline._figures._stability import stability
from fallline._figures._surface import surface
from fallline._figures._zones import zones

__all__ = ["contour", "loss_curves", "ramp", "spectrum", "stability", "surface", "zones"]
