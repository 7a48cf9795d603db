"""A linear model's mean squared error, exactly, from its moments."""

from fallline._quadratic._quadratic import Quadratic

__all__ = ["Quadratic"]
