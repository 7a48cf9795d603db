"""Slopes of steps back, as a derivative of a derivative meets them: ``tanh_backward``, ``softplus_backward``.

Each is the arriving gradient times a slope: to the gradient that slope is the local derivative, to the operand it is
the gradient times the second derivative.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Formula, Rule, Rules, Slope, Step, Wording, constant, said
from fallline._backprop._rule_operands import NotKeptError, Operands, exactly, plain
from fallline._backprop._rule_wording import filled, grouped
from fallline._backprop._rules_activations import ACTIVATIONS, TANH_CUBIC, TANH_SCALE, one_where

ARRIVED: Final = ("grad_output", "grad_out")


def _arrived(call: Operands) -> str:
    return ARRIVED[0] if ARRIVED[0] in call.ran.names else ARRIVED[1]


def _times_arrived(rule: Wording, value: Formula) -> Slope:
    """To the operand: what arrived in the first pass back, times the second derivative."""

    def text(call: Operands) -> str:
        bent = said(rule, call)
        return "0" if bent == "0" else f"{grouped(call.word(_arrived(call)))}·{_factor(bent)}"

    return Slope(text, lambda call: call[_arrived(call)] * value(call))


def _factor(text: str) -> str:
    return f"({text})" if " where " in text or ", " in text else text


def _as_forward(op: str) -> Rule:
    """To what arrived: the slope of the operation itself."""
    return ACTIVATIONS[op]["self"]


def _level(_: Operands) -> Tensor:
    return exactly(0.0)


LEVEL: Final = _times_arrived("0", _level)
"""Of what is made of straight pieces."""


def _sigmoid_bend(x: Tensor) -> Tensor:
    """σ·(1 − σ)."""
    return x.sigmoid() * (-x).sigmoid()


def _softplus_bend_rule(call: Operands) -> str:
    beta = call.number("beta")
    inside = filled("{self}" if beta == 1 else f"{plain(beta)}·{{self}}", call.word)
    factor = "" if beta == 1 else f"{plain(beta)}·"
    return f"{factor}σ({inside})·(1 − σ({inside}))"


def _softplus_bend(call: Operands) -> Tensor:
    beta = call.number("beta")
    scaled = call["self"] * beta
    return torch.where(scaled > call.number("threshold", 20), 0.0, beta * _sigmoid_bend(scaled))


def _gelu_bend_rule(call: Operands) -> str:
    if call.given("approximate") == "tanh":
        return filled("gelu″({self}) by its tanh formula", call.word)
    return filled("(2 − {self}²)·φ({self})", call.word)


def _gelu_bend(call: Operands) -> Tensor:
    x = call["self"]
    if call.given("approximate") != "tanh":
        return (2 - x**2) * (-(x**2) / 2).exp() / math.sqrt(2 * math.pi)
    bent = (TANH_SCALE * (x + TANH_CUBIC * x**3)).tanh()
    inner, curved = TANH_SCALE * (1 + 3 * TANH_CUBIC * x**2), 6 * TANH_SCALE * TANH_CUBIC * x
    return (1 - bent**2) * (inner + x * (curved / 2 - bent * inner**2))


def _elu_numbers(call: Operands) -> tuple[float, float, float]:
    if call.given("is_result", False):
        raise NotKeptError  # of an operation in place the result is there, not the operand
    return call.number("alpha"), call.number("scale"), call.number("input_scale")


def _elu_rule(call: Operands) -> str:
    if call.given("is_result", False):
        return "the slope of elu"
    alpha, scale, inner = _elu_numbers(call)
    most = alpha * scale * inner
    factor = "" if most == 1 else f"{plain(most)}·"
    inside = "{self_or_result}" if inner == 1 else f"{plain(inner)}·{{self_or_result}}"
    return filled(f"{plain(scale)} where {{self_or_result}} > 0, else {factor}exp({inside})", call.word)


def _elu_slope(call: Operands) -> Tensor:
    x = call["self_or_result"]
    alpha, scale, inner = _elu_numbers(call)
    return torch.where(x <= 0, inner * alpha * scale * (x * inner).exp(), scale)


def _elu_bend_rule(call: Operands) -> str:
    if call.given("is_result", False):
        return "the second derivative of elu"
    alpha, scale, inner = _elu_numbers(call)
    most = alpha * scale * inner**2
    factor = "" if most == 1 else f"{plain(most)}·"
    inside = "{self_or_result}" if inner == 1 else f"{plain(inner)}·{{self_or_result}}"
    return filled(f"0 where {{self_or_result}} > 0, else {factor}exp({inside})", call.word)


def _elu_bend(call: Operands) -> Tensor:
    x = call["self_or_result"]
    alpha, scale, inner = _elu_numbers(call)
    return torch.where(x <= 0, inner**2 * alpha * scale * (x * inner).exp(), 0.0)


def _drawn_rule(call: Operands) -> str:
    if call.given("training", False):
        return filled("1 where {self} > 0, else the slope that was drawn", call.word)
    return filled(f"1 where {{self}} > 0, else {plain(_mean_slope(call))}", call.word)


def _mean_slope(call: Operands) -> float:
    return (call.number("lower") + call.number("upper")) / 2


def _drawn_slope(call: Operands) -> Tensor:
    if call.given("training", False):
        return call["noise"]
    return torch.where(call["self"] > 0, torch.ones_like(call["self"]), _mean_slope(call))


def _hardswish_bend(call: Operands) -> Tensor:
    x = call["self"]
    return one_where((x > -3) & (x < 3)) / 3


def _kept(call: Operands) -> Tensor:
    return call["mask"] * call.number("scale")


def _per_entry(call: Operands) -> float:
    """What a mean over n entries divides by; what is none divides by 1."""
    return float(math.prod(call.shape("self"))) if call.given("reduction", 1) == 1 else 1.0


def _loss(rule: str, value: Callable[[Operands], Tensor], sign: int = 1) -> Slope:
    """To prediction and target: what arrived, times the loss's second derivative, over n of a mean."""

    def text(call: Operands) -> str:
        over = _per_entry(call)
        factors = [grouped(call.word(name)) for name in ("grad_output", "weight") if call.has(name)]
        text = "·".join([*factors, _factor(filled(rule, call.word))])
        return f"{'−' if sign < 0 else ''}{text}" + ("" if over == 1 else f"/{plain(int(over))}")

    def slope(call: Operands) -> Tensor:
        weight = call["weight"] if call.has("weight") else exactly(1.0)
        return sign * call["grad_output"] * weight * value(call) / _per_entry(call)

    return Slope(text, slope)


