"""Records to strict JSON and back: not finite numbers by name, absent as null.

``NaN``, ``Infinity`` and ``-Infinity`` become those strings (docs/semantics.md#absent-and-not-finite); a
string is read back as a number only where the record's own type asks for one.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from fallline._errors import RunFileError

Record = TypeVar("Record")

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(value: object) -> str:
    """Strict JSON of a record, mapping, sequence or plain value.

    >>> to_json({"loss": float("nan"), "limit": None, "w": (1.0, float("-inf"))})
    '{"loss": "NaN", "limit": null, "w": [1.0, "-Infinity"]}'
    """
    return json.dumps(plain(value), allow_nan=False)


def plain(value: object) -> object:
    """The same value from what strict JSON knows; anything it does not know becomes its ``str``.

    >>> plain({"betas": (0.9, 0.999), "rate": float("inf")})
    {'betas': [0.9, 0.999], 'rate': 'Infinity'}
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return plain(value.item())
    if isinstance(value, float):
        return _float_out(value)
    return value if value is None or isinstance(value, bool | str | int) else _plain_parts(value)


def _plain_parts(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence | np.ndarray):
        return [plain(entry) for entry in value]
    return str(value)


def from_json(kind: type[Record], text: str, **given: object) -> Record:
    """A record of the dataclass ``kind`` out of the JSON that :func:`to_json` made.

    Unknown names are skipped, so that a later version may add one. ``given`` are fields that lie elsewhere: arrays.

    Raises:
        RunFileError: the text is not JSON, or does not hold what the record needs.

    >>> from fallline._records import Scaling
    >>> from_json(Scaling, '{"shift": [0.0], "scale": ["NaN"]}')
    Scaling(shift=(0.0,), scale=(nan,))
    """
    try:
        value = json.loads(text)
        record: Record = _decode_record(kind, _expect(value, dict), given) if given else _decode(kind, value)
    except (ValueError, TypeError, KeyError) as problem:
        raise RunFileError(f"its {kind.__name__.lower()} cannot be understood: {problem}") from problem
    return record


def _float_out(value: float) -> float | str:
    if math.isfinite(value):
        return float(value)
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _decode(kind: Any, value: Any) -> Any:
    """``value`` as the type annotation ``kind`` says it."""
    if get_origin(kind) is not None:
        return _decode_generic(get_origin(kind), get_args(kind), value)
    if kind is object:
        return _decode_free(value)
    if kind is float:
        return _float_in(value)
    if is_dataclass(kind):
        return _decode_record(kind, _expect(value, dict))
    return kind(value) if issubclass(kind, Enum) else _expect(value, kind)


def _decode_generic(origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    """``float | None``, ``tuple[str, ...]``, ``Mapping[str, float]``: what records are made of."""
    if origin in (Union, UnionType):
        (present,) = [argument for argument in arguments if argument is not type(None)]
        return None if value is None else _decode(present, value)
    if origin is tuple:
        return tuple(_decode(arguments[0], entry) for entry in _expect(value, list))
    return {key: _decode(arguments[1], entry) for key, entry in _expect(value, dict).items()}


def _decode_record(kind: Any, value: dict[str, Any], given: Mapping[str, object] = MappingProxyType({})) -> Any:
    hints = _hints(kind)
    found = dict(given)
    for field in fields(kind):
        if field.name in given:
            continue
        if field.name in value:
            found[field.name] = _decode(hints[field.name], value[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise TypeError(f"{field.name} is missing")
    return kind(**found)


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    """A record's types, worked out once: of a folder of runs hundreds of headers are read."""
    return MappingProxyType(get_type_hints(kind))


def _decode_free(value: Any) -> Any:
    """A value without a declared type, an optimizer's option: a list was a tuple, as torch.optim has them."""
    if isinstance(value, list):
        return tuple(_decode_free(entry) for entry in value)
    if isinstance(value, dict):
        return {key: _decode_free(entry) for key, entry in value.items()}
    if isinstance(value, str):
        return _NOT_FINITE.get(value, value)
    return value


def _float_in(value: Any) -> float:
    if isinstance(value, str):
        return _NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise TypeError(f"expected a number, found {value!r}")
    return float(value)


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"expected {kind.__name__}, found {value!r}")
    return value
