"""Slopes of functions of one number: roots, exponentials, logarithms, trigonometry, rounding."""

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Rule, Rules, Slope, constant
from fallline._backprop._rule_operands import Operands


def _of_one(rule: str, formula: Callable[[Tensor], Tensor]) -> dict[str, Rule]:
    """A function's slope as a formula of its only operand."""
    return {"self": Slope(rule, lambda call: formula(call["self"]))}


def _angle(call: Operands, other: str) -> Tensor:
    return call[other] / (call["self"] ** 2 + call["other"] ** 2)


def _xlogy_slope(call: Operands) -> Tensor:
    left, right = call["self"], call["other"]
    return torch.where((left == 0) & (right <= 0), 0.0, right.log())


def _sinc_slope(x: Tensor) -> Tensor:
    """Of sin(πx)/(πx)."""
    return torch.where(x == 0, 0.0, ((math.pi * x).cos() - x.sinc()) / x)


FLAT: Final = {"self": constant("0", 0)}
"""Steps: level everywhere but where they jump, where PyTorch takes 0 as well."""

FUNCTIONS: Final[Rules] = {
    "sqrt": _of_one("1/(2·√{self})", lambda x: 1 / (2 * x.sqrt())),
    "rsqrt": _of_one("−1/(2·{self}^1.5)", lambda x: -0.5 * x.rsqrt() ** 3),
    "exp": _of_one("exp({self})", torch.exp),
    "exp2": _of_one("2^{self}·log(2)", lambda x: x.exp2() * math.log(2)),
    "expm1": _of_one("exp({self})", torch.exp),
    "log": _of_one("1/{self}", torch.reciprocal),
    "log2": _of_one("1/({self}·log(2))", lambda x: 1 / (x * math.log(2))),
    "log10": _of_one("1/({self}·log(10))", lambda x: 1 / (x * math.log(10))),
    "log1p": _of_one("1/(1 + {self})", lambda x: 1 / (1 + x)),
    "sin": _of_one("cos({self})", torch.cos),
    "cos": _of_one("−sin({self})", lambda x: -x.sin()),
    "tan": _of_one("1 + tan({self})²", lambda x: 1 + x.tan() ** 2),
    "asin": _of_one("1/√(1 − {self}²)", lambda x: (1 - x**2).rsqrt()),
    "acos": _of_one("−1/√(1 − {self}²)", lambda x: -((1 - x**2).rsqrt())),
    "atan": _of_one("1/(1 + {self}²)", lambda x: 1 / (1 + x**2)),
    "atan2": {
        "self": Slope("{other}/({self}² + {other}²)", lambda call: _angle(call, "other")),
        "other": Slope("−{self}/({self}² + {other}²)", lambda call: -_angle(call, "self")),
    },
    "sinh": _of_one("cosh({self})", torch.cosh),
    "cosh": _of_one("sinh({self})", torch.sinh),
    "tanh": _of_one("1 − tanh({self})²", lambda x: 1 - x.tanh() ** 2),
    "asinh": _of_one("1/√({self}² + 1)", lambda x: (x**2 + 1).rsqrt()),
    "acosh": _of_one("1/√({self}² − 1)", lambda x: (x**2 - 1).rsqrt()),
    "atanh": _of_one("1/(1 − {self}²)", lambda x: 1 / (1 - x**2)),
    "sigmoid": _of_one("σ({self})·(1 − σ({self}))", lambda x: x.sigmoid() * (-x).sigmoid()),
    "erf": _of_one("2/√π·exp(−{self}²)", lambda x: 2 / math.sqrt(math.pi) * (-(x**2)).exp()),
    "erfc": _of_one("−2/√π·exp(−{self}²)", lambda x: -2 / math.sqrt(math.pi) * (-(x**2)).exp()),
    "erfinv": _of_one("√π/2·exp(erfinv({self})²)", lambda x: math.sqrt(math.pi) / 2 * (x.erfinv() ** 2).exp()),
    "lgamma": _of_one("digamma({self})", torch.digamma),
    "digamma": _of_one("trigamma({self})", lambda x: torch.polygamma(1, x)),
    "sinc": _of_one("(cos(π{self}) − sinc({self}))/{self}, 0 at 0", _sinc_slope),
    "abs": _of_one("sign({self})", torch.sign),
    "frac": _of_one("1", torch.ones_like),
    "deg2rad": _of_one("π/180", lambda x: torch.full_like(x, math.pi / 180)),
    "rad2deg": _of_one("180/π", lambda x: torch.full_like(x, 180 / math.pi)),
    "nan_to_num": _of_one("1 where {self} is finite, else 0", lambda x: x.isfinite().to(x.dtype)),
    "xlogy": {
        "self": Slope("log({other})", _xlogy_slope),
        "other": Slope("{self}/{other}", lambda call: call["self"] / call["other"]),
    },
    "logaddexp": {
        "self": Slope("σ({self} − {other})", lambda call: (call["self"] - call["other"]).sigmoid()),
        "other": Slope("σ({other} − {self})", lambda call: (call["other"] - call["self"]).sigmoid()),
    },
    **dict.fromkeys(("floor", "ceil", "round", "trunc", "sign", "sgn", "heaviside"), FLAT),
}
