"""An autograd graph with the numbers of one run."""

from fallline._backprop._backprop import backprop

__all__ = ["backprop"]
