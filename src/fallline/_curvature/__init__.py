"""Curvature, and what it allows: stability limits of the optimizers."""

from fallline._curvature._limits import Limit, frozen_limit, provable_limit
from fallline._curvature._preconditioner import preconditioner

__all__ = ["Limit", "frozen_limit", "preconditioner", "provable_limit"]
