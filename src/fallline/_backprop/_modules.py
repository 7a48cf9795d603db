"""Which module runs at the moment, and what modules, parameters and captured tensors are called."""

import dis
import functools
import inspect
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from fallline._errors import OptionError
from fallline._random_state import is_generator
from fallline._undisturbed import Kept

GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
"""Instructions that read a global name."""


class Modules:
    """The stack of modules that are running; the second call of one has a path of its own: ``"relu (call 2)"``."""

    def __init__(self, captured: Mapping[str, Any], root: nn.Module | None, kept: Kept) -> None:
        self.names: dict[int, str] = {}
        """Paths of modules, by identity; "" for the function itself where it is one."""
        self.met: dict[str, nn.Module] = {}
        """Outermost modules that were called or captured, by path."""
        self.classes: dict[str, str] = {}
        """Class of the module at each path that ran."""
        self._kept = kept
        self.before: dict[int, torch.Tensor] = {}
        """Parameters and buffers that were there when a module was met."""
        self._stack: list[str] = []
        self._calls: list[Counter[str]] = [Counter()]
        self._thread = threading.get_ident()
        if root is not None:
            self._meet("", root)
        for name, value in captured.items():
            if isinstance(value, nn.Module):
                self._meet(name, value)

    @property
    def path(self) -> str | None:
        """Of the innermost module that is running; None outside of modules."""
        return self._stack[-1] if self._stack else None

    def parameters(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Parameters and buffers of all modules met, with their paths; a tied one under its first."""
        for name, module in self.met.items():
            for inner, tensor in (*module.named_parameters(), *module.named_buffers()):
                yield (f"{name}.{inner}" if name else inner), tensor

    def made(self) -> list[str]:
        """Names of the parameters that a forward pass made."""
        parameters = ((name, each) for name, each in self.parameters() if isinstance(each, nn.Parameter))
        return [name for name, each in parameters if id(each) not in self.before]

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While entered, every call of a module in this thread is seen."""
        with ExitStack() as hooks:
            hooks.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", message="Using `torch.compile")  # that it sees these very hooks
            hooks.callback(nn.modules.module.register_module_forward_pre_hook(self._enter).remove)
            hooks.callback(nn.modules.module.register_module_forward_hook(self._leave, always_call=True).remove)
            yield

    def _meet(self, name: str, module: nn.Module) -> None:
        if any(isinstance(each, torch.jit.ScriptModule) for each in module.modules()):
            raise OptionError("A scripted module runs outside of Python: hand in the module that it was made from.")
        if any(is_lazy(each) for each in (*module.parameters(), *module.buffers())):
            raise OptionError(
                f"{type(module).__name__} has lazy parameters, whose shapes the first run decides: run it once before."
            )
        self.met[name] = module
        self._kept.module(module)
        self._kept.reached(module)
        self.before |= {id(each): each for each in (*module.parameters(), *module.buffers())}
        for inner, each in module.named_modules():
            self.names.setdefault(id(each), ".".join(part for part in (name, inner) if part))

    def _enter(self, module: nn.Module, _inputs: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        if id(module) not in self.names and not self._stack:
            self._meet(self._free(type(module).__name__.lower()), module)
        above = self.path
        own = self.names.get(id(module))
        if own is None:  # made inside of a forward pass, or held where nobody looks: by an object of somebody's own
            self._kept.reached(module)
            own = f"{above}.{type(module).__name__}" if above else type(module).__name__
        path = _below(above, own)
        self._calls[-1][path] += 1
        calls = self._calls[-1][path]
        path = path if calls == 1 else f"{path} (call {calls})"
        self.classes[path] = type(module).__name__
        self._stack.append(path)
        self._calls.append(Counter())

    def _leave(self, _module: nn.Module, _inputs: Any, _output: Any) -> None:
        if threading.get_ident() == self._thread and self._stack:
            self._stack.pop()
            self._calls.pop()

    def _free(self, name: str) -> str:
        taken, free, count = set(self.met), name, 1
        while free in taken:
            count += 1
            free = f"{name}{count}"
        return free


def _below(above: str | None, path: str) -> str:
    """The path with the call numbers of what encloses it: below "a (call 2)", "a.relu" is "a (call 2).relu"."""
    if not above:
        return path
    plain = without_calls(above)
    return above + path.removeprefix(plain) if path.startswith(f"{plain}.") else path


def without_calls(path: str) -> str:
    """A module's path without the numbers of its calls.

    >>> without_calls("block (call 2).relu")
    'block.relu'
    """
    pieces = path.split(" (call ")
    return pieces[0] + "".join(piece.partition(")")[2] for piece in pieces[1:])


def root_of(fn: Callable[..., Any]) -> nn.Module | None:
    """The module that ``fn`` is, or is a method of."""
    owner = fn if isinstance(fn, nn.Module) else getattr(fn, "__self__", None)
    return owner if isinstance(owner, nn.Module) else None


def captured_by(fn: Callable[..., Any]) -> dict[str, Any]:
    """Tensors and modules that a function uses and that are none of its inputs, by the names it knows them by."""
    return {name: value for name, value in reached_by(fn).items() if isinstance(value, torch.Tensor | nn.Module)}


def held_by_objects(values: Iterable[Any]) -> list[Any]:
    """Modules, and generators of random numbers, that are attributes of objects of somebody's own class."""
    own = [each for each in values if not isinstance(each, torch.Tensor | nn.Module | type | ModuleType | FunctionType)]
    inside = [value for each in own for value in getattr(each, "__dict__", {}).values()]
    return [each for each in inside if isinstance(each, nn.Module) or is_generator(each)]


def reached_by(fn: Callable[..., Any]) -> dict[str, Any]:
    """All that a function uses and that is none of its inputs, by the names it knows it by."""
    bound = _bound_to(fn)
    plain = plain_function(fn)
    if plain is None:
        return bound
    inside = _names_in(plain.__code__)
    cells = zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True)
    found = {name: cell.cell_contents for name, cell in cells if _filled(cell)}
    found |= {name: plain.__globals__[name] for name in inside if name in plain.__globals__ and name not in found}
    return bound | found


def _bound_to(fn: Callable[..., Any]) -> dict[str, Any]:
    """What ``functools.partial`` and defaults give to the function's own parameters, by their names."""
    bound: dict[str, Any] = {}
    if isinstance(fn, functools.partial):
        bound = dict(zip(_parameters_of(fn.func), fn.args, strict=False)) | fn.keywords
        fn = fn.func
    defaults = {name: each.default for name, each in _parameters_of(fn).items() if each.default is not each.empty}
    return defaults | bound


def _parameters_of(fn: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(fn).parameters
    except (TypeError, ValueError):  # written in C
        return {}


def _names_in(code: CodeType) -> list[str]:
    """Global names that a function uses, and the functions that are defined inside of it."""
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    own = [each.argval for each in dis.get_instructions(code) if each.opname in GLOBALS]  # co_names has attributes, too
    return [*own, *(name for each in inner for name in _names_in(each))]


def plain_function(fn: Callable[..., Any]) -> FunctionType | None:
    """The Python function behind wrappers, partials and methods; None where there is none."""
    plain: Any = inspect.unwrap(fn)
    plain = getattr(plain, "func", plain)  # functools.partial
    plain = getattr(plain, "__func__", plain)
    return plain if inspect.isfunction(plain) else None


def _filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True
