"""Values that a person types for the inputs of an expression: ``x=1.6695,-1.7944``, ``W=[[1,2],[3,4]]``, ``a=2``."""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from fallline._backprop._language import Program
from fallline._errors import OptionError, near
from fallline._formulas._typed import shortened, unreadable_sign

MOST_CHARACTERS = 1_000_000
MOST_DIMENSIONS = 8
SMALLEST = {
    torch.float64: 2.0**-1074,
    torch.float32: 2.0**-149,
    torch.bfloat16: 2.0**-133,
    torch.float16: 2.0**-24,
}
"""Above 0."""
Numbers: TypeAlias = "float | list[Numbers]"

_PART = re.compile(r";|[\r\n](?=\s*[^\W\d]\w*\s*=)")
"""Between two names' values; a matrix may go on in the next line."""
_PIECE = re.compile(r"[\[\],]|[^\[\],]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|infinity)|nan", re.ASCII | re.IGNORECASE)


def parse_at(texts: Sequence[str]) -> dict[str, Numbers]:
    """The values that were typed for names, several in one text separated by ";".

    Raises:
        OptionError: a text names nothing, or its value is no number, list or rectangle of numbers.

    >>> parse_at(["x=1.5,−2; a = 2", "W=[[1,2],[3,4]]"])
    {'x': [1.5, -2.0], 'a': 2.0, 'W': [[1.0, 2.0], [3.0, 4.0]]}
    """
    values: dict[str, Numbers] = {}
    for given in texts:
        _short_enough(given)
        for part in _PART.split(given):
            if not part.strip():
                continue
            name, sign, typed = " ".join(part.split()).partition("=")
            name = unicodedata.normalize("NFKC", name.strip())  # as in the expression
            if not sign or not name.isidentifier():
                shown = shortened(" ".join(part.split()))
                raise OptionError(f'"{shown}" gives no name a value: write "x=1.5", "x=1, 2" or "W=[[1, 2]]".')
            if name in values:
                raise OptionError(f'"{name}" is given twice: give one value to each input.')
            values[name] = _numbers(typed, name)
    return values


def parse_vector(text: str) -> list[Numbers]:
    """The numbers that a backward pass begins with.

    Raises:
        OptionError: it is no list or rectangle of numbers.

    >>> parse_vector("0.1, 1.0, 0.001"), parse_vector("2"), parse_vector("[[1, 0], [0, 1]]")
    ([0.1, 1.0, 0.001], [2.0], [[1.0, 0.0], [0.0, 1.0]])
    """
    _short_enough(text)
    numbers = _numbers(text, "the vector")
    return numbers if isinstance(numbers, list) else [numbers]


