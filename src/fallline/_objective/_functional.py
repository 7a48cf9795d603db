"""The model and the loss function at any parameters, with everything of the user's left as it was."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fallline._errors import OptionError
from fallline._objective._batches import Batch
from fallline._objective._second_derivatives import plain_kernels
from fallline._random_state import random_devices
from fallline._undisturbed import Kept
from fallline._vectors import unflatten

State = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The loss of a batch as a function of the trainable tensors, while a session lasts."""

    output: Callable[[Sequence[Tensor], Batch], Any]
    """What the model returns."""
    loss_fn: Callable[[Any, Any], Any]
    losses_at: Callable[[Batch, Tensor], Tensor] | None
    """The loss at each row of a stack, as ``loss`` row by row but sooner; None where only ``loss`` can be asked."""

    def loss(self, parts: Sequence[Tensor], batch: Batch) -> Tensor:
        """One number, without dimensions."""
        return scalar(self.loss_fn(self.output(parts, batch), batch.target))


class Functional:
    """``loss_fn(model(input), target)`` as a function of the trainable tensors of the model.

    Args:
        training: whether the model is evaluated in train mode.
    """

    def __init__(self, model: nn.Module, loss_fn: Callable[..., Any], *, training: bool) -> None:
        self.model, self._loss_fn, self._training = bare(model), loss_fn, training
        refuse_parameters(self.model)
        named = {name: one for name, one in self.model.named_parameters() if one.requires_grad}
        if not named:
            raise OptionError("The model has no parameter that requires a gradient: there is nothing to vary.")
        self.names, self.tensors = list(named), list(named.values())
        self.device = self.tensors[0].device
        self.shapes = tuple(tuple(one.shape) for one in self.tensors)
        self.dtypes = tuple(one.dtype for one in self.tensors)
        self.dtype = self.dtypes[0]
        for kind in self.dtypes:
            self.dtype = torch.promote_types(self.dtype, kind)

    def _modules(self) -> list[nn.Module]:
        return [self.model, *([self._loss_fn] if isinstance(self._loss_fn, nn.Module) else [])]

    def present(self) -> list[nn.Parameter]:
        """The trainable tensors that the model holds now.

        Raises:
            OptionError: they are of another kind than when the objective was made.
        """
        named, found = dict(self.model.named_parameters()), []
        for name, shape, dtype in zip(self.names, self.shapes, self.dtypes, strict=True):
            one = named.get(name)
            if one is None:
                raise OptionError(_remade(f"it has no parameter {name} any more"))
            if tuple(one.shape) != shape:
                raise OptionError(_remade(f"{name} has the shape {tuple(one.shape)} and not {shape}"))
            if one.dtype != dtype or one.device != self.device:
                raise OptionError(_remade(f"{name} is {one.dtype} on {one.device} and not {dtype} on {self.device}"))
            found.append(one)
        return found

    @contextmanager
    def session(self, dtype: torch.dtype | None = None) -> Iterator[Evaluation]:
        """The loss, for as long as it is asked for; afterwards all is bit for bit as before.

        Everything is in ``dtype`` where one is named, else as it stands in the model.
        Attention is computed in PyTorch's plain way: its faster kernels have no second derivative.
        """
        self.present()
        every = [tensor for module in self._modules() for tensor in (*module.parameters(), *module.buffers())]
        off = torch.autocast(self.device.type, enabled=False)
        with Kept(random_devices(every)) as kept, torch.inference_mode(mode=False), off, plain_kernels():
            for module in self._modules():
                kept.module(module)
                for each in module.modules():
                    each.training = self._training
            yield self._evaluation(dtype)

    def _evaluation(self, dtype: torch.dtype | None) -> Evaluation:
        constants = _constants(self.model, dtype, set(self.names))
        dtypes = self.dtypes if dtype is None else tuple(dtype for _ in self.dtypes)

        def output(parts: Sequence[Tensor], batch: Batch) -> Any:
            cast = (part.to(kind) for part, kind in zip(parts, dtypes, strict=True))
            # in train mode a forward pass writes to buffers, and each has to begin from the same
            held = {name: one.clone() for name, one in constants.items()} if self._training else constants
            given = held | dict(zip(self.names, cast, strict=True))
            return batch.call(lambda *inputs, **named: functional_call(self.model, given, inputs, named))

        return Evaluation(output, self._loss_in(dtype), self._losses_at(constants, dtypes, self._loss_in(dtype)))

    def _losses_at(
        self, constants: State, dtypes: Sequence[torch.dtype], loss_fn: Callable[[Any, Any], Any]
    ) -> Callable[[Batch, Tensor], Tensor] | None:
        """The tensors are put in place once for a whole stack: for a small model that is a fifth of the time."""
        if self._training or any(kind != dtypes[0] for kind in dtypes):
            return None
        names = [f"model.{name}" for name in self.names]
        held = {f"model.{name}": one for name, one in constants.items()}

        def losses(batch: Batch, stack: Tensor) -> Tensor:
            at = stack.new_empty(stack.shape[1], dtype=dtypes[0])
            parts, views = dict(zip(names, unflatten(at, self.tensors), strict=True)), unflatten(at, self.tensors)

            def each() -> Tensor:
                found = []
                for row in stack:
                    at.copy_(row)
                    _put_back(parts.values(), views)
                    found.append(scalar(loss_fn(batch.call(self.model), batch.target)).detach())
                return torch.stack(found)

            found: Tensor = functional_call(_Around(self.model), held | parts, (each,))
            return found

        return losses

    def _loss_in(self, dtype: torch.dtype | None) -> Callable[[Any, Any], Any]:
        if dtype is None or not isinstance(self._loss_fn, nn.Module):
            return self._loss_fn
        module, held = self._loss_fn, _constants(self._loss_fn, dtype, set())
        return lambda output, target: functional_call(module, held, (output, target))


