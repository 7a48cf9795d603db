"""Steps back through distances between rows, and through what holds a norm below a bound."""

import math
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Rules, Share, Step
from fallline._backprop._rule_operands import NotKeptError, Operands, plain, power
from fallline._backprop._rule_wording import filled, grouped


def _order(call: Operands) -> float:
    return call.number("p", 2.0)


def _slope_text(away: str, distance: str, order: float) -> str:
    """Of (Σ|away|ᵖ)^(1/p) to one entry."""
    if order == 0:
        return "0"
    if order == 1:
        return f"sign({away})"
    if order == 2:
        return f"{grouped(away)}/{distance}"
    if math.isinf(order):
        return f"sign({away}) where |{away}| is largest, else 0"
    return f"sign({away})·{power(f'(|{away}|/{distance})', order - 1)}"


def _to_left_rule(call: Operands) -> str:
    text = filled("{x1} − {x2}", call.word)
    return f"Σ over the rows of {call.word('x2')}: grad·{_slope_text(text, 'distance', _order(call))}"


def _to_right_rule(call: Operands) -> str:
    text = filled("{x2} − {x1}", call.word)
    return f"Σ over the rows of {call.word('x1')}: grad·{_slope_text(text, 'distance', _order(call))}"


def _pairs_rule(call: Operands) -> str:
    return f"Σ over the other rows: grad·{_slope_text('row − other row', 'distance', _order(call))}"


def _one_rule(call: Operands, sign: str = "") -> str:
    text = filled("{self} − {other}", call.word)
    return sign + _slope_text(text, f"‖{text}‖", _order(call))


def _one_share(call: Operands) -> Tensor:
    """Of two operands of one shape; where one was broadcast the rule alone is told."""
    if call.shape("self") != call.shape("other"):
        raise NotKeptError
    away, order = call["self"] - call["other"], _order(call)
    norm: Tensor = torch.linalg.vector_norm(away, order)
    if order == 0:
        return torch.zeros_like(away)
    if math.isinf(order):
        taken = (away.abs() == norm).to(torch.float64)
        return away.sign() * taken / taken.sum()
    share = away.sign() * (away.abs() / norm) ** (order - 1)
    return torch.where((norm == 0) | (away == 0), 0.0, share)


def _bound_rule(call: Operands) -> str:
    """Of a slice s that became bound·s/‖s‖."""
    bound, order = plain(call.number("maxnorm")), _order(call)
    slope = _slope_text("s", "‖s‖", order)
    return f"grad where ‖s‖ ≤ {bound}, else {bound}/‖s‖·(grad − {slope}·Σ grad·s/‖s‖), s a slice of {call.word('self')}"


DISTANCES: Final[Rules] = {
    "_cdist_forward": {"x1": Step(_to_left_rule), "x2": Step(_to_right_rule)},
    "_pdist_forward": {"self": Step(_pairs_rule)},
    "dist": {
        "self": Share(_one_rule, _one_share),
        "other": Share(lambda call: _one_rule(call, "−"), lambda call: -_one_share(call)),
    },
    "renorm": {"self": Step(_bound_rule)},
}
