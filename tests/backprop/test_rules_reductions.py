"""Reductions and losses: the share of every entry against PyTorch's own Jacobian, gradcheck and derivatives by hand."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from aten_operations import Recorded, operations
from fallline._backprop._rules import local_derivatives
from fallline._records import LocalDerivative
from rules_as_written import as_written
from sampled import sampled

D = torch.float64
X = torch.tensor([[1.2, -0.7, 2.5], [0.4, 3.1, -1.6]], dtype=D)
SAME = X.clone()
TARGET = torch.tensor([[1.0, 0.3, 0.2], [0.9, 1.2, -1.1]], dtype=D)
SHARES = torch.tensor([[0.2, 0.7, 0.4], [0.9, 0.05, 0.5]], dtype=D)
"""Between 0 and 1."""
WEIGHT = torch.tensor([0.5, 2.0, 1.5], dtype=D)
CLASSES = torch.tensor([2, 0])
TIED = torch.tensor([[2.0, 2.0, 1.0], [1.0, 2.0, 1.0]], dtype=D)
ZEROED = torch.tensor([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 4.0]], dtype=D)
DEEP = torch.arange(1.0, 25.0, dtype=D).reshape(2, 3, 4).sin()

SMOOTH: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
    "sum": (torch.sum, X),
    "sum dim": (lambda x: x.sum(0), X),
    "sum dims kept": (lambda x: x.sum((0, 2), keepdim=True), DEEP),
    "nansum": (torch.nansum, X),
    "mean": (torch.mean, X),
    "mean dim": (lambda x: x.mean(-1), X),
    "mean dims": (lambda x: x.mean((-1, 0)), DEEP),
    "prod": (torch.prod, X),
    "prod dim": (lambda x: x.prod(1), X),
    "amax": (lambda x: x.amax(), X),
    "amax dims": (lambda x: x.amax((0, 2)), DEEP),
    "amin": (lambda x: x.amin(1), X),
    "max": (torch.max, X),
    "min": (torch.min, X),
    "max dim": (lambda x: x.max(1).values, X),
    "min dim kept": (lambda x: x.min(0, keepdim=True).values, X),
    "kthvalue": (lambda x: x.kthvalue(2, 1).values, X),
    "var": (torch.var, X),
    "var dims": (lambda x: x.var((0, 2), correction=0), DEEP),
    "var population": (lambda x: x.var(1, unbiased=False), X),
    "std": (torch.std, X),
    "std dim": (lambda x: x.std(1), X),
    "std correction": (lambda x: x.std(1, correction=1.5), X),
    "norm": (torch.linalg.vector_norm, X),
    "norm 1": (lambda x: x.norm(1), X),
    "norm 3 dim": (lambda x: x.norm(3, dim=1), X),
    "norm ½": (lambda x: torch.linalg.vector_norm(x, 0.5), X),
    "norm ∞": (lambda x: torch.linalg.vector_norm(x, math.inf, dim=1), X),
    "norm −∞": (lambda x: torch.linalg.vector_norm(x, -math.inf, dim=1), X),
    "norm 0": (lambda x: torch.linalg.vector_norm(x, 0.0), X),
    "logsumexp": (lambda x: x.logsumexp(1), X),
    "logsumexp dims": (lambda x: x.logsumexp((0, 1)), DEEP),
    "dot": (lambda x: torch.dot(x, WEIGHT), X[0].clone()),
    "dot right": (lambda x: torch.dot(WEIGHT, x), X[0].clone()),
    "vdot": (lambda x: torch.vdot(WEIGHT, x), X[0].clone()),
    "no dimensions": (torch.sum, torch.tensor(2.0, dtype=D)),
    "mean without dimensions": (torch.mean, torch.tensor(2.0, dtype=D)),
    "mse": (lambda x: nn.functional.mse_loss(x, TARGET), X),
    "mse target": (lambda x: nn.functional.mse_loss(TARGET, x), X),
    "mse sum": (lambda x: nn.functional.mse_loss(x, TARGET, reduction="sum"), X),
    "mse none": (lambda x: nn.functional.mse_loss(x, TARGET, reduction="none"), X),
    "smooth_l1": (lambda x: nn.functional.smooth_l1_loss(x, TARGET, beta=0.5), X),
    "smooth_l1 target": (lambda x: nn.functional.smooth_l1_loss(TARGET, x), X),
    "huber": (lambda x: nn.functional.huber_loss(x, TARGET, delta=0.5), X),
    "huber target": (lambda x: nn.functional.huber_loss(TARGET, x, reduction="sum"), X),
    "bce": (lambda x: nn.functional.binary_cross_entropy(x, SHARES), SHARES.flip(0).clone()),
    "bce target": (lambda x: nn.functional.binary_cross_entropy(SHARES, x), SHARES.flip(0).clone()),
    "bce weight": (
        lambda x: nn.functional.binary_cross_entropy(x, SHARES, WEIGHT, reduction="none"),
        SHARES.flip(0).clone(),
    ),
    "bce logits": (lambda x: nn.functional.binary_cross_entropy_with_logits(x, SHARES), X),
    "bce logits weights": (
        lambda x: nn.functional.binary_cross_entropy_with_logits(x, SHARES, WEIGHT, pos_weight=WEIGHT + 1),
        X,
    ),
    "bce logits target": (lambda x: nn.functional.binary_cross_entropy_with_logits(X, x, pos_weight=WEIGHT), SHARES),
    "soft margin": (lambda x: nn.functional.soft_margin_loss(x, TARGET.sign()), X),
    "nll": (lambda x: nn.functional.nll_loss(x, CLASSES), X),
    "nll weight": (lambda x: nn.functional.nll_loss(x, CLASSES, WEIGHT), X),
    "nll sum": (lambda x: nn.functional.nll_loss(x, CLASSES, WEIGHT, reduction="sum"), X),
    "nll ignored": (lambda x: nn.functional.nll_loss(x, torch.tensor([1, -100])), X),
    "nll one row": (lambda x: nn.functional.nll_loss(x, torch.tensor(1)), X[0].clone()),
    "nll2d": (
        lambda x: nn.functional.nll_loss(x, torch.tensor([[[0, 1]], [[2, 0]]]), WEIGHT),
        DEEP[:, :, :2].reshape(2, 3, 1, 2).clone(),
    ),
}
EDGES: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
    "max of equals": (torch.max, TIED),
    "max dim of equals": (lambda x: x.max(1).values, TIED),
    "amax of equals": (lambda x: x.amax(1), TIED),
    "amin of equals": (lambda x: x.amin(), TIED),
    "max of NaN": (torch.max, torch.tensor([1.0, math.nan, 3.0], dtype=D)),
    "amax of nothing to reduce": (lambda x: x.amax(), torch.tensor(2.0, dtype=D)),
    "max dim of a number": (lambda x: x.max(0).values, torch.tensor(2.0, dtype=D)),
    "prod beside zeros": (torch.prod, ZEROED),
    "prod dim beside zeros": (lambda x: x.prod(1), ZEROED),
    "norm at 0": (torch.linalg.vector_norm, torch.zeros(3, dtype=D)),
    "norm 1 at 0": (lambda x: x.norm(1), torch.zeros(3, dtype=D)),
    "norm 3 beside 0": (lambda x: x.norm(3), torch.tensor([0.0, 2.0], dtype=D)),
    "norm ∞ of equals": (lambda x: x.norm(math.inf), torch.tensor([2.0, -2.0, 1.0], dtype=D)),
    "std of equals": (torch.std, torch.ones(3, dtype=D)),
    "mse at its bottom": (lambda x: nn.functional.mse_loss(x, SAME), X),
    "huber at its bend": (
        lambda x: nn.functional.huber_loss(x, torch.zeros(2, dtype=D)),
        torch.tensor([1.0, -1.0], dtype=D),
    ),
    "smooth_l1 at its bend": (
        lambda x: nn.functional.smooth_l1_loss(x, torch.zeros(2, dtype=D)),
        torch.tensor([1.0, -1.0], dtype=D),
    ),
    "bce at its ends": (
        lambda x: nn.functional.binary_cross_entropy(x, torch.tensor([0.0, 1.0], dtype=D)),
        torch.tensor([0.0, 1.0], dtype=D),
    ),
}


def share(fn: Callable[[Tensor], Tensor], operand: Tensor) -> LocalDerivative:
    (one,) = [each for each in operations(fn, operand) if each.edges]
    (local,) = local_derivatives(one.ran, one.edges)
    assert local is not None
    return local


def numbers(fn: Callable[[Tensor], Tensor], operand: Tensor) -> Tensor:
    local = share(fn, operand)
    assert local.product is None
    assert local.value is not None
    assert local.value.shape == tuple(operand.shape)
    return torch.from_numpy(local.value.numbers.copy())


@pytest.mark.parametrize("case", [*sampled(SMOOTH), *sampled(EDGES)])
def test_shares_are_the_entries_of_pytorchs_jacobian(case: str) -> None:
    """Each entry goes into one entry of the result: what it adds there is all of its column."""
    fn, operand = (SMOOTH | EDGES)[case]
    jacobian: Any = torch.autograd.functional.jacobian(fn, operand)
    column = jacobian.reshape(-1, *operand.shape)
    assert ((column != 0).sum(0) <= 1).all()
    torch.testing.assert_close(numbers(fn, operand), column.sum(0), rtol=1e-12, atol=1e-14, equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize("case", SMOOTH)
def test_shares_agree_with_differences(case: str) -> None:
    """``gradcheck`` of a function whose backward pass is nothing but the rule."""
    fn, operand = SMOOTH[case]

    class ByTheRules(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return fn(x)

        @staticmethod
        def backward(ctx: Any, *arrived: Tensor) -> Any:
            (x,) = ctx.saved_tensors
            return back(arrived[0], x) * numbers(fn, x.detach().clone())

    def back(arrived: Tensor, x: Tensor) -> Tensor:
        """The arriving gradient at the entries that went into each result."""
        if arrived.numel() == 1:
            return arrived.reshape(()).expand(x.shape)
        uses: Any = torch.autograd.functional.jacobian(fn, x.detach().clone()) != 0
        return (arrived.reshape(*arrived.shape, *[1] * x.dim()) * uses).reshape(-1, *x.shape).sum(0)

    assert torch.autograd.gradcheck(ByTheRules.apply, [operand.clone().requires_grad_()])


def test_a_mean_shares_equally() -> None:
    local = share(torch.mean, torch.tensor([3.6695, 0.2056, 1.9685]))
    assert local.rule == "1/3"
    np.testing.assert_array_equal(local.value.numbers, [1 / 3] * 3)


def test_mean_squared_error_by_hand() -> None:
    """L = ((3 − 1)² + (5 − 6)²)/2: the slopes are 2·2/2 and 2·(−1)/2."""
    found = numbers(lambda x: nn.functional.mse_loss(x, torch.tensor([1.0, 6.0])), torch.tensor([3.0, 5.0]))
    assert found.tolist() == [2.0, -1.0]


def test_a_norm_by_hand() -> None:
    assert numbers(torch.linalg.vector_norm, torch.tensor([3.0, 4.0])).tolist() == pytest.approx([0.6, 0.8], rel=1e-15)


def test_a_variance_by_hand() -> None:
    """Of 1, 2, 6 (mean 3): 2·(x − 3)/2."""
    assert numbers(torch.var, torch.tensor([1.0, 2.0, 6.0])).tolist() == [-2.0, -1.0, 3.0]


def test_a_maximum_sends_all_of_it_to_the_largest() -> None:
    assert numbers(torch.max, torch.tensor([1.0, 7.0, 3.0])).tolist() == [0.0, 1.0, 0.0]


def test_variance_of_one_entry_is_not_finite() -> None:
    with pytest.warns(UserWarning, match="degrees of freedom"):
        found = numbers(torch.var, torch.tensor([2.0]))
    assert found.isnan().all()


def test_large_operands_get_the_rule_alone() -> None:
    local = share(torch.mean, torch.ones(50, 40))
    assert (local.rule, local.value) == ("1/2000", None)


RULES: dict[str, tuple[Callable[[Tensor], Tensor], Tensor, str]] = {
    "sum": (torch.sum, X, "1"),
    "mean dim": (lambda x: x.mean(1), X, "1/3"),
    "prod": (torch.prod, X, "the product of all other entries"),
    "var": (torch.var, X, "2·(x − mean(x))/5"),
    "std": (lambda x: x.std(1), X, "(x − mean(x))/(2·std(x))"),
    "norm": (torch.linalg.vector_norm, X, "x/‖x‖"),
    "norm 3": (lambda x: x.norm(3), X, "sign(x)·(|x|/‖x‖)²"),
    "logsumexp": (lambda x: x.logsumexp(1), X, "softmax(x)"),
    "max": (torch.max, X, "1 at the largest entry, shared equally among equal ones, else 0"),
    "max dim": (lambda x: x.max(1), X, "1 at the largest entry, else 0"),
    "mse": (lambda x: nn.functional.mse_loss(x, TARGET), X, "2·(x − target)/6"),
    "mse sum": (lambda x: nn.functional.mse_loss(x, TARGET, reduction="sum"), X, "2·(x − target)"),
    "bce logits": (lambda x: nn.functional.binary_cross_entropy_with_logits(x, SHARES), X, "(σ(x) − target)/6"),
    "bce logits target": (
        lambda x: nn.functional.binary_cross_entropy_with_logits(X, x),
        SHARES,
        "−input/6",
    ),
    "huber": (
        lambda x: nn.functional.huber_loss(x, TARGET, delta=0.5),
        X,
        "(x − target where |x − target| ≤ 0.5, else 0.5·its sign)/6",
    ),
    "smooth_l1": (
        lambda x: nn.functional.smooth_l1_loss(x, TARGET, beta=0.5, reduction="sum"),
        X,
        "(x − target)/0.5 where |x − target| < 0.5, else its sign",
    ),
    "smooth_l1 target": (
        lambda x: nn.functional.smooth_l1_loss(TARGET, x),
        X,
        "−(input − x where |input − x| < 1, else its sign)/6",
    ),
    "nll": (lambda x: nn.functional.nll_loss(x, CLASSES), X, "−1/2 at the target's class, else 0"),
    "nll weight": (
        lambda x: nn.functional.nll_loss(x, CLASSES, WEIGHT),
        X,
        "−weight/Σ weight at the target's class, else 0",
    ),
    "nll sum": (lambda x: nn.functional.nll_loss(x, CLASSES, reduction="sum"), X, "−1 at the target's class, else 0"),
}


@pytest.mark.parametrize("case", sampled(RULES, 2, 1))
def test_rules_in_the_operands_names(case: str) -> None:
    fn, operand, expected = RULES[case]
    one: Recorded = next(each for each in operations(fn, operand, labels=["x"]) if each.edges)
    (local,) = local_derivatives(one.ran, one.edges)
    assert local is not None
    assert local.rule == expected


AS_WRITTEN = [case for case in SMOOTH if case.startswith(("mse", "bce", "soft", "mean", "dot"))]


@pytest.mark.parametrize("case", sampled(AS_WRITTEN))
def test_rules_say_what_their_numbers_are(case: str) -> None:
    """Each rule, carried out as it is written, gives the numbers beside it."""
    fn, operand = SMOOTH[case]
    one = next(each for each in operations(fn, operand) if each.edges)
    (local,) = local_derivatives(one.ran, one.edges)
    assert local is not None
    held = dict(zip(one.ran.names, one.ran.arguments, strict=True))
    named = {name: each.tensor for name, each in held.items() if hasattr(each, "shape")}
    named |= {"input": named.get("self"), "left": named.get("self"), "right": named.get("tensor", named.get("other"))}
    named["w"] = named.get("pos_weight")
    rule = local.rule.replace(", w the weight of positives", "")
    value = as_written(rule, named).expand(local.value.shape).numpy()
    np.testing.assert_allclose(value, local.value.numbers, rtol=1e-12, atol=1e-14)
