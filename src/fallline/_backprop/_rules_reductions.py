"""Shares in a reduction: what one entry of the operand adds to a sum, a mean, a largest entry, a norm."""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from fallline._backprop._rule_kinds import Rule, Rules, Share, Step
from fallline._backprop._rule_operands import Operands, plain, power
from fallline._backprop._rule_wording import filled
from fallline._backprop._rules_shapes import PUT_BACK
from fallline._records import LocalDerivative


def _ones(call: Operands) -> Tensor:
    return call.like("self")


def _mean_rule(call: Operands) -> str:
    return f"1/{call.reduced()}"


def _mean_share(call: Operands) -> Tensor:
    return call.like("self", 1 / max(call.reduced(), 1))


def _product_share(call: Operands) -> Tensor:
    """The product of all other entries, beside zeros as well."""
    x, dims = call["self"], call.dims()
    zero = x == 0
    rest = torch.where(zero, 1.0, x)
    for dim in dims:
        rest = rest.prod(dim, keepdim=True)
    zeros = zero.sum(dims, keepdim=True) if dims else zero
    beside_none = rest / torch.where(zero, 1.0, x)
    return torch.where(zero, (zeros == 1) * rest, torch.where(zeros == 0, beside_none, 0.0))


def _equally(taken: Tensor, dims: tuple[int, ...]) -> Tensor:
    """1 shared equally among the entries that are taken."""
    ones = taken.to(torch.float64)
    return ones / ones.sum(dims, keepdim=True) if dims else ones


def _is_same(x: Tensor, extreme: Tensor) -> Tensor:
    return (x == extreme) | (x.isnan() & extreme.isnan())


def _largest_share(call: Operands) -> Tensor:
    x, dims = call["self"], call.dims()
    return _equally(_is_same(x, x.amax(dims, keepdim=True)), dims)


def _smallest_share(call: Operands) -> Tensor:
    x, dims = call["self"], call.dims()
    return _equally(_is_same(x, x.amin(dims, keepdim=True)), dims)


def _taken_share(call: Operands) -> Tensor:
    """1 at the entry whose place came out beside the value."""
    shape, (dim,) = call.shape("self"), call.dims() or (0,)
    if not shape:
        return call.like("self")
    places = call.output(1).to("cpu", torch.int64)
    if not call.given("keepdim", False):
        places = places.unsqueeze(dim)
    return call.like("self", 0).scatter(dim, places, 1.0)


@dataclass(frozen=True)
class _Extreme:
    """``max`` and ``min``: over one dimension one entry is taken, over all of them equal ones share."""

    over_one: Share
    over_all: Share

    def local(self, call: Operands, name: str) -> LocalDerivative:
        return (self.over_one if call.has("dim") else self.over_all).local(call, name)


def _freedom(call: Operands) -> float:
    """n − correction, at least 0."""
    correction = call.given("correction")
    if correction is None:
        correction = 1 if call.given("unbiased", True) else 0
    return max(call.reduced() - float(correction), 0.0)


def _from_mean(call: Operands) -> Tensor:
    x, dims = call["self"], call.dims()
    return x - (x.mean(dims, keepdim=True) if dims else x)


def _over(numerator: Tensor, denominator: float) -> Tensor:
    """NaN and ∞ where the denominator is 0."""
    return numerator / torch.tensor(denominator, dtype=torch.float64)


def _variance_rule(call: Operands) -> str:
    return filled("2·({self} − mean({self}))/", call.word) + plain(_freedom(call))


def _variance_share(call: Operands) -> Tensor:
    return _over(2 * _from_mean(call), _freedom(call))


def _deviation_rule(call: Operands) -> str:
    by = "std({self})" if _freedom(call) == 1 else f"({plain(_freedom(call))}·std({{self}}))"
    return filled(f"({{self}} − mean({{self}}))/{by}", call.word)


def _deviation_share(call: Operands) -> Tensor:
    """0 where all entries are the same, as PyTorch takes it."""
    away, dims = _from_mean(call), call.dims()
    deviation = _over((away**2).sum(dims, keepdim=True) if dims else away**2, _freedom(call)).sqrt()
    return torch.where(deviation == 0, 0.0, away / (_freedom(call) * deviation))


def _order(call: Operands) -> float:
    """p of a p-norm."""
    given = call.given("ord", call.given("p", 2))
    return float(given)


