"""What stands in for an operation whose step back is the derivative of another function: the shape of all of these."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

Hold = Callable[[str, torch.Tensor], torch.Tensor]
"""Gives a tensor, under a name, as it was at the point."""
StandIn = Callable[[Callable[..., Any], Mapping[str, Any], Hold], Any]
"""Of the operation, its arguments by name and ``Hold``, what comes out in place of the operation's own output."""
