"""Slopes of activations and of masks: relu and its kin, clamping, choosing, dropout."""

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Rules, Slope, constant
from fallline._backprop._rule_operands import NotKeptError, Operands, exactly, plain
from fallline._backprop._rule_wording import filled

TANH_SCALE: Final = math.sqrt(2 / math.pi)
TANH_CUBIC: Final = 0.044715
"""Of gelu's tanh formula (Hendrycks and Gimpel 2016)."""


def one_where(condition: Tensor) -> Tensor:
    """1 where it holds, else 0."""
    return condition.to(torch.float64)


def _not_below(x: Tensor, bound: float) -> Tensor:
    """1 above the bound and for NaN, 0 at it and below: as PyTorch's threshold."""
    return torch.where(x <= bound, 0.0, 1.0)


def _clamp_rule(call: Operands) -> str:
    least = "{min} ≤ " if call.has("min") else ""
    most = " ≤ {max}" if call.has("max") else ""
    return filled(f"1 where {least}{{self}}{most}, else 0", call.word)


def _clamp_slope(call: Operands) -> Tensor:
    """1 at a bound as well."""
    x = call["self"]
    inside = torch.ones_like(x, dtype=torch.bool)
    if call.has("min"):
        inside = inside & (x >= call["min"])
    if call.has("max"):
        inside = inside & (x <= call["max"])
    return one_where(inside)


def _lower_bound_slope(call: Operands) -> Tensor:
    """Of the least value, where it is a tensor: 1 where it was taken."""
    taken = call["self"] < call["min"]
    return one_where(taken & (call["min"] < call["max"]) if call.has("max") else taken)


def _upper_bound_slope(call: Operands) -> Tensor:
    taken = call["self"] > call["max"]
    return one_where(taken | (call["max"] < call["min"]) if call.has("min") else taken)


def _lower_bound_rule(call: Operands) -> str:
    return filled("1 where {self} < {min}" + (" < {max}" if call.has("max") else "") + ", else 0", call.word)


def _upper_bound_rule(call: Operands) -> str:
    return filled("1 where {self} > {max}" + (" or {max} < {min}" if call.has("min") else "") + ", else 0", call.word)


def _leaky_rule(call: Operands) -> str:
    return filled("1 where {self} > 0, else ", call.word) + plain(call.number("negative_slope", 0.01))


def _leaky_slope(call: Operands) -> Tensor:
    x = call["self"]
    return torch.where(x > 0, torch.ones_like(x), call.number("negative_slope", 0.01))


def _drawn_rule(call: Operands) -> str:
    if call.given("training", False):
        return filled("1 where {self} > 0, else the slope that was drawn", call.word)
    return filled(f"1 where {{self}} > 0, else {plain(_mean_slope(call))}", call.word)


def _mean_slope(call: Operands) -> float:
    return (call.number("lower", 1 / 8) + call.number("upper", 1 / 3)) / 2


def _drawn_slope(call: Operands) -> Tensor:
    """What was drawn is told by the output alone: the noise is written while the operation runs."""
    x = call["self"]
    if not call.given("training", False):
        return torch.where(x > 0, torch.ones_like(x), _mean_slope(call))
    if (x == 0).any():
        raise NotKeptError
    return torch.where(x > 0, 1.0, call.output().to("cpu", torch.float64) / x)


def _elu_numbers(call: Operands) -> tuple[float, float, float]:
    """alpha, scale, input_scale."""
    return call.number("alpha"), call.number("scale"), call.number("input_scale")


def _elu_rule(call: Operands) -> str:
    alpha, scale, inner = _elu_numbers(call)
    factor = "" if alpha * scale * inner == 1 else f"{plain(alpha * scale * inner)}·"
    inside = "{self}" if inner == 1 else f"{plain(inner)}·{{self}}"
    return filled(f"{plain(scale)} where {{self}} > 0, else {factor}exp({inside})", call.word)