def _both(rule: str, value: Callable[[Operands], Tensor]) -> dict[str, Rule]:
    """Of a loss of the difference alone."""
    return {"self": _loss(rule, value), "target": _loss(rule, value, -1)}


def _two(_: Operands) -> Tensor:
    return exactly(2.0)


def _smooth_bend(call: Operands) -> Tensor:
    near = (call["self"] - call["target"]).abs() < call.number("beta")
    return one_where(near) / call.number("beta")


def _entropy_bend(call: Operands) -> Tensor:
    p, target = call["self"], call["target"]
    return (p**2 - 2 * p * target + target) / (p * (1 - p)) ** 2


def _huber_bend(call: Operands) -> Tensor:
    return one_where((call["self"] - call["target"]).abs() <= call.number("delta"))


def _softmax_arrived_rule(call: Operands) -> str:
    out = grouped(call.word("output"))
    return f"{out}·(grad − Σ grad·{out})"


def _softmax_out_rule(call: Operands) -> str:
    """Of p·(g − Σ g·p), to p."""
    arrived, out = grouped(call.word("grad_output")), grouped(call.word("output"))
    return f"grad·{arrived} − grad·Σ {arrived}·{out} − {arrived}·Σ grad·{out}"


def _log_softmax_out_rule(call: Operands) -> str:
    return f"−exp({call.word('output')})·grad·Σ {grouped(call.word('grad_output'))}"


def _log_softmax_arrived_rule(call: Operands) -> str:
    return f"grad − Σ grad·exp({call.word('output')})"


def _linear(op: str) -> Step:
    """A step back is Jᵀ @ g, whatever it goes through: to g it is J, which is the forward step's own."""
    return Step(f"J @ grad, J the Jacobian of {op}")


_DROPOUT: Final[dict[str, Rule]] = {"grad_output": Slope("{scale} where kept, 0 where dropped", _kept)}
_PICKED: Final = Step("grad at the places taken")
_PLACES: Final[Mapping[str, str]] = {
    "max_pool2d_with_indices": "max_pool2d",
    "max_pool3d_with_indices": "max_pool3d",
    "adaptive_max_pool2d": "adaptive_max_pool2d",
    "adaptive_max_pool3d": "adaptive_max_pool3d",
    "fractional_max_pool2d": "fractional_max_pool2d",
    "fractional_max_pool3d": "fractional_max_pool3d",
    "avg_pool2d": "avg_pool2d",
    "avg_pool3d": "avg_pool3d",
    "_adaptive_avg_pool2d": "adaptive_avg_pool2d",
    "_adaptive_avg_pool3d": "adaptive_avg_pool3d",
    "reflection_pad1d": "reflection_pad1d",
    "reflection_pad2d": "reflection_pad2d",
    "reflection_pad3d": "reflection_pad3d",
    "replication_pad1d": "replication_pad1d",
    "replication_pad2d": "replication_pad2d",
    "replication_pad3d": "replication_pad3d",
}
"""Operations whose step back moves numbers alone: how far the operand's own numbers go does not matter to it."""
_LINEAR: Final[Mapping[str, str]] = {
    "embedding_dense": "embedding",
    "upsample_nearest1d": "upsample_nearest1d",
    "upsample_nearest2d": "upsample_nearest2d",
    "upsample_nearest3d": "upsample_nearest3d",
    "upsample_linear1d": "upsample_linear1d",
    "upsample_bilinear2d": "upsample_bilinear2d",
    "upsample_trilinear3d": "upsample_trilinear3d",
    "upsample_bicubic2d": "upsample_bicubic2d",
    "glu": "glu",
}
"""Operations whose step back is told to what arrived alone, with people's word for them."""
_LOSSES: Final[Rules] = {
    "mse_loss_backward": {"grad_output": _linear("mse_loss"), **_both("2", _two)},
    "smooth_l1_loss_backward": {
        "grad_output": _linear("smooth_l1_loss"),
        **_both("1/{beta} where |{self} − {target}| < {beta}, else 0", _smooth_bend),
    },
    "huber_loss_backward": {
        "grad_output": _linear("huber_loss"),
        **_both("1 where |{self} − {target}| ≤ {delta}, else 0", _huber_bend),
    },
    "soft_margin_loss_backward": {
        "grad_output": _linear("soft_margin_loss"),
        "self": _loss(
            "{target}²·σ({target}·{self})·σ(−{target}·{self})",
            lambda call: call["target"] ** 2 * _sigmoid_bend(call["target"] * call["self"]),
        ),
    },
    "binary_cross_entropy_backward": {
        "grad_output": _linear("binary_cross_entropy"),
        "self": _loss("({self}² − 2·{self}·{target} + {target})/({self}·(1 − {self}))²", _entropy_bend),
        "target": _loss("1/({self}·(1 − {self}))", lambda call: 1 / (call["self"] * (1 - call["self"])), -1),
    },
    "nll_loss_backward": {"grad_output": _linear("nll_loss"), "self": constant("0", 0)},
    "nll_loss2d_backward": {"grad_output": _linear("nll_loss"), "self": constant("0", 0)},
}

