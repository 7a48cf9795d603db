"""The function once more, in float64 and with other values in place of its leaves; nothing of the user's is touched."""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from types import FunctionType
from typing import Any, Final

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from fallline._backprop._kept import Kept
from fallline._backprop._modules import plain_function
from fallline._backprop._question import Question
from fallline._backprop._results import the_result
from fallline._backprop._torch_private import unseen
from fallline._errors import OptionError

LOWER: Final = frozenset({torch.float16, torch.bfloat16, torch.float32})
"""What float64 is used in place of."""


class Again:
    """Evaluates the function at other values of its leaves, each time with the same random numbers.

    Modules get their parameters and buffers by ``torch.func.functional_call``; names that the function captured are
    bound to other tensors while it runs; every other tensor of lower precision is replaced where it is used.
    """

    def __init__(
        self,
        asked: Question,
        given: Sequence[Any],
        modules: Mapping[str, nn.Module],
        leaves: Mapping[str, torch.Tensor],
        kept: Kept,
    ) -> None:
        self._asked = asked
        self._given = given
        self._modules = modules
        self._leaves = leaves
        self._kept = kept

    def __call__(self, leaves: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The result in float64; ``leaves`` by their names in the graph, those left out as they are."""
        replaced = {id(self._leaves[name]): value for name, value in leaves.items()}
        self._kept.put_back()
        wide = _Wide(replaced)
        inputs = [wide.instead(each) for each in self._given]
        functions = [each for each in (self._asked.fn, self._asked.loss) if each is not None]
        call = _Call(self._modules, lambda: self._asked.answer(inputs, _nobody))
        others = {name: wide.instead(each) for name, each in (*call.named_parameters(), *call.named_buffers())}
        with torch.enable_grad(), rebound(functions, wide.instead), wide:
            try:
                return the_result(torch.func.functional_call(call, others, ()))
            except (AttributeError, OptionError) as error:  # it ran before: with the user's own tensors
                raise RuntimeError(f"it needs its own tensors: {error}") from error


class _Call(nn.Module):
    """The function as a module around all modules that it calls."""

    def __init__(self, modules: Mapping[str, nn.Module], call: Callable[[], Any]) -> None:
        super().__init__()
        for place, module in enumerate(modules.values()):
            self.add_module(str(place), module)
        self._call = call

    def forward(self) -> Any:
        """What the function gives back."""
        return self._call()


class _Wide(TorchFunctionMode):
    """Every tensor that an operation uses in float64; those from outside are replaced by copies of them."""

    def __init__(self, replaced: Mapping[int, torch.Tensor]) -> None:
        super().__init__()
        self._replaced = dict(replaced)
        self._from_outside: list[torch.Tensor] = []
        """Held, so that no other tensor gets the identity of one."""
        self._own: dict[int, weakref.ref[torch.Tensor]] = {id(each): weakref.ref(each) for each in replaced.values()}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one function of PyTorch."""
        made = func(*self._all(args), **{name: self._all(each) for name, each in (kwargs or {}).items()})
        return self._made(made)

    def instead(self, tensor: Any) -> Any:
        """The one to use in place of ``tensor``; what is no tensor stays."""
        if not isinstance(tensor, torch.Tensor):
            return tensor
        known = self._own.get(id(tensor))
        if known is not None and known() is tensor:
            return tensor
        other = self._replaced.get(id(tensor))
        if other is None:
            with unseen() if tensor.grad_fn is None else nullcontext():
                other = _in_float64(tensor.detach().clone() if tensor.grad_fn is None else tensor)
            self._replaced[id(tensor)] = other
            self._from_outside.append(tensor)
            self._own[id(other)] = weakref.ref(other)
        return other

    def _all(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.instead(value)
        if type(value) in (list, tuple):
            return type(value)(self._all(each) for each in value)
        if type(value) is dict:
            return {name: self._all(each) for name, each in value.items()}
        return torch.float64 if isinstance(value, torch.dtype) and value in LOWER else value

    def _made(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            wide = _in_float64(value)
            self._own[id(wide)] = weakref.ref(wide)
            return wide
        if type(value) in (list, tuple):
            return type(value)(self._made(each) for each in value)
        if isinstance(value, tuple):  # values and indices: of the arguments' types, so in float64 already
            self._own |= {id(each): weakref.ref(each) for each in value if isinstance(each, torch.Tensor)}
        return value


@contextmanager
def rebound(functions: Sequence[Callable[..., Any]], instead: Callable[[Any], Any]) -> Iterator[None]:
    """Tensors that these functions captured by name, closures and globals, are others while this is entered."""
    put_back: list[Callable[[], None]] = []
    try:
        for function in functions:
            plain = plain_function(function)
            if plain is not None:
                _rebind(plain, instead, put_back)
        yield
    finally:
        for each in reversed(put_back):
            each()


def _rebind(function: FunctionType, instead: Callable[[Any], Any], put_back: list[Callable[[], None]]) -> None:
    for cell in function.__closure__ or ():
        bound = _content(cell)
        if isinstance(bound, torch.Tensor):
            put_back.append(partial(setattr, cell, "cell_contents", bound))
            cell.cell_contents = instead(bound)
    names = function.__globals__
    for name in function.__code__.co_names:
        bound = names.get(name)
        if isinstance(bound, torch.Tensor):
            put_back.append(partial(names.__setitem__, name, bound))
            names[name] = instead(bound)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return None


def _in_float64(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64) if tensor.dtype in LOWER else tensor


def _nobody(name: str, tensor: torch.Tensor) -> None:
    """Nobody asks for names this time."""
