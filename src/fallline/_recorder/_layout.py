"""Which parameters are watched: names, layers, optimizers and groups."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from fallline._errors import OptionError
from fallline._recorder._measurable import check_measurable
from fallline._records import GroupInfo, LayerInfo, ParameterInfo

COMPILED = "_orig_mod."
"""What ``torch.compile`` puts before every name."""
SHOWN = 3
"""So many names stand in a sentence; the others are counted."""


class Held(NamedTuple):
    """One parameter as an optimizer holds it."""

    name: str
    tensor: nn.Parameter
    optimizer: int
    group: int
    """Among the groups of all optimizers."""

    @property
    def module(self) -> str:
        """The layer: the module that owns the parameter, or the parameter itself where that is the model."""
        return self.name.rpartition(".")[0] or self.name


@dataclass(frozen=True, eq=False)
class Layout:
    """The watched parameters in one fixed order: optimizer by optimizer, group by group."""

    tensors: tuple[nn.Parameter, ...]
    parameters: tuple[ParameterInfo, ...]
    layers: tuple[LayerInfo, ...]
    groups: tuple[GroupInfo, ...]
    notes: tuple[str, ...]

    def of_optimizer(self, optimizer: int) -> tuple[int, ...]:
        """The indices of the tensors that this optimizer holds."""
        return tuple(k for k, info in enumerate(self.parameters) if info.optimizer == optimizer)


def lay_out(model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> Layout:
    """Names for what the optimizers hold.

    Raises:
        OptionError: the model has no parameters, an optimizer holds none of them, or one cannot be measured.
    """
    names = parameter_names(model)
    if not names:
        raise OptionError(f"{type(model).__name__} has no parameters: there is nothing to watch.")
    groups = tuple(_groups(optimizers))
    held = tuple(_held(optimizers, names))
    _check_held(model, optimizers, held, names)
    check_measurable(model, [(one.name, one.tensor) for one in held])
    layers = _layers(held, model)
    index = {layer.name: k for k, layer in enumerate(layers)}
    return Layout(
        tensors=tuple(one.tensor for one in held),
        parameters=tuple(_parameter(one, index[one.module]) for one in held),
        layers=layers,
        groups=groups,
        notes=tuple(_notes(held, groups, names, model)),
    )


def parameter_names(model: nn.Module) -> dict[int, str]:
    """The name of every parameter of the model, by ``id``; a tied one has the first of its names."""
    return {id(tensor): name.replace(COMPILED, "") for name, tensor in model.named_parameters()}


def dtype_name(tensor: torch.Tensor) -> str:
    """``float32`` and the like."""
    return str(tensor.dtype).removeprefix("torch.")


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _held(optimizers: Sequence[torch.optim.Optimizer], names: Mapping[int, str]) -> Iterator[Held]:
    groups = 0
    for which, optimizer in enumerate(optimizers):
        for number, group in enumerate(optimizer.param_groups):
            for k, tensor in enumerate(group["params"]):
                name = names.get(id(tensor), f"{type(optimizer).__name__}.group{number}.{k}")
                yield Held(name, tensor, which, groups)
            groups += 1


def _groups(optimizers: Sequence[torch.optim.Optimizer]) -> Iterator[GroupInfo]:
    for which, optimizer in enumerate(optimizers):
        for group in optimizer.param_groups:
            options = {key: _plain(value) for key, value in group.items() if key not in {"params", "param_names"}}
            yield GroupInfo(which, options, _count(group["params"]))


def _count(tensors: Sequence[torch.Tensor]) -> int:
    return sum(0 if nn.parameter.is_lazy(tensor) else tensor.numel() for tensor in tensors)


def _plain(value: Any) -> object:
    """An option as the file can hold it: what is no number, text or list is told in words."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor) and value.numel() == 1 and not value.is_meta:
        return value.item()
    if isinstance(value, list | tuple):
        return tuple(_plain(each) for each in value)
    return type(value).__name__


def _check_held(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], held: Sequence[Held], names: Mapping[int, str]
) -> None:
    known = {one.optimizer for one in held if id(one.tensor) in names}
    for which, optimizer in enumerate(optimizers):
        if which not in known:
            raise OptionError(
                f"The optimizer {type(optimizer).__name__} holds none of the parameters of {type(model).__name__}: "
                "make it from model.parameters(), after the last change to the model."
            )


def _layers(held: Sequence[Held], model: nn.Module) -> tuple[LayerInfo, ...]:
    """The layers in the order in which they first appear."""
    kinds = {name.replace(COMPILED, ""): type(module).__name__ for name, module in model.named_modules()}
    sizes: dict[str, int] = {}
    for tensor, one in {id(one.tensor): one for one in held}.items():  # held by two optimizers: counted once
        del tensor
        sizes[one.module] = sizes.get(one.module, 0) + one.tensor.numel()
    return tuple(LayerInfo(module, kinds.get(module, "Parameter"), size) for module, size in sizes.items())


def _parameter(one: Held, layer: int) -> ParameterInfo:
    return ParameterInfo(one.name, tuple(one.tensor.shape), dtype_name(one.tensor), layer, one.optimizer, one.group)


def _notes(
    held: Sequence[Held], groups: Sequence[GroupInfo], names: Mapping[int, str], model: nn.Module
) -> Iterator[str]:
    """What a reader of the record should know about what is in it and what is not."""
    taken = {id(one.tensor) for one in held}
    left = [tensor for tensor in model.parameters() if id(tensor) not in taken]
    if trained := [names[id(tensor)] for tensor in left if tensor.requires_grad]:
        yield f"No optimizer holds {listed(trained)}: not trained, not watched."
    frozen = [names[id(tensor)] for tensor in left if not tensor.requires_grad]
    frozen += [one.name for one in held if not one.tensor.requires_grad]
    if frozen:
        yield f"Frozen: {listed(frozen)}."
    if strange := [one.name for one in held if id(one.tensor) not in names]:
        yield f"Not of the model, but held by the optimizer: {listed(strange)}."
    if any("lr" not in group.options for group in groups):
        yield "A parameter group has no learning rate (lr): it stands as NaN."
