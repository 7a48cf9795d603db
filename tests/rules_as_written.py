"""A rule's words carried out as they stand there, so that words and numbers are held against each other."""

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

FIGURES = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
SIGNS = {
    "·": "*",
    "−": "-",
    "^": "**",
    "½": "0.5",
    "≤": "<=",
    "≥": ">=",
    "π": "pi",
    "σ": "sigmoid",
    "Φ": "cdf",
    "φ": "pdf",
}
FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "sigmoid", "sign", "floor", "trunc",
             "digamma", "erfinv", "sinc", "abs")  # fmt: skip
SPECIAL = ("i0", "i1", "i0e", "i1e", "erfcx", "ndtri")


def as_written(rule: str, named: Mapping[str, Tensor]) -> Tensor:
    """The value of a rule such as "−x/y²" or "1 where x > 0, else exp(x)"."""
    names: dict[str, Any] = {name: _of_any(getattr(torch, name)) for name in FUNCTIONS}
    names |= {name: _of_any(getattr(torch.special, name)) for name in SPECIAL} | {"polygamma": torch.polygamma}
    names |= {"pi": math.pi, "softplus": torch.nn.functional.softplus, "trigamma": lambda x: torch.polygamma(1, x)}
    names |= {"cdf": torch.special.ndtr, "pdf": lambda x: (-(x**2) / 2).exp() / math.sqrt(2 * math.pi), **named}
    formula, *where = re.split(r", (\w) = ", rule)
    for name, meaning in zip(where[::2], where[1::2], strict=True):
        names[name] = _value(meaning, names)
    return torch.as_tensor(_value(formula, names), dtype=torch.float64)


def _of_any(function: Any) -> Any:
    return lambda *given: function(*(torch.as_tensor(each, dtype=torch.float64) for each in given))


def _value(text: str, names: Mapping[str, Any]) -> Any:
    chosen = re.fullmatch(r"(.*) where (.*), else (.*)", text)
    if chosen:
        value, condition, other = (_value(part, names) for part in chosen.groups())
        return torch.where(condition, *(torch.as_tensor(each, dtype=torch.float64) for each in (value, other)))
    return eval(_python(text), {"__builtins__": {}}, dict(names))  # noqa: S307 - the texts are those of our own tables


def _python(text: str) -> str:
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda raised: f"**({raised[0].translate(FIGURES)})", text)
    for sign, meant in SIGNS.items():
        text = text.replace(sign, meant)
    text = re.sub(r"√(\w+)", r"sqrt(\1)", text).replace("√", "sqrt")
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"(?<![\w)])pi(\w)", r"pi*\1", text)
    text = re.sub(r"^(.*) or (.*)$", r"(\1) | (\2)", text)
    return re.sub(r"^(.*) (<=?) (.*) (<=?) (.*)$", r"(\1 \2 \3) & (\3 \4 \5)", text)
