"""Every function of the language against PyTorch's own, and its gradient against differences."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from fallline._backprop._language import read_program
from fallline._backprop._language_functions import ENTRYWISE, FUNCTIONS
from fallline._backprop._language_nodes import OPERATORS
from sampled import sampled

A = torch.tensor([[0.3, -0.7, 0.2], [0.45, 0.6, -0.15]], dtype=torch.float64)
B = torch.tensor([[0.9, 0.25, -0.55], [-0.35, 0.8, 0.1]], dtype=torch.float64)
V = torch.tensor([0.4, -0.6, 0.7], dtype=torch.float64)
W = torch.tensor([-0.2, 0.5, 0.3], dtype=torch.float64)
POSITIVE = ("sqrt", "rsqrt", "log", "log2", "log10")

CASES: list[tuple[str, dict[str, Tensor], Callable[..., Any]]] = [
    *((f"{name}(x)", {"x": A.abs() + 0.1 if name in POSITIVE else A}, compute) for name, compute in ENTRYWISE.items()),
    *((f"x.{name}()", {"x": A.abs() + 0.1 if name in POSITIVE else A}, compute) for name, compute in ENTRYWISE.items()),
    ("add(x, y)", {"x": A, "y": V}, lambda x, y: x + y),
    ("sub(x, y)", {"x": A, "y": V}, lambda x, y: x - y),
    ("mul(x, y)", {"x": A, "y": V}, lambda x, y: x * y),
    ("div(x, y)", {"x": A, "y": V}, lambda x, y: x / y),
    ("pow(x, y)", {"x": A.abs() + 0.1, "y": V}, lambda x, y: x**y),
    ("x^3", {"x": A}, lambda x: x**3),
    ("2^x", {"x": A}, lambda x: 2**x),
    ("-x", {"x": A}, lambda x: -x),
    ("1/x - x/2 + 3 - x", {"x": A}, lambda x: 1 / x - x / 2 + 3 - x),
    ("maximum(x, y)", {"x": A, "y": B}, torch.maximum),
    ("minimum(x, 0)", {"x": A}, lambda x: torch.clamp(x, max=0)),
    ("minimum(x, y)", {"x": A, "y": V}, torch.minimum),
    ("sum(x)", {"x": A}, torch.sum),
    ("x.sum(1)", {"x": A}, lambda x: x.sum(1)),
    ("x.sum(dim=-2, keepdim=True)", {"x": A}, lambda x: x.sum(0, keepdim=True)),
    ("mean(x)", {"x": A}, torch.mean),
    ("mean(x, 0)", {"x": A}, lambda x: x.mean(0)),
    ("prod(x)", {"x": A}, torch.prod),
    ("prod(x, 1)", {"x": A}, lambda x: x.prod(1)),
    ("max(x)", {"x": A}, torch.max),
    ("max(x, 1)", {"x": A}, lambda x: x.max(1).values),
    ("x.min()", {"x": A}, torch.min),
    ("min(x, dim=0)", {"x": A}, lambda x: x.min(0).values),
    ("norm(x)", {"x": A}, lambda x: x.square().sum().sqrt()),
    ("norm(x, dim=1)", {"x": A}, lambda x: x.square().sum(1).sqrt()),
    ("var(x)", {"x": A}, torch.var),
    ("var(x, 1, correction=0)", {"x": A}, lambda x: x.var(1, correction=0)),
    ("std(x)", {"x": A}, torch.std),
    ("x.std(dim=0)", {"x": A}, lambda x: x.std(0)),
    ("leaky_relu(x)", {"x": A}, functional.leaky_relu),
    ("leaky_relu(x, 0.2)", {"x": A}, lambda x: functional.leaky_relu(x, 0.2)),
    ("F.leaky_relu(x, negative_slope=0.3)", {"x": A}, lambda x: functional.leaky_relu(x, 0.3)),
    ("softmax(x)", {"x": V}, lambda x: x.softmax(0)),
    ("softmax(x, dim=1)", {"x": A}, lambda x: x.softmax(1)),
    ("x.log_softmax(0)", {"x": A}, lambda x: x.log_softmax(0)),
    ("log_softmax(x)", {"x": V}, lambda x: x.log_softmax(0)),
    ("clamp(x, -0.5, 0.4)", {"x": A}, lambda x: x.clamp(-0.5, 0.4)),
    ("x.clamp(min=0)", {"x": A}, lambda x: x.clamp(min=0)),
    ("matmul(x, y)", {"x": A, "y": B.T.contiguous()}, torch.matmul),
    ("x @ y", {"x": A, "y": V}, torch.matmul),
    ("x @ y", {"x": V, "y": W}, torch.dot),
    ("x @ y", {"x": torch.stack([A, B]), "y": B.T.contiguous()}, torch.matmul),
    ("mm(x, y.T)", {"x": A, "y": B}, lambda x, y: torch.mm(x, y.T)),
    ("dot(x, y)", {"x": V, "y": W}, torch.dot),
    ("transpose(x, 0, 1)", {"x": A}, lambda x: x.transpose(0, 1)),
    ("x.t()", {"x": A}, torch.t),
    ("reshape(x, 3, 2)", {"x": A}, lambda x: x.reshape(3, 2)),
    ("flatten(x)", {"x": A}, torch.flatten),
    ("unsqueeze(x, 1)", {"x": A}, lambda x: x.unsqueeze(1)),
    ("cat([x, y, x], dim=1)", {"x": A, "y": B}, lambda x, y: torch.cat([x, y, x], 1)),
    ("stack([x, y])", {"x": A, "y": B}, lambda x, y: torch.stack([x, y])),
    ("torch.stack((x, y), dim=-1)", {"x": A, "y": B}, lambda x, y: torch.stack([x, y], -1)),
    ("x*detach(x)", {"x": A}, lambda x: x * A),
    ("mse_loss(x, y)", {"x": A, "y": B}, functional.mse_loss),
    ("x.mse_loss(y, reduction='sum')", {"x": A, "y": B}, lambda x, y: functional.mse_loss(x, y, reduction="sum")),
    ("cross_entropy(x, [2, 0])", {"x": A}, lambda x: functional.cross_entropy(x, torch.tensor([2, 0]))),
    ("cross_entropy(x, softmax(y, 1))", {"x": A, "y": B}, lambda x, y: functional.cross_entropy(x, y.softmax(1))),
    ("binary_cross_entropy_with_logits(x, [[0, 1, 1], [1, 0, 0.5]])", {"x": A},
     lambda x: functional.binary_cross_entropy_with_logits(
         x, torch.tensor([[0, 1, 1], [1, 0, 0.5]], dtype=torch.float64)
     )),
    ("x[1, 0:2]", {"x": A}, lambda x: x[1, :2]),
    ("where(x > y, x, y)", {"x": A, "y": B}, torch.maximum),
    ("where(x >= 0.1, x^2, 3)", {"x": A}, lambda x: torch.where(x >= 0.1, x**2, torch.tensor(3.0, dtype=x.dtype))),
    ("x.where(x != y, x*y)", {"x": A, "y": V}, lambda x, y: torch.where(x != y, x, x * y)),
    ("(x < 0)*x + (x <= y)*y - (x == y)", {"x": A, "y": B}, lambda x, y: (x < 0) * x + (x <= y) * y - 1.0 * (x == y)),
    ("atan2(x, y)", {"x": A, "y": V}, torch.atan2),
    ("amax(x, 1)", {"x": A}, lambda x: x.amax(1)),
    ("amin(x)", {"x": A}, torch.amin),
    ("logsumexp(x)", {"x": A}, lambda x: x.exp().sum().log()),
    ("x.logsumexp(dim=1)", {"x": A}, lambda x: x.exp().sum(1).log()),
    ("cumsum(x, 1)", {"x": A}, lambda x: x.cumsum(1)),
    ("cumsum(x)", {"x": V}, lambda x: x.cumsum(0)),
    ("clip(x, -0.5, 0.4)", {"x": A}, lambda x: x.clamp(-0.5, 0.4)),
    ("outer(x, y)", {"x": V, "y": W}, torch.outer),
    ("linear(x, W, b)", {"x": A, "W": B, "b": V[:2]}, functional.linear),
    ("F.linear(x, W)", {"x": V, "W": B}, functional.linear),
    ("permute(x, 1, 0)", {"x": A}, lambda x: x.T),
    ("x.view(-1)", {"x": A}, torch.flatten),
    ("view(x.T, 2, 3)", {"x": A}, lambda x: x.T.reshape(2, 3)),
    ("squeeze(unsqueeze(x, 0), 0) + squeeze(x.reshape(2, 1, 3))", {"x": A}, lambda x: x + x),
    ("l1_loss(x, y)", {"x": A, "y": B}, functional.l1_loss),
    ("huber_loss(x, y)", {"x": 3 * A, "y": B}, functional.huber_loss),
    ("smooth_l1_loss(x, y, reduction=sum)", {"x": 3 * A, "y": B},
     lambda x, y: functional.smooth_l1_loss(x, y, reduction="sum")),
    ("binary_cross_entropy(sigmoid(x), [[0, 1, 1], [1, 0, 0.5]])", {"x": A},
     lambda x: functional.binary_cross_entropy_with_logits(
         x, torch.tensor([[0, 1, 1], [1, 0, 0.5]], dtype=torch.float64)
     )),
    ("nll_loss(log_softmax(x, 1), [2, 0])", {"x": A}, lambda x: functional.cross_entropy(x, torch.tensor([2, 0]))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "at", "compute"), sampled(CASES, 3), ids=lambda each: each if isinstance(each, str) else ""
)
def test_value_and_gradient(text: str, at: dict[str, Tensor], compute: Callable[..., Any]) -> None:
    program = read_program(text)
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in at.items()}
    result = program(leaves)
    torch.testing.assert_close(result, compute(*leaves.values()), rtol=1e-15, atol=1e-15)
    if "detach" not in text:  # its gradient is the half of what differences say, on purpose
        assert torch.autograd.gradcheck(
            lambda *tensors: program(dict(zip(leaves, tensors, strict=True))), tuple(leaves.values())
        )


HAND: list[tuple[str, Callable[[Tensor], Tensor]]] = [
    ("where(x > 0, x^3, -x)", lambda x: torch.where(x > 0, 3 * x**2, -torch.ones_like(x))),
    ("(x > 0)*x^2", lambda x: (x > 0) * 2 * x),
    ("rsqrt(x)", lambda x: -0.5 * x**-1.5),
    ("exp2(x)", lambda x: 2**x * math.log(2)),
    ("log2(x) + log10(x)", lambda x: 1 / (x * math.log(2)) + 1 / (x * math.log(10))),
    ("asinh(x) + atanh(x)", lambda x: 1 / (1 + x**2).sqrt() + 1 / (1 - x**2)),
    ("erf(x)", lambda x: 2 / math.sqrt(math.pi) * (-(x**2)).exp()),
    ("ceil(x) + round(x)", torch.zeros_like),
    ("logsigmoid(x)", lambda x: 1 / (1 + x.exp())),
    ("elu(x)", lambda x: torch.where(x > 0, 1.0, x.exp())),
    ("selu(x)", lambda x: 1.0507009873554805 * torch.where(x > 0, 1.0, 1.6732632423543772 * x.exp())),
    ("mish(x)", lambda x: (t := x.exp().log1p().tanh()) + x * (1 - t**2) * x.sigmoid()),
    ("atan2(x, 2)", lambda x: 2 / (x**2 + 4)),
    ("logsumexp(x)", lambda x: x.softmax(0)),
    ("cumsum(x)", lambda x: torch.tensor([3.0, 2.0, 1.0], dtype=x.dtype)),
    ("outer(x, [1, 2])", lambda x: torch.full_like(x, 3.0)),
    ("linear(x, [[1, 2, 3], [4, 5, 6]], [1, 1])", lambda x: torch.tensor([5.0, 7.0, 9.0], dtype=x.dtype)),
    ("l1_loss(x, [0, 1, 1])", lambda x: torch.sign(x - torch.tensor([0, 1, 1])) / 3),
    ("huber_loss(x, [2, 2, 0])", lambda x: (x - torch.tensor([2, 2, 0])).clamp(-1, 1) / 3),
    ("smooth_l1_loss(x, [2, 2, 0])", lambda x: (x - torch.tensor([2, 2, 0])).clamp(-1, 1) / 3),
    ("binary_cross_entropy(x, [0, 1, 1])", lambda x: torch.stack([1 / (1 - x[0]), -1 / x[1], -1 / x[2]]) / 3),
    ("nll_loss(x, 1)", lambda x: torch.tensor([0.0, -1.0, 0.0], dtype=x.dtype)),
    ("amax(x) + amin(x)", lambda x: torch.tensor([0.0, 1.0, 1.0], dtype=x.dtype)),
]


@pytest.mark.parametrize(("text", "slope"), HAND)
def test_slopes_written_by_hand(text: str, slope: Callable[[Tensor], Tensor]) -> None:
    x = torch.tensor([0.4, 0.15, 0.7], dtype=torch.float64, requires_grad=True)
    read_program(text)({"x": x}).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, slope(x.detach()), rtol=1e-12, atol=1e-15)


def test_every_function_is_tested() -> None:
    texts = " ".join(text for text, _, _ in CASES)
    assert [name for name in (*FUNCTIONS, *OPERATORS) if f"{name}(" not in texts] == []


def test_every_function_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "semantics.md").read_text(encoding="utf-8")
    told = text.partition("**Typed expressions.**")[2].partition("A *comparison*")[0]
    assert {*re.findall(r"\w+", told.partition("- entry by entry:")[2])} >= {*FUNCTIONS, *OPERATORS}


def test_nothing_comes_back_along_what_is_detached() -> None:
    x = torch.tensor([3.0], requires_grad=True)
    read_program("sum(x*detach(x))")({"x": x}).backward()
    assert x.grad is not None
    assert x.grad.item() == 3.0


def test_steps_have_slope_zero() -> None:
    x = torch.tensor([1.5, -0.5], requires_grad=True)
    read_program("sum(floor(x) + sign(x))")({"x": x}).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ENTRYWISE)
def test_of_a_number_it_is_a_number(name: str) -> None:
    x = torch.tensor(1.0, dtype=torch.float64)
    expected = ENTRYWISE[name](torch.tensor(0.5, dtype=torch.float64))
    assert read_program(f"{name}(0.5)*x")({"x": x}).item() == expected.item()