def _norm_rule(call: Operands) -> str:
    order = _order(call)
    if order == 0:
        return "0"
    if order == 1:
        return filled("sign({self})", call.word)
    if order == 2:
        return filled("{self}/‖{self}‖", call.word)
    if math.isinf(order):
        most = "largest" if order > 0 else "smallest"
        return filled(f"sign({{self}}) where |{{self}}| is {most}, shared equally, else 0", call.word)
    return filled("sign({self})·" + power("(|{self}|/‖{self}‖)", order - 1), call.word)


def _norm_share(call: Operands) -> Tensor:
    """Of ‖x‖ₚ = (Σ|x|ᵖ)^(1/p); 0 where the norm is 0, as PyTorch takes it."""
    x, dims, order = call["self"], call.dims(), _order(call)
    sizes = x.abs()
    if order == 0:
        return torch.zeros_like(x)
    if math.isinf(order):
        extreme = sizes.amax(dims, keepdim=True) if order > 0 else sizes.amin(dims, keepdim=True)
        return x.sign() * _equally(_is_same(sizes, extreme), dims)
    norm = torch.linalg.vector_norm(x, order, dims or None, keepdim=True)
    if order == 1:
        return x.sign()
    share = x.sign() * (sizes / norm) ** (order - 1)
    return torch.where((norm == 0) | (sizes == 0), 0.0, share)


def _softmax_share(call: Operands) -> Tensor:
    x, dims = call["self"], call.dims()
    return (x - x.logsumexp(dims, keepdim=True)).exp() if dims else torch.ones_like(x)


def _dot(one: str, other: str) -> dict[str, Rule]:
    return {
        one: Share(f"{{{other}}}", lambda call: call[other]),
        other: Share(f"{{{one}}}", lambda call: call[one]),
    }


_LARGEST = Share("1 at the largest entry, shared equally among equal ones, else 0", _largest_share)
_SMALLEST = Share("1 at the smallest entry, shared equally among equal ones, else 0", _smallest_share)
_TAKEN = Share("1 at the entry that was taken, else 0", _taken_share)

REDUCTIONS: Final[Rules] = {
    "sum": {"self": Share("1", _ones)},
    "nansum": {
        "self": Share("1 where {self} is a number, else 0", lambda call: 1 - call["self"].isnan().to(torch.float64))
    },
    "mean": {"self": Share(_mean_rule, _mean_share)},
    "prod": {"self": Share("the product of all other entries", _product_share)},
    "amax": {"self": _LARGEST},
    "amin": {"self": _SMALLEST},
    "max": {"self": _Extreme(Share("1 at the largest entry, else 0", _taken_share), _LARGEST)},
    "min": {"self": _Extreme(Share("1 at the smallest entry, else 0", _taken_share), _SMALLEST)},
    "var": {"self": Share(_variance_rule, _variance_share)},
    "std": {"self": Share(_deviation_rule, _deviation_share)},
    "var_mean": {
        "self": Step("grad of the mean / n + grad of the variance·2·({self} − mean({self}))/(n − correction)")
    },
    "std_mean": {
        "self": Step("grad of the mean / n + grad of std·({self} − mean({self}))/((n − correction)·std({self}))")
    },
    "aminmax": {"self": Step("each grad at the entry it came from, shared equally among equal ones, 0 elsewhere")},
    "nanmedian": {"self": PUT_BACK},
    "linalg_vector_norm": {"self": Share(_norm_rule, _norm_share)},
    "norm": {"self": Share(_norm_rule, _norm_share)},
    "logsumexp": {"self": Share("softmax({self})", _softmax_share)},
    "dot": _dot("self", "tensor"),
    "vdot": _dot("self", "other"),
    "median": {"self": PUT_BACK},
    "mode": {"self": _TAKEN},
    "kthvalue": {"self": _TAKEN},
    "cummax": {"self": PUT_BACK},
    "cummin": {"self": PUT_BACK},
    "sort": {"self": PUT_BACK},
    "topk": {"self": PUT_BACK},
    "cumsum": {"self": Step("Σ grad from each place on to the end")},
    "cumprod": {"self": Step("Σ grad·out from each place on to the end, over {self}")},
    "logcumsumexp": {"self": Step("Σ grad·exp({self} − out) from each place on to the end")},
}
