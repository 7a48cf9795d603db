"""Random samples whose step back is the derivative at a fixed quantile, and not of what the generator does.

A sample of a gamma or a Dirichlet distribution is drawn by rejection: where the parameter moves, another proposal is
taken, and the sample jumps. PyTorch differentiates the sample at which the distribution function stays what it is
(implicit reparameterisation; Figurnov, Mohamed and Mnih 2018). Beta, chi-squared and Student's t are made of these two.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from fallline._backprop._stand_ins import Hold, StandIn

GAMMA: Final = "_standard_gamma"
DIRICHLET: Final = "_sample_dirichlet"
"""Runs inside of an ``autograd.Function`` of PyTorch's own, which autograd does not look into."""
FUNCTION: Final = "_Dirichlet"
"""Name of that function."""
NAMES: Final[Mapping[str, str]] = {GAMMA: "standard_gamma", DIRICHLET: "Dirichlet", FUNCTION: "Dirichlet"}


def sampled(op: str) -> str | None:
    """The sentence about such a sample; None of other operations.

    Args:
        op: the operation, without namespace.
    """
    if op not in NAMES:
        return None
    return (
        f"{NAMES[op]} draws by rejection: where its parameter moves, the sample jumps. PyTorch's gradient is that of "
        "the sample at a fixed quantile (implicit reparameterisation), on purpose, and the check takes it from PyTorch."
    )


def _gamma(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    plain = given["self"].detach()
    before = hold("self", plain)
    sample = func(**dict(given) | {"self": before})
    return sample + torch._standard_gamma_grad(before, sample) * (plain - before)


def _dirichlet(func: Callable[..., Any], given: Mapping[str, Any], hold: Hold) -> Any:
    plain = given["self"].detach()
    before = hold("self", plain)
    sample = func(**dict(given) | {"self": before})
    total = before.sum(-1, keepdim=True).expand_as(before)
    moved = torch._dirichlet_grad(sample, before, total) * (plain - before)
    return sample + moved - sample * moved.sum(-1, keepdim=True)


SAMPLED: Final[Mapping[str, StandIn]] = {GAMMA: _gamma, DIRICHLET: _dirichlet}
