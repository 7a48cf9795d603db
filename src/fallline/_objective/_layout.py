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
    """``norm`` is a normalisation layer's own; ``bias`` is one by its name; everything else is a ``weight``."""


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
    steps = path.index("parametrizations") if "parametrizations" in path else len(path) - 1
    owner = model.get_submodule(".".join(path[:steps]))  # whose own parameter it is: PreNorm(Linear) holds a Linear
    if isinstance(owner, NORMS) or (_is_called_norm(owner) and _has_one_axis(model.get_parameter(name))):
        return "norm"
    # a parametrised bias is called parametrizations.bias.original
    return "bias" if any("bias" in step for step in (path[-1], *path[-2:-1])) else "weight"


def _is_called_norm(owner: nn.Module) -> bool:
    """A normalisation layer of somebody's own, by its name; with weights inside of it, it is a wrapper of others."""
    named = type(owner).__name__.lower().endswith("norm")
    return named and not any(list(child.parameters()) for child in owner.children())


def _has_one_axis(parameter: nn.Parameter) -> bool:
    """A scale or a shift for each channel; [C, 1, 1] is one as well."""
    return sum(size > 1 for size in parameter.shape) <= 1