def _elu_slope(call: Operands) -> Tensor:
    x = call["self"]
    alpha, scale, inner = _elu_numbers(call)
    return torch.where(x <= 0, inner * alpha * scale * (x * inner).exp(), scale)


def _celu_rule(call: Operands) -> str:
    alpha = call.number("alpha")
    inside = "{self}" if alpha == 1 else f"{{self}}/{plain(alpha)}"
    return filled(f"1 where {{self}} > 0, else exp({inside})", call.word)


def _celu_slope(call: Operands) -> Tensor:
    x = call["self"]
    return torch.where(x <= 0, (x / call.number("alpha")).exp(), 1.0)


def _gelu_rule(call: Operands) -> str:
    if call.given("approximate") == "tanh":
        bent = "tanh(√(2/π)·({self} + 0.044715·{self}³))"
        return filled(f"½·(1 + t) + ½·{{self}}·(1 − t²)·√(2/π)·(1 + 0.134145·{{self}}²), t = {bent}", call.word)
    return filled("Φ({self}) + {self}·φ({self})", call.word)


def _gelu_slope(call: Operands) -> Tensor:
    x = call["self"]
    if call.given("approximate") == "tanh":
        bent = (TANH_SCALE * (x + TANH_CUBIC * x**3)).tanh()
        return 0.5 * (1 + bent) + 0.5 * x * (1 - bent**2) * TANH_SCALE * (1 + 3 * TANH_CUBIC * x**2)
    return 0.5 * (1 + (x / math.sqrt(2)).erf()) + x * (-(x**2) / 2).exp() / math.sqrt(2 * math.pi)


def _silu_slope(call: Operands) -> Tensor:
    x = call["self"]
    return x.sigmoid() * (1 + x * (-x).sigmoid())


def _mish_slope(call: Operands) -> Tensor:
    x = call["self"]
    bent = torch.nn.functional.softplus(x).tanh()
    return bent + x * (1 - bent**2) * x.sigmoid()


def _softplus_rule(call: Operands) -> str:
    beta = call.number("beta")
    return filled("σ({self})" if beta == 1 else f"σ({plain(beta)}·{{self}})", call.word)


def _softplus_slope(call: Operands) -> Tensor:
    scaled = call["self"] * call.number("beta")
    return torch.where(scaled > call.number("threshold", 20), 1.0, scaled.sigmoid())


def _hardswish_slope(call: Operands) -> Tensor:
    x = call["self"]
    return torch.where(x <= -3, 0.0, torch.where(x < 3, x / 3 + 0.5, 1.0))


def _hardsigmoid_slope(call: Operands) -> Tensor:
    x = call["self"]
    return one_where((x > -3) & (x < 3)) / 6


def _hardtanh_slope(call: Operands) -> Tensor:
    """0 at a bound: PyTorch's clamp says 1 there, its hardtanh and relu6 do not."""
    x = call["self"]
    return torch.where((x <= call.number("min_val", -1)) | (x >= call.number("max_val")), 0.0, 1.0)


def _shrinks(rule: str, condition: Callable[[Tensor, float], Tensor]) -> Slope:
    return Slope(rule, lambda call: one_where(condition(call["self"], call.number("lambd", 0.5))))


def _kept_share(call: Operands) -> float:
    """What dropout divides by: the share that is kept, or 1 where it is at rest."""
    return 1 - call.number("p") if call.given("train", True) else 1.0


def _dropout_rule(call: Operands) -> str:
    if not call.given("train", True):
        return "1"
    return f"1/{plain(_kept_share(call))} where kept, 0 where dropped"


def _dropout_slope(call: Operands) -> Tensor:
    if not call.given("train", True):
        return exactly(1.0)
    return call.output(1).to("cpu", torch.float64) / max(_kept_share(call), torch.finfo(torch.float64).tiny)


def _chosen(name: str) -> Callable[[Operands], Tensor]:
    return lambda call: one_where(call.exact(name).to("cpu", torch.bool))


