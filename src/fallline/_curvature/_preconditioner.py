"""The diagonal preconditioner P of an adaptive optimizer as it stands: Δθ = −η P⁻¹ m."""

from collections.abc import Mapping
from typing import Any

import torch

from fallline._records import Floats
from fallline._vectors import flatten


def preconditioner(optimizer: torch.optim.Optimizer) -> Floats | None:
    """P [P] of RMSprop, Adam or AdamW, None for other optimizers or before their first step.

    RMSprop: √v + ε. Adam: (1 − β₁ᵗ)(√(v/(1 − β₂ᵗ)) + ε), so that the bias correction of m is part of P.
    """
    group = optimizer.param_groups[0]
    states = [optimizer.state[parameter] for parameter in group["params"] if parameter in optimizer.state]
    if isinstance(optimizer, torch.optim.RMSprop):
        parts = [_rms(state, group) for state in states]
    elif isinstance(optimizer, torch.optim.Adam):  # AdamW is a subclass of it
        parts = [_adam(state, group) for state in states]
    else:
        return None
    return flatten(parts).double().numpy() if parts else None


def tensor_preconditioner(name: str, state: Mapping[str, Any], group: Mapping[str, Any]) -> torch.Tensor:
    """P of one tensor, in its shape and in float64, from its state; ``name`` is RMSprop, Adam or AdamW."""
    return _rms(state, group) if name == "RMSprop" else _adam(state, group)


def _rms(state: Mapping[str, Any], group: Mapping[str, Any]) -> torch.Tensor:
    variance: torch.Tensor = state["square_avg"].double()
    if "grad_avg" in state:
        variance = variance - state["grad_avg"].double() ** 2
    return variance.sqrt() + float(group["eps"])


def _adam(state: Mapping[str, Any], group: Mapping[str, Any]) -> torch.Tensor:
    first, second = (float(beta) for beta in group["betas"])
    count = float(state["step"])
    root = (state["exp_avg_sq"].double() / (1 - second**count)).sqrt()
    scaled: torch.Tensor = (root + float(group["eps"])) * (1 - first**count)
    return scaled
