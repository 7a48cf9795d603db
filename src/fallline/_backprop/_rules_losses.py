"""Slopes of losses to a prediction and to its target, over the count where the loss is a mean."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Rules, Share, Step
from fallline._backprop._rule_operands import NotKeptError, Operands, plain
from fallline._backprop._rule_wording import filled, grouped, minus
from fallline._records import LocalDerivative

MEAN: Final = 1
"""ATen's number of ``reduction="mean"``; 0 is none, 2 the sum."""
SMALLEST_SPREAD: Final = 1e-12
"""PyTorch divides by at least that in binary_cross_entropy."""


@dataclass(frozen=True)
class _LossShare:
    """Entry by entry a slope; of a mean over n entries one n-th of it."""

    rule: str | Callable[[Operands], str]
    value: Callable[[Operands], Tensor]

    def local(self, call: Operands, name: str) -> LocalDerivative:
        count = math.prod(call.shape("self")) if call.given("reduction", MEAN) == MEAN else 1

        def text(call: Operands) -> str:
            slope = filled(self.rule, call.word) if isinstance(self.rule, str) else self.rule(call)
            return slope if count == 1 else f"{_factor(slope)}/{count}"

        return Share(text, lambda call: self.value(call) / count).local(call, name)


def _factor(text: str) -> str:
    """With parentheses around a sum or a sentence, none around a product."""
    return grouped(text) if any(mark in text for mark in (" ", "/")) and not _product(text) else text


def _product(text: str) -> bool:
    """Whether it is "2·(…)" with no space outside of the parentheses."""
    depth, outside = 0, []
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            outside.append(letter)
    return " " not in outside and "/" not in outside


def _away(call: Operands) -> Tensor:
    return call["self"] - call["target"]


def _smooth_slope(call: Operands) -> Tensor:
    away, bend = _away(call), call.number("beta")
    return torch.where(away.abs() < bend, away / bend, away.sign()) if bend > 0 else away.sign()


def _huber_slope(call: Operands) -> Tensor:
    away, bend = _away(call), call.number("delta")
    return torch.where(away.abs() <= bend, away, bend * away.sign())


def _smooth_rule(call: Operands) -> str:
    bend = call.number("beta")
    near = "{self} − {target}" if bend == 1 else f"({{self}} − {{target}})/{plain(bend)}"
    return filled(f"{near} where |{{self}} − {{target}}| < {plain(bend)}, else its sign", call.word)


def _huber_rule(call: Operands) -> str:
    bend = call.number("delta")
    far = "its sign" if bend == 1 else f"{plain(bend)}·its sign"
    return filled(f"{{self}} − {{target}} where |{{self}} − {{target}}| ≤ {plain(bend)}, else {far}", call.word)


def _weighted(call: Operands, slope: Tensor) -> Tensor:
    return slope * call["weight"] if call.has("weight") else slope


def _weighted_rule(call: Operands, text: str) -> str:
    return f"{grouped(call.word('weight'))}·{grouped(text)}" if call.has("weight") else text


def _entropy_slope(call: Operands) -> Tensor:
    p = call["self"]
    return _weighted(call, _away(call) / (p * (1 - p)).clamp(min=SMALLEST_SPREAD))


def _spread(call: Operands) -> str:
    """p(1 − p), with the bound of PyTorch where an entry is so near to 0 or 1 that it matters."""
    return "max({self}·(1 − {self}), 10⁻¹²)" if _held(call) else "({self}·(1 − {self}))"


def _held(call: Operands) -> bool:
    """Whether a probability is so near to 0 or 1 that PyTorch holds the loss and its slope."""
    try:
        p = call["self"]
    except NotKeptError:
        return False
    return bool((p * (1 - p) < SMALLEST_SPREAD).any())


def _entropy_target_slope(call: Operands) -> Tensor:
    p = call["self"]
    return _weighted(call, (1 - p).log() - p.log())


def _logits_slope(call: Operands) -> Tensor:
    sure, target = call["self"].sigmoid(), call["target"]
    if call.has("pos_weight"):
        weight = call["pos_weight"]
        return _weighted(call, (weight * target + 1 - target) * sure - weight * target)
    return _weighted(call, sure - target)


def _logits_rule(call: Operands) -> str:
    if call.has("pos_weight"):
        text = filled("(w·{target} + 1 − {target})·σ({self}) − w·{target}", call.word)
        return _weighted_rule(call, text) + ", w the weight of positives"
    return _weighted_rule(call, filled("σ({self}) − {target}", call.word))


def _logits_target_rule(call: Operands) -> str:
    if call.has("pos_weight"):
        text = filled("log(σ(−{self})) − w·log(σ({self}))", call.word)
        return _weighted_rule(call, text) + ", w the weight of positives"
    return _weighted_rule(call, minus(call.word("self")))


