"""The backprop page: a typed expression and the values of its leaves, read by fallline's own parser alone."""

import math
from collections.abc import Mapping
from typing import TypeAlias

from torch import Tensor

from fallline._backprop import backprop as run
from fallline._backprop._language import Program, read_program
from fallline._backprop._language_values import parse_at, parse_vector, tensors_at
from fallline._desk._backprop_place import placed
from fallline._desk._backprop_program import pytorch_program
from fallline._desk._client import Client, Reply
from fallline._desk._reading import items, known_keys, mapping, shown, word
from fallline._errors import OptionError
from fallline._view._backprop import build_backprop_payload
from fallline._wording import count

MOST_CHARACTERS = 1_000
MOST_VALUE_CHARACTERS = 4_000
MOST_OPERATIONS = 150
"""Each is a card of the graph, and is run some ten times for the check."""
MOST_NUMBERS = 400
"""Of all leaves together: each is nudged by the check."""
MOST_LEAVES = 24
USUAL = "y = x + 2; z = y*y*2; z.mean()"
BEGINNING = 1.0
"""What a name begins with that has no value yet."""
_MOST_DEPTH = 8
Value: TypeAlias = "float | list[Value]"


def backprop(request: Mapping[str, object], client: Client) -> Reply:
    """Answer a request of kind "backprop": the graph's payload, the leaves with their values, the PyTorch program.

    Raises:
        OptionError: a message that cannot be.
        TextError: a text that cannot be read or computed, with the place of what is wrong.
    """
    settings = mapping(request.get("settings") or {}, "The settings")
    known_keys(settings, ("expression", "at", "vector"), "setting")
    text = word(settings.get("expression", USUAL), "The expression", MOST_CHARACTERS)
    try:
        program = read_program(text)
        _bounded(program)
    except OptionError as error:
        raise placed(error, text) from error
    at = _values(settings.get("at"), program)
    vector = _vector(settings.get("vector"))
    client.check()
    try:
        tensors = tensors_at(program, at)
        _small(tensors)
    except OptionError as error:
        raise placed(error, text) from error
    try:
        graph = run(text, at=at, vector=vector)
    except OptionError as error:
        raise placed(error, text) from error
    client.check()
    return {
        "payload": build_backprop_payload(graph),
        "leaves": [_leaf(name, tensors[name], program) for name in program.inputs],
        "program": pytorch_program(program, tensors, vector),
    }


def _bounded(program: Program) -> None:
    if len(program.inputs) > MOST_LEAVES:
        raise OptionError(f"The page follows at most {MOST_LEAVES} values; this has {len(program.inputs)}.")
    if program.operations > MOST_OPERATIONS:
        raise OptionError(
            f"This has {count(program.operations, 'operation')}; the page draws at most {MOST_OPERATIONS}. "
            "fallline backprop does more."
        )


def _small(tensors: Mapping[str, Tensor]) -> None:
    numbers = sum(tensor.numel() for tensor in tensors.values())
    if numbers > MOST_NUMBERS:
        raise OptionError(f"The values hold {numbers:,} numbers; the page checks at most {MOST_NUMBERS}.")


def _values(given: object, program: Program) -> dict[str, Value]:
    """Of every leaf; of names that the expression no longer has nothing is asked, those without a value begin at 1."""
    found = mapping({} if given is None else given, "The values")
    if len(found) > 4 * MOST_LEAVES:
        raise OptionError(f"The values of at most {4 * MOST_LEAVES} names are kept, not of {len(found):,}.")
    values: dict[str, Value] = {}
    for name in program.inputs:
        usual = 0.0 if name in program.integer_inputs else BEGINNING
        values[name] = _value(name, found[name]) if found.get(name) is not None else usual
    return values


def _value(name: str, given: object) -> Value:
    if isinstance(given, str):
        text = word(given, f"The value of {name}", MOST_VALUE_CHARACTERS)
        if ";" in text or "=" in text:
            raise placed(OptionError(f'"{name}" holds a sign that belongs to no number.'), text, name)
        try:
            return parse_at([f"{name}={text}"])[name]
        except OptionError as error:
            raise placed(error, text, name) from error
    return _numbers(name, given, 0)


def _numbers(name: str, given: object, depth: int) -> Value:
    """A number, or nested lists of numbers; "NaN" and "Infinity" are numbers of a message."""
    if isinstance(given, list) and depth < _MOST_DEPTH:
        if not given:
            raise OptionError(f'"{name}" holds an empty list: write at least one number in its brackets.')
        return [_numbers(name, each, depth + 1) for each in items(given, f"The value of {name}", MOST_NUMBERS)]
    words = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    if isinstance(given, str) and given in words:
        return words[given]
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise OptionError(f'"{name}" is given as {shown(given)}: give a number or a list of numbers.')
    try:
        return float(given)
    except OverflowError:
        raise OptionError(f'"{name}" is too large: use numbers below 1.8e308.') from None


def _vector(given: object) -> list[Value] | None:
    if given is None or given == "":
        return None
    text = word(given, "The vector", MOST_VALUE_CHARACTERS)
    try:
        return parse_vector(text)
    except OptionError as error:
        raise placed(error, text, "vector") from error


def _leaf(name: str, tensor: Tensor, program: Program) -> dict[str, object]:
    """A leaf with its numbers, flat; whole where they are class numbers."""
    return {
        "name": name,
        "shape": list(tensor.shape),
        "numbers": [float(f"{each:.9g}") for each in tensor.flatten().tolist()],
        "whole": name in program.integer_inputs,
    }
