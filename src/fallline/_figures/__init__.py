"""``fl.figures``: a result in, a Plotly figure out. Nothing here computes a loss, and nothing is shown by itself."""

from fallline._figures._curves import loss_curves
from fallline._figures._zones import zones

__all__ = ["loss_curves", "zones"]
