"""Where each tensor of the parameters lies in the flat vector, and what it is for."""

from dataclasses import dataclass
from typing import Final, Literal

from torch import nn

Role = Literal["weight", "bias", "norm"]

NORMS: Final = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)


@dataclass(frozen=True)
class ParameterPart:
    """One tensor of the parameters: entries ``begin`` to before ``end`` of the flat vector [P]."""

    name: str
    shape: tuple[int, ...]
    begin: int
    end: int
    role: Role
    """``norm`` belongs to a normalisation layer; ``bias`` is one by its name; everything else is a ``weight``."""


def layout_of(model: nn.Module, names: list[str], parameters: list[nn.Parameter]) -> tuple[ParameterPart, ...]:
    """The parts of the flat vector, in order."""
    parts, begin = [], 0
    for name, parameter in zip(names, parameters, strict=True):
        end = begin + parameter.numel()
        parts.append(ParameterPart(name, tuple(parameter.shape), begin, end, role_of(model, name)))
        begin = end
    return tuple(parts)


def role_of(model: nn.Module, name: str) -> Role:
    """What the parameter of this name is for.

    >>> role_of(nn.Linear(2, 1), "bias")
    'bias'
    >>> role_of(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), "1.weight")
    'norm'
    """
    path = name.split(".")
    owners = [model.get_submodule(".".join(path[:depth])) for depth in range(len(path))]
    if any(isinstance(owner, NORMS) or type(owner).__name__.lower().endswith("norm") for owner in owners[1:] or owners):
        return "norm"
    # a parametrised bias is called parametrizations.bias.original
    return "bias" if any("bias" in step for step in (path[-1], *path[-2:-1])) else "weight"
