"""Which minimum a descent ends in: one definition, the square of starts, and the minima themselves."""

from fallline._basins._ends import FAR, Ended, ended_in
from fallline._basins._minima import FLAT, SAME, as_low, minima_of, sharpest_limit
from fallline._basins._settling import settled
from fallline._basins._squares import Square, square_of

__all__ = [
    "FAR",
    "FLAT",
    "SAME",
    "Ended",
    "Square",
    "as_low",
    "ended_in",
    "minima_of",
    "settled",
    "sharpest_limit",
    "square_of",
]
