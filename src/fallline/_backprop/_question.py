"""What is run: a function of tensors, a module with its loss, or an expression; and what its inputs are called."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fallline._backprop._handed_in import refuse_tensor
from fallline._backprop._language import Program, read_program
from fallline._backprop._language_values import tensors_at as tensors_of
from fallline._backprop._torch_private import uncompiled
from fallline._backprop._words import listed
from fallline._errors import OptionError
from fallline._wording import count, visible

Tell = Callable[[str, torch.Tensor], None]
"""Called with the name and the tensor of every assignment."""


@dataclass(frozen=True, eq=False)
class Question:
    """A function with its inputs."""

    fn: Callable[..., Any]
    """The user's, or the program of an expression."""
    loss: Callable[..., Any] | None
    inputs: tuple[Any, ...]
    """As they were handed in."""
    names: tuple[str, ...]
    title: str
    expression: str | None = None
    remarks: tuple[str, ...] = ()
    """Sentences about what was asked."""

    def answer(self, inputs: Sequence[Any], tell: Tell) -> Any:
        """What the function gives back for these inputs in place of its own."""
        if isinstance(self.fn, Program):
            return self.fn(dict(zip(self.names, inputs, strict=True)), tell)
        made = self.fn(*inputs)
        return made if self.loss is None else self.loss(made)


def question(
    fn: Callable[..., Any] | str,
    inputs: Sequence[Any],
    loss: Callable[..., Any] | None,
    at: Mapping[str, Any] | None,
    names: Sequence[str] | None,
) -> Question:
    """The question that was asked.

    Raises:
        OptionError: there is nothing to run, or the inputs do not fit.
    """
    if at is not None and not isinstance(at, Mapping):
        raise OptionError(f'at= takes a dict of names and values, at={{"x": [1.0, 2.0]}}; this is {_kind(at)}.')
    if isinstance(fn, str):
        return _of_expression(fn, inputs, loss, at, names)
    if not callable(fn):
        raise OptionError(f"backprop takes a function, a module or an expression; this is {_kind(fn)}.")
    if loss is not None and not callable(loss):
        raise OptionError(f"loss must be a function of what the module gives back; this is {_kind(loss)}.")
    if at is not None:
        raise OptionError("at= gives the values of an expression; a function gets its inputs as arguments.")
    plain: Callable[..., Any] = uncompiled(fn)
    title = getattr(plain, "__name__", None) or type(plain).__name__
    title = "function" if title == "<lambda>" else title
    return Question(plain, loss, tuple(inputs), _names(plain, inputs, names), title)


def _of_expression(
    text: str,
    inputs: Sequence[Any],
    loss: Callable[..., Any] | None,
    at: Mapping[str, Any] | None,
    names: Sequence[str] | None,
) -> Question:
    if inputs or names is not None:
        raise OptionError('The values of an expression go by name: at={"x": [1.0, 2.0]}.')
    if loss is not None:
        raise OptionError("An expression ends in its result: write the loss into it instead of loss=.")
    program = read_program(text)
    for name, value in (at or {}).items():
        if isinstance(value, torch.Tensor):
            refuse_tensor(visible(str(name)), value)
            if value.is_quantized:
                raise OptionError(f"{visible(str(name))} is a quantized tensor: hand in its dequantize().")
    tensors = tensors_of(program, dict(at or {}))
    remarks = idle_in_words(program)
    return Question(program, None, tuple(tensors.values()), tuple(tensors), text, expression=text, remarks=remarks)


def idle_in_words(program: Program) -> tuple[str, ...]:
    """What is computed for nothing.

    >>> idle_in_words(read_program("a = x*2; b = a*3; sum(x)"))
    ('b is assigned and never used: it is no part of the result.', 'a is used only by what is no part of the result.')
    """
    idle = program.idle()
    used = frozenset().union(*(statement.uses for statement in program.statements))
    apart = [name for name in idle if name not in used]
    below = [name for name in idle if name in used]
    told = []
    if apart:
        verb, they = ("is", "it is") if len(apart) == 1 else ("are", "they are")
        told.append(f"{listed(apart)} {verb} assigned and never used: {they} no part of the result.")
    if below:
        told.append(f"{listed(below)} {'is' if len(below) == 1 else 'are'} used only by what is no part of the result.")
    return tuple(told)


def _names(fn: Callable[..., Any], inputs: Sequence[Any], names: Sequence[str] | None) -> tuple[str, ...]:
    if names is not None:
        if not isinstance(names, list | tuple) or not all(isinstance(each, str) for each in names):
            raise OptionError('names= takes a list of names, one for each input: names=["x", "y"].')
        if len(names) != len(inputs) or len(set(names)) != len(names):
            named = f"{count(len(names), 'name')} for {count(len(inputs), 'input')}"
            raise OptionError(f"names has {named}: each needs one of its own.")
        return tuple(names)
    own = list(_parameters_of(fn))[: len(inputs)]
    rest = [f"input {place}" for place in range(len(own) + 1, len(inputs) + 1)]
    return (*own, *rest)


def _parameters_of(fn: Callable[..., Any]) -> list[str]:
    """Of the signature, those that can be given by position."""
    try:
        signature = inspect.signature(fn.forward if isinstance(fn, torch.nn.Module) else fn)
    except (TypeError, ValueError):  # written in C
        return []
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, each in signature.parameters.items() if each.kind in by_position]


def _kind(value: Any) -> str:
    return f"of type {type(value).__name__}"
