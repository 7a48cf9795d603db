"""The function once more, in float64 and with other values in place of its leaves; nothing of the user's is touched."""

import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from fallline._backprop._question import Question
from fallline._backprop._results import the_result
from fallline._backprop._torch_private import custom_functions_get, inside_transform, unseen
from fallline._errors import OptionError
from fallline._undisturbed import Kept

LOWER: Final = frozenset({torch.float16, torch.bfloat16, torch.float32})
"""What float64 is used in place of."""
PLAIN: Final = frozenset({bool, int, float, str})
"""No tensor, no dtype, and nothing that holds one."""


class Again:
    """Evaluates the function at other values of its leaves, each time with the same random numbers.

    Nothing of the user's is bound to other tensors, not even for a moment: another thread may be using it. Each tensor
    is replaced where an operation of this thread uses it.
    """

    def __init__(self, asked: Question, given: Sequence[Any], leaves: Mapping[str, torch.Tensor], kept: Kept) -> None:
        self._asked = asked
        self._given = given
        self._leaves = leaves
        self._kept = kept

    def __call__(self, leaves: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The result in float64; ``leaves`` by their names in the graph, those left out as they are."""
        replaced = {id(self._leaves[name]): value for name, value in leaves.items()}
        with unseen():
            self._kept.put_back()
        wide = _Wide(replaced)
        inputs = [wide.instead(each) for each in self._given]
        with torch.enable_grad(), custom_functions_get(wide.instead), wide:
            try:
                return the_result(wide.instead(self._asked.answer(inputs, _nobody)))
            except (AttributeError, OptionError) as error:  # it ran before: with the user's own tensors
                raise RuntimeError(f"it needs its own tensors: {error}") from error


class _Wide(TorchFunctionMode):
    """Every tensor that an operation uses in float64; those from outside are replaced by copies of them."""

    def __init__(self, replaced: Mapping[int, torch.Tensor]) -> None:
        super().__init__()
        self._replaced = dict(replaced)
        self._from_outside: list[torch.Tensor] = []
        """Held, so that no other tensor gets the identity of one."""
        self._own: dict[int, weakref.ref[torch.Tensor]] = {id(each): weakref.ref(each) for each in replaced.values()}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one function of PyTorch; a hook that the function registers on its way is left out."""
        if func is torch.Tensor.register_hook:
            return RemovableHandle(OrderedDict())
        if kwargs:
            return self._made(func(*map(self._all, args), **{name: self._all(each) for name, each in kwargs.items()}))
        return self._made(func(*map(self._all, args)))

    def instead(self, tensor: Any) -> Any:
        """The one to use in place of ``tensor``; what is no tensor stays."""
        known = self._own.get(id(tensor))
        if known is not None and known() is tensor:
            return tensor
        if not isinstance(tensor, torch.Tensor):
            return tensor
        if inside_transform(tensor):
            return _in_float64(tensor)
        other = self._replaced.get(id(tensor))
        if other is None:
            with unseen() if tensor.grad_fn is None else nullcontext():
                other = _in_float64(tensor.detach().clone() if tensor.grad_fn is None else tensor)
            self._replaced[id(tensor)] = other
            self._from_outside.append(tensor)
            self._own[id(other)] = weakref.ref(other)
        return other

    def _all(self, value: Any) -> Any:
        if value is None or type(value) in PLAIN:  # most arguments by far: this runs for every one of every operation
            return value
        if isinstance(value, torch.Tensor):
            return self.instead(value)
        if type(value) in (list, tuple):
            return type(value)(self._all(each) for each in value)
        if type(value) is dict:
            return {name: self._all(each) for name, each in value.items()}
        return torch.float64 if isinstance(value, torch.dtype) and value in LOWER else value

    def _made(self, value: Any) -> Any:
        if type(value) in PLAIN:
            return value
        if isinstance(value, torch.Tensor):
            wide = _in_float64(value)
            self._own[id(wide)] = weakref.ref(wide)
            return wide
        if type(value) in (list, tuple):
            return type(value)(self._made(each) for each in value)
        if isinstance(value, tuple):  # values and indices: of the arguments' types, so in float64 already
            self._own |= {id(each): weakref.ref(each) for each in value if isinstance(each, torch.Tensor)}
        return value


def _in_float64(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64) if tensor.dtype in LOWER else tensor


def _nobody(name: str, tensor: torch.Tensor) -> None:
    """Nobody asks for names this time."""