def _put_back(parts: Iterable[Tensor], views: Sequence[Tensor]) -> None:
    """Where a model has put other numbers behind its tensors (``weight.data = …``), its own stand there again."""
    for part, view in zip(parts, views, strict=True):
        if part.data_ptr() != view.data_ptr():
            part.data = view


def _remade(what: str) -> str:
    return (
        f"The model is not the one any more that this objective was made of: {what}. Make the objective anew, "
        "fl.Objective(model, loss_fn, data)."
    )


class _Around(nn.Module):
    """Somebody's model inside of a module whose forward pass may be anything."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, work: Callable[[], Tensor]) -> Tensor:
        return work()


def _constants(module: nn.Module, dtype: torch.dtype | None, apart: set[str]) -> State:
    """Copies of the buffers (a recorded graph outlives what the user does to them), and in another dtype all else."""
    found = {name: one.detach().clone() for name, one in module.named_buffers()}
    if dtype is None:
        return found
    found |= {name: one.detach() for name, one in module.named_parameters() if name not in apart}
    return {name: one.to(dtype) if one.is_floating_point() else one for name, one in found.items()}


def bare(model: Any) -> nn.Module:
    """The module itself, without what compiles it or spreads it over devices.

    Raises:
        OptionError: it is no module, or one that cannot be evaluated at other parameters.
    """
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return bare(model.module)
    inner = getattr(model, "_orig_mod", None)  # of torch.compile: it has no public name
    if isinstance(inner, nn.Module):
        return bare(inner)
    if not isinstance(model, nn.Module):
        raise OptionError(f"model is a torch.nn.Module, not a {type(model).__name__}.")
    if isinstance(model, torch.jit.ScriptModule):
        raise OptionError("A scripted module cannot be evaluated at other parameters: give the module it was made of.")
    return model


def refuse_parameters(model: nn.Module) -> None:
    """Refuse what has no place in one vector of real numbers.

    Raises:
        OptionError: a parameter has no shape yet, is complex, or gets sparse gradients.
    """
    for name, one in model.named_parameters():
        if isinstance(one, nn.UninitializedParameter):
            raise OptionError(f'The parameter "{name}" has no shape yet: run the model once on a batch.')
        if one.is_meta:
            raise OptionError(f'The parameter "{name}" has no numbers (it is on the meta device): load the model.')
        if one.requires_grad and one.is_complex():
            raise OptionError(f'The parameter "{name}" is complex; an objective is a function of real numbers.')
    for name, module in model.named_modules():
        if getattr(module, "sparse", False) is True:
            raise OptionError(f'The layer "{name}" has sparse gradients, which have no Hessian: give it sparse=False.')


def scalar(loss: Any) -> Tensor:
    """The loss as a tensor without dimensions.

    Raises:
        OptionError: it is none.
    """
    if not isinstance(loss, Tensor):
        raise OptionError(
            f"loss_fn(output, target) returns the mean loss as a tensor of one number, not a {type(loss).__name__}."
        )
    if loss.numel() != 1:
        raise OptionError(
            f"loss_fn returned a tensor of shape {tuple(loss.shape)}: it has to be the mean, one number "
            "(reduction='mean')."
        )
    return loss.reshape(())
