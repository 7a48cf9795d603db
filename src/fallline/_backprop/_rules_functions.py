"""Slopes of functions of one number: roots, exponentials, logarithms, trigonometry, rounding."""

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Rule, Rules, Slope, constant
from fallline._backprop._rule_operands import Operands, plain
from fallline._backprop._rule_wording import filled


def _of_one(rule: str, formula: Callable[[Tensor], Tensor]) -> dict[str, Rule]:
    """A function's slope as a formula of its only operand."""
    return {"self": Slope(rule, lambda call: formula(call["self"]))}


def _angle(call: Operands, other: str) -> Tensor:
    return call[other] / (call["self"] ** 2 + call["other"] ** 2)


def _xlogy_slope(call: Operands) -> Tensor:
    left, right = call["self"], call["other"]
    return torch.where((left == 0) & (right <= 0), 0.0, right.log())


def _xlog1py_slope(call: Operands) -> Tensor:
    left, right = call["self"], call["other"]
    return torch.where((left == 0) & (right <= -1), 0.0, right.log1p())


def _sinc_slope(x: Tensor) -> Tensor:
    """Of sin(πx)/(πx)."""
    return torch.where(x == 0, 0.0, ((math.pi * x).cos() - x.sinc()) / x)


def _logit_rule(call: Operands) -> str:
    if not call.has("eps"):
        return filled("1/({self}·(1 − {self}))", call.word)
    bound = plain(call.number("eps"))
    return filled(f"1/({{self}}·(1 − {{self}})) where {bound} ≤ {{self}} ≤ 1 − {bound}, else 0", call.word)


def _logit_slope(call: Operands) -> Tensor:
    """NaN outside of 0 … 1, as PyTorch takes it; 0 where the operand was held at a bound."""
    x = call["self"]
    slope = 1 / (x * (1 - x))
    if not call.has("eps"):
        return torch.where((x < 0) | (x > 1), math.nan, slope)
    bound = call.number("eps")
    return torch.where((x < bound) | (x > 1 - bound), 0.0, slope)


def _copysign_slope(call: Operands) -> Tensor:
    """1 where the sign stayed, −1 where it was turned, 0 at 0."""
    x, sign = call["self"], call["other"]
    return torch.where(x == 0, 0.0, torch.copysign(torch.ones_like(x), x) * torch.copysign(torch.ones_like(sign), sign))


def _polygamma_rule(call: Operands) -> str:
    return f"polygamma({int(call.number('n')) + 1}, {call.word('self')})"


def _polygamma_slope(call: Operands) -> Tensor:
    return torch.polygamma(int(call.number("n")) + 1, call["self"])


def _mvlgamma_rule(call: Operands) -> str:
    last = plain((1 - int(call.number("p"))) / 2)
    return f"Σ digamma({call.word('self')} + k) for k = 0, −½, …, {last}"


def _mvlgamma_slope(call: Operands) -> Tensor:
    x = call["self"]
    return torch.stack([(x - k / 2).digamma() for k in range(int(call.number("p")))]).sum(0)


def _larger_number(call: Operands) -> Tensor:
    """Of fmax, which passes over NaN: 1 where the left one was taken, which it is of two that are equal."""
    return ((call["self"] >= call["other"]) | call["other"].isnan()).to(torch.float64)


def _smaller_number(call: Operands) -> Tensor:
    return ((call["self"] <= call["other"]) | call["other"].isnan()).to(torch.float64)


def _second_bessel(x: Tensor) -> Tensor:
    """I₁(x)/x, ½ at 0."""
    return torch.where(x == 0, 0.5, torch.special.i1(x) / x)


def _scaled_second_bessel(x: Tensor) -> Tensor:
    return torch.where(x == 0, 0.5, torch.special.i1e(x) / x)


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
    "logaddexp2": {
        "self": Slope("1/(1 + 2^({other} − {self}))", lambda call: 1 / (1 + (call["other"] - call["self"]).exp2())),
        "other": Slope("1/(1 + 2^({self} − {other}))", lambda call: 1 / (1 + (call["self"] - call["other"]).exp2())),
    },
    "special_xlog1py": {
        "self": Slope("log(1 + {other})", _xlog1py_slope),
        "other": Slope("{self}/(1 + {other})", lambda call: call["self"] / (1 + call["other"])),
    },
    "logit": {"self": Slope(_logit_rule, _logit_slope)},
    "copysign": {"self": Slope("sign({self})·sign({other})", _copysign_slope), "other": constant("0", 0)},
    "polygamma": {"self": Slope(_polygamma_rule, _polygamma_slope)},
    "mvlgamma": {"self": Slope(_mvlgamma_rule, _mvlgamma_slope)},
    "i0": _of_one("i1({self})", torch.special.i1),
    "special_i0e": _of_one(
        "i1e({self}) − sign({self})·i0e({self})", lambda x: torch.special.i1e(x) - x.sign() * torch.special.i0e(x)
    ),
    "special_i1": _of_one("i0({self}) − i1({self})/{self}, ½ at 0", lambda x: torch.i0(x) - _second_bessel(x)),
    "special_i1e": _of_one(
        "i0e({self}) − i1e({self})·(sign({self}) + 1/{self}), ½ at 0",
        lambda x: torch.special.i0e(x) - x.sign() * torch.special.i1e(x) - _scaled_second_bessel(x),
    ),
    "special_entr": _of_one("−log({self}) − 1", lambda x: -x.log() - 1),
    "special_erfcx": _of_one(
        "2·{self}·erfcx({self}) − 2/√π", lambda x: 2 * x * torch.special.erfcx(x) - 2 / math.sqrt(math.pi)
    ),
    "special_ndtri": _of_one(
        "1/φ(ndtri({self}))", lambda x: math.sqrt(2 * math.pi) * (torch.special.ndtri(x) ** 2 / 2).exp()
    ),
    "special_log_ndtr": _of_one(
        "φ({self})/Φ({self})",
        lambda x: (-(x**2) / 2 - torch.special.log_ndtr(x)).exp() / math.sqrt(2 * math.pi),
    ),
    "ldexp": {
        "self": Slope("2^{other}", lambda call: call["other"].exp2()),
        "other": Slope("{self}·2^{other}·log(2)", lambda call: call["self"] * call["other"].exp2() * math.log(2)),
    },
    "frexp": {"self": Slope("1/2^exponent", lambda call: (-call.output(1).to("cpu", torch.float64)).exp2())},
    "normal": {"mean": constant("0", 0), "std": constant("0", 0)},
    "fmax": {
        "self": Slope("1 where {self} ≥ {other}, else 0", _larger_number),
        "other": Slope("1 where {other} > {self}, else 0", lambda call: 1 - _larger_number(call)),
    },
    "fmin": {
        "self": Slope("1 where {self} ≤ {other}, else 0", _smaller_number),
        "other": Slope("1 where {other} < {self}, else 0", lambda call: 1 - _smaller_number(call)),
    },
    "angle": FLAT,
    **dict.fromkeys(("floor", "ceil", "round", "trunc", "sign", "sgn", "heaviside"), FLAT),
}