STEPS_BACK: Final[Rules] = {
    "tanh_backward": {
        "grad_output": Slope("1 − {output}²", lambda call: 1 - call["output"] ** 2),
        "output": Slope("−2·{grad_output}·{output}", lambda call: -2 * call["grad_output"] * call["output"]),
    },
    "sigmoid_backward": {
        "grad_output": Slope("{output}·(1 − {output})", lambda call: call["output"] * (1 - call["output"])),
        "output": Slope("{grad_output}·(1 − 2·{output})", lambda call: call["grad_output"] * (1 - 2 * call["output"])),
    },
    "softplus_backward": {
        "grad_output": _as_forward("softplus"),
        "self": _times_arrived(_softplus_bend_rule, _softplus_bend),
    },
    "log_sigmoid_backward": {
        "grad_output": _as_forward("log_sigmoid_forward"),
        "self": _times_arrived("(−σ({self}))·(1 − σ({self}))", lambda call: -_sigmoid_bend(call["self"])),
    },
    "gelu_backward": {"grad_output": _as_forward("gelu"), "self": _times_arrived(_gelu_bend_rule, _gelu_bend)},
    "elu_backward": {
        "grad_output": Slope(_elu_rule, _elu_slope),
        "self_or_result": _times_arrived(_elu_bend_rule, _elu_bend),
    },
    "hardswish_backward": {
        "grad_output": _as_forward("hardswish"),
        "self": _times_arrived("1/3 where −3 < {self} < 3, else 0", _hardswish_bend),
    },
    "threshold_backward": {"grad_output": _as_forward("threshold"), "self": LEVEL},
    "hardtanh_backward": {"grad_output": _as_forward("hardtanh"), "self": LEVEL},
    "leaky_relu_backward": {"grad_output": _as_forward("leaky_relu"), "self": LEVEL},
    "hardsigmoid_backward": {"grad_output": _as_forward("hardsigmoid"), "self": LEVEL},
    "hardshrink_backward": {"grad_out": _as_forward("hardshrink"), "self": LEVEL},
    "softshrink_backward": {"grad_output": _as_forward("softshrink"), "self": LEVEL},
    "rrelu_with_noise_backward": {"grad_output": Slope(_drawn_rule, _drawn_slope), "self": LEVEL},
    "native_dropout_backward": _DROPOUT,
    "convolution_backward": {
        "grad_output": _linear("the convolution"),
        "input": Step("as the convolution's own step back to its input, with grad in the weight's place"),
        "weight": Step("as the convolution's own step back to its weight, with grad in the input's place"),
    },
    "native_layer_norm_backward": {"grad_out": _linear("layer_norm")},
    "native_batch_norm_backward": {"grad_out": _linear("batch_norm")},
    "native_group_norm_backward": {"grad_out": _linear("group_norm")},
    "_softmax_backward_data": {
        "grad_output": Step(_softmax_arrived_rule),
        "output": Step(_softmax_out_rule),
    },
    "_log_softmax_backward_data": {
        "grad_output": Step(_log_softmax_arrived_rule),
        "output": Step(_log_softmax_out_rule),
    },
    **_LOSSES,
    **{op: {"grad_output": _PICKED} for op in ("slice_backward", "select_backward", "diagonal_backward")},
    **{f"{op}_backward": {"grad_output": _linear(called)} for op, called in _LINEAR.items()},
    **{f"{op}_backward": {"grad_output": _linear(called), "self": constant("0", 0)} for op, called in _PLACES.items()},
}