def tensors_at(program: Program, at: Mapping[str, Any], dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """A tensor for every input of a program, in the program's order; class numbers as int64, all else floating.

    ``at`` maps a name to a number, a list, an array or a tensor. A floating tensor keeps its dtype; everything else
    takes that of the floating tensors, or ``dtype`` where there are none.

    Raises:
        OptionError: a name is missing or no input, or a value is no rectangle of numbers that ``dtype`` can hold.
    """
    given = {unicodedata.normalize("NFKC", str(name)): value for name, value in at.items()}
    for name in given:
        _is_input(name, program)
    missing = [name for name in program.inputs if name not in given]
    if missing:
        raise OptionError(f"{_listed(missing)} no value: give {'one' if len(missing) == 1 else 'each one'}, "
                          f'as in --at "{missing[0]}=1.5".')  # fmt: skip
    floating = [value.dtype for value in given.values() if isinstance(value, Tensor) and value.is_floating_point()]
    for other in floating[:1] and floating:
        dtype = torch.promote_types(floating[0], other)
    return {
        name: _classes(given[name], name) if name in program.integer_inputs else _floating(given[name], name, dtype)
        for name in program.inputs
    }


def _is_input(name: str, program: Program) -> None:
    if name in program.inputs:
        return
    if name in program.assigned:
        raise OptionError(f'"{name}" is assigned in the expression and cannot be given a value, too.')
    raise OptionError(
        f'"{shortened(name)}" is no input of the expression, which has {", ".join(program.inputs) or "none"}.'
        f"{near(name, list(program.inputs))}"
    )


def _listed(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names[:6]] + (["…"] if len(names) > 6 else [])
    if len(quoted) == 1:
        return f"The input {quoted[0]} has"
    return f"The inputs {', '.join(quoted[:-1])} and {quoted[-1]} have"


def _short_enough(text: object) -> None:
    if not isinstance(text, str):
        raise OptionError(f'Values are given as text, as in "x=1, 2", not as {type(text).__name__}.')
    if len(text) > MOST_CHARACTERS:
        raise OptionError(f"The values have {len(text):,} characters; at most {MOST_CHARACTERS:,} are read.")
    unreadable = unreadable_sign(text)
    if unreadable is not None:
        raise OptionError(f"The values hold the sign {unreadable}, which cannot be read: leave it out.")


def _numbers(text: str, name: str) -> Numbers:
    """A number, ``1, 2`` or a list in brackets."""
    typed = " ".join(text.split()).replace("−", "-").replace("–", "-")
    if not typed:
        raise OptionError(f'{_said(name)} has no value: write a number, as in "{_example(name)}1.5".')
    if "[" not in typed and "]" not in typed:
        entries = [_number(entry, name) for entry in typed.split(",")]
        return entries[0] if len(entries) == 1 else list(entries)
    pieces = (piece.strip() for piece in _PIECE.findall(typed) if piece.strip())
    value = _list(pieces, name, typed) if next(pieces) == "[" else None
    if value is None or next(pieces, None) is not None:
        raise _unreadable(name, typed)
    _rectangular(value, name)
    return value


def _list(pieces: Iterator[str], name: str, typed: str, depth: int = 1) -> list[Numbers]:
    """The entries after an opened bracket, up to where it closes."""
    if depth > MOST_DIMENSIONS:
        raise OptionError(f"{_said(name)} has more than {MOST_DIMENSIONS} brackets in one another.")
    entries: list[Numbers] = []
    for piece in pieces:
        if piece == "]" and not entries:
            raise OptionError(f"{_said(name)} holds an empty list: write at least one number in its brackets.")
        if piece in ",]":
            raise _unreadable(name, typed)
        entries.append(_list(pieces, name, typed, depth + 1) if piece == "[" else _number(piece, name))
        after = next(pieces, None)
        if after == "]":
            return entries
        if after != ",":
            raise _unreadable(name, typed)
    raise _unreadable(name, typed)


def _number(typed: str, name: str) -> float:
    text = typed.strip()
    if not text:
        raise OptionError(f"{_said(name)} has an empty entry: write a number on both sides of each comma.")
    if _NUMBER.fullmatch(text) is None:
        hint = ": separate numbers by commas" if len(text.split()) > 1 else ""
        raise OptionError(f'{_said(name)} holds "{shortened(text)}", which is no number{hint}.')
    value = float(text)
    if math.isinf(value) and "i" not in text.lower():
        raise OptionError(f'{_said(name)} holds "{shortened(text)}": use numbers below 1.8e308, or inf.')
    return value


def _rectangular(values: list[Numbers], name: str) -> tuple[int, ...]:
    """The shape of nested lists."""
    shapes = [_rectangular(value, name) if isinstance(value, list) else () for value in values]
    for row, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise OptionError(
                f"{_said(name)} has rows of different lengths: the first holds {_entries(shapes[0])}, "
                f"number {row + 1} holds {_entries(shape)}."
            )
    return len(values), *shapes[0]


def _entries(shape: tuple[int, ...]) -> str:
    return "a single number" if shape in ((), (1,)) else " × ".join(str(size) for size in shape) + " numbers"


def _floating(value: object, name: str, dtype: torch.dtype) -> Tensor:
    """A value as a tensor of this dtype, refused where it cannot be held."""
    tensor = _tensor(value, name)
    if isinstance(value, Tensor) and value.is_floating_point():
        return value
    limit = torch.finfo(dtype).max
    beyond = tensor.isfinite() & (tensor.abs() > limit)
    if beyond.any():
        first = float(tensor[beyond][0])
        word = str(dtype).removeprefix("torch.")
        raise OptionError(f'"{name}" holds {first:g}, beyond the largest number of {word}, {limit:.4g}.')
    made = tensor.to(dtype)
    vanished = (tensor != 0) & (made == 0)
    if vanished.any():
        first, word = float(tensor[vanished][0]), str(dtype).removeprefix("torch.")
        raise OptionError(
            f'"{name}" holds {first:g}, which is 0 in {word}, whose smallest number is {SMALLEST[dtype]:.2g}: '
            "write 0 if that is meant."
        )
    return made


def _classes(value: object, name: str) -> Tensor:
    """Class numbers."""
    tensor = _tensor(value, name)
    if tensor.is_floating_point():
        odd = ~((tensor == tensor.round()) & (tensor.abs() < 2.0**53))
        if odd.any():
            raise OptionError(
                f'"{name}" holds class numbers, the second value of cross_entropy, so whole numbers: '
                f"{float(tensor[odd][0]):g} is none."
            )
    return tensor.to(torch.int64)


def _tensor(value: object, name: str) -> Tensor:
    """A value as a tensor: the very tensor where it is one, else float64."""
    if isinstance(value, Tensor):
        tensor = value
    else:
        if isinstance(value, list):
            _plain(value, name)
        array = np.asarray(value)
        if array.dtype.kind not in "fiub" or array.ndim > MOST_DIMENSIONS:
            raise OptionError(
                f'"{name}" is given as {type(value).__name__}: give a number, a list of numbers or a tensor.'
            )
        tensor = torch.tensor(array.astype(np.float64))
    if tensor.is_complex() or tensor.layout != torch.strided:
        raise OptionError(f'"{name}" is a tensor of {tensor.dtype}: give real numbers in an ordinary tensor.')
    if tensor.numel() == 0:
        raise OptionError(f'"{name}" has no entries: give at least one number.')
    return tensor


def _plain(values: list[Any], name: str, depth: int = 1) -> None:
    """Refuses what NumPy would complain of in its own words."""
    if depth > MOST_DIMENSIONS:
        raise OptionError(f'"{name}" has more than {MOST_DIMENSIONS} lists in one another.')
    if not values:
        raise OptionError(f'"{name}" has no entries: give at least one number.')
    for value in values:
        if isinstance(value, list | tuple):
            _plain(list(value), name, depth + 1)
        elif not isinstance(value, int | float | np.number):
            raise OptionError(f'"{name}" holds {type(value).__name__}, which is no number.')
    if depth == 1:
        _rectangular([list(value) if isinstance(value, tuple) else value for value in values], name)


def _unreadable(name: str, typed: str) -> OptionError:
    return OptionError(
        f'{_said(name)} cannot be read from "{shortened(typed)}": write "1, 2" or "[[1, 2], [3, 4]]", brackets closed.'
    )


def _said(name: str) -> str:
    return f'"{name}"' if name != "the vector" else "The vector"


def _example(name: str) -> str:
    return f"{name}=" if name != "the vector" else ""
