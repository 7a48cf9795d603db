"""The loss on a plane: one value per cell of a grid.

Values are ``[row = second axis, column = first axis]``: ``loss[r, c]`` is the loss at ``(x[c], y[r])``.
"""

from fallline._surface._cells import refuse_too_many
from fallline._surface._grid import LOCAL_ERROR, Grid, grid_loss, plane_loss, smooth_grid_loss, stacked_loss
from fallline._surface._measure import surface

__all__ = [
    "LOCAL_ERROR",
    "Grid",
    "grid_loss",
    "plane_loss",
    "refuse_too_many",
    "smooth_grid_loss",
    "stacked_loss",
    "surface",
]
