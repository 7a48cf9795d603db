"""fallline: see, measure and tune gradient descent."""

__version__ = "0.1.0"