def _logits_target_slope(call: Operands) -> Tensor:
    x = call["self"]
    positive = torch.nn.functional.logsigmoid(x) * (call["pos_weight"] if call.has("pos_weight") else 1)
    return _weighted(call, torch.nn.functional.logsigmoid(-x) - positive)


def _classes(call: Operands) -> Tensor:
    """In the input's shape: a row's weight at its target's class, 0 elsewhere and where the target is ignored."""
    shape, target = call.shape("self"), call.exact("target").to("cpu", torch.int64)
    axis = 0 if len(shape) == 1 else 1
    ignored = target == int(call.number("ignore_index", -100))
    weight = call["weight"] if call.has("weight") else torch.ones(shape[axis], dtype=torch.float64)
    safe = torch.where(ignored, 0, target)
    weighed = torch.where(ignored, 0.0, weight[safe])
    return torch.zeros(shape, dtype=torch.float64).scatter(axis, safe.unsqueeze(axis), weighed.unsqueeze(axis))


def _nll_share(call: Operands) -> Tensor:
    chosen = _classes(call)
    return -chosen / chosen.sum() if call.given("reduction", MEAN) == MEAN else -chosen


def _nll_rule(call: Operands) -> str:
    if call.has("weight"):
        over = "/Σ weight" if call.given("reduction", MEAN) == MEAN else ""
        return f"−weight{over} at the target's class, else 0"
    rows = math.prod(call.shape("target"))
    over = f"/{rows}" if call.given("reduction", MEAN) == MEAN and rows != 1 else ""
    return f"−1{over} at the target's class, else 0"


def _margin_rule(call: Operands) -> str:
    classes, order = call.shape("self")[-1], call.number("p")
    rows = math.prod(call.shape("self")[:-1]) if call.given("reduction", MEAN) == MEAN else 1
    slope = "2·z" if order == 2 else "1"
    factor = "weight·" if call.has("weight") else ""
    return (
        f"{factor}{slope}/{classes * rows} where z > 0, else 0, and at the target's class minus their sum; "
        f"z = {plain(call.number('margin'))} − {call.word('self')} at the target's class + {call.word('self')}"
    )


def _margin_share(call: Operands) -> Tensor:
    x, order = call["self"], call.number("p")
    target = call.exact("target").to("cpu", torch.int64).reshape(*x.shape[:-1], 1)
    z = call.number("margin") - x.gather(-1, target) + x
    slope = torch.where(z > 0, order * z.clamp(min=0) ** (order - 1), 0.0).scatter(-1, target, 0.0) / x.shape[-1]
    if call.has("weight"):
        slope = slope * call["weight"][target]
    slope = slope - torch.zeros_like(slope).scatter(-1, target, slope.sum(-1, keepdim=True))
    return slope / (target.numel() if call.given("reduction", MEAN) == MEAN else 1)


_NLL = Share(_nll_rule, _nll_share)

LOSSES: Final[Rules] = {
    "mse_loss": {
        "self": _LossShare("2·({self} − {target})", lambda call: 2 * _away(call)),
        "target": _LossShare("−2·({self} − {target})", lambda call: -2 * _away(call)),
    },
    "smooth_l1_loss": {
        "self": _LossShare(_smooth_rule, _smooth_slope),
        "target": _LossShare(lambda call: minus(_smooth_rule(call)), lambda call: -_smooth_slope(call)),
    },
    "huber_loss": {
        "self": _LossShare(_huber_rule, _huber_slope),
        "target": _LossShare(lambda call: minus(_huber_rule(call)), lambda call: -_huber_slope(call)),
    },
    "binary_cross_entropy": {
        "self": _LossShare(
            lambda call: _weighted_rule(call, filled(f"({{self}} − {{target}})/{_spread(call)}", call.word)),
            _entropy_slope,
        ),
        "target": _LossShare(
            lambda call: _weighted_rule(call, filled("log(1 − {self}) − log({self})", call.word)),
            _entropy_target_slope,
        ),
    },
    "binary_cross_entropy_with_logits": {
        "self": _LossShare(_logits_rule, _logits_slope),
        "target": _LossShare(_logits_target_rule, _logits_target_slope),
    },
    "soft_margin_loss": {
        "self": _LossShare(
            "−{target}·σ(−{target}·{self})",
            lambda call: -call["target"] * (-call["target"] * call["self"]).sigmoid(),
        ),
    },
    "multi_margin_loss": {"self": Share(_margin_rule, _margin_share)},
    "multilabel_margin_loss_forward": {
        "self": Step(
            "grad/classes, for each target within 1 of another class: minus to the target, plus to the other class"
        )
    },
    "_ctc_loss": {
        "log_probs": Step("grad·(exp({log_probs}) − the share of all alignments that pass there)"),
    },
    "nll_loss_forward": {"self": _NLL},
    "nll_loss2d_forward": {"self": _NLL},
}