def _left(name: str) -> Callable[[Operands], Tensor]:
    return lambda call: 1 - one_where(call.exact(name).to("cpu", torch.bool))


ACTIVATIONS: Final[Rules] = {
    "relu": {"self": Slope("1 where {self} > 0, else 0", lambda call: _not_below(call["self"], 0))},
    "threshold": {
        "self": Slope(
            "1 where {self} > {threshold}, else 0", lambda call: _not_below(call["self"], call.number("threshold"))
        )
    },
    "hardtanh": {"self": Slope("1 where {min_val} < {self} < {max_val}, else 0", _hardtanh_slope)},
    "clamp": {
        "self": Slope(_clamp_rule, _clamp_slope),
        "min": Slope(_lower_bound_rule, _lower_bound_slope),
        "max": Slope(_upper_bound_rule, _upper_bound_slope),
    },
    "clamp_min": {
        "self": Slope(_clamp_rule, _clamp_slope),
        "min": Slope(_lower_bound_rule, _lower_bound_slope),
    },
    "clamp_max": {
        "self": Slope(_clamp_rule, _clamp_slope),
        "max": Slope(_upper_bound_rule, _upper_bound_slope),
    },
    "leaky_relu": {"self": Slope(_leaky_rule, _leaky_slope)},
    "_prelu_kernel": {
        "self": Slope(
            "1 where {self} > 0, else {weight}",
            lambda call: torch.where(call["self"] > 0, torch.ones_like(call["weight"]), call["weight"]),
        ),
        "weight": Slope(
            "0 where {self} > 0, else {self}", lambda call: torch.where(call["self"] > 0, 0.0, call["self"])
        ),
    },
    "rrelu_with_noise": {"self": Slope(_drawn_rule, _drawn_slope)},
    "elu": {"self": Slope(_elu_rule, _elu_slope)},
    "celu": {"self": Slope(_celu_rule, _celu_slope)},
    "gelu": {"self": Slope(_gelu_rule, _gelu_slope)},
    "silu": {"self": Slope("σ({self})·(1 + {self}·(1 − σ({self})))", _silu_slope)},
    "mish": {"self": Slope("t + {self}·(1 − t²)·σ({self}), t = tanh(softplus({self}))", _mish_slope)},
    "softplus": {"self": Slope(_softplus_rule, _softplus_slope)},
    "log_sigmoid_forward": {"self": Slope("1 − σ({self})", lambda call: (-call["self"]).sigmoid())},
    "hardswish": {
        "self": Slope("{self}/3 + ½ where −3 < {self} < 3, 0 below, 1 above", _hardswish_slope),
    },
    "hardsigmoid": {"self": Slope("1/6 where −3 < {self} < 3, else 0", _hardsigmoid_slope)},
    "hardshrink": {"self": _shrinks("1 where |{self}| > {lambd}, else 0", lambda x, bound: x.abs() > bound)},
    "softshrink": {"self": _shrinks("1 where |{self}| > {lambd}, else 0", lambda x, bound: x.abs() > bound)},
    "where": {
        "self": Slope("1 where {condition}, else 0", _chosen("condition")),
        "other": Slope("0 where {condition}, else 1", _left("condition")),
    },
    "masked_fill": {
        "self": Slope("0 where {mask}, else 1", _left("mask")),
        "value": Slope("1 where {mask}, else 0", _chosen("mask")),
    },
    "native_dropout": {"input": Slope(_dropout_rule, _dropout_slope)},
    **{op: {"self": constant("1", 1)} for op in ("_to_copy", "clone", "alias", "alias_copy", "lift_fresh", "lift")},
    "copy": {"src": constant("1", 1), "self": constant("0", 0)},
    "fill": {"value": constant("1", 1), "self": constant("0", 0)},
    "zero": {"self": constant("0", 0)},
    "bernoulli": {"self": constant("0", 0)},
}
