"""What was computed, in a person's words."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from aten_operations import operations
from fallline._backprop._ran import Held, Ran
from fallline._backprop._rule_wording import filled, grouped, minus, transposed
from fallline._backprop._rules import describe, short_op
from sampled import sampled

X, Y, W = torch.ones(2, 3), torch.ones(2, 3), torch.ones(3, 2)
IMAGE, KERNEL = torch.ones(1, 2, 6, 6), torch.ones(3, 2, 3, 3)
PLACES = torch.tensor([0, 1])

TEXTS: list[tuple[str, Callable[..., object], tuple[Tensor, ...]]] = [
    ("x + y", lambda x, y: x + y, (X, Y)),
    ("x + 2", lambda x: 2 + x, (X,)),
    ("x + 0.5·y", lambda x, y: torch.add(x, y, alpha=0.5), (X, Y)),
    ("x − 2·y", lambda x, y: torch.add(x, y, alpha=-2), (X, Y)),
    ("x − y", lambda x, y: x - y, (X, Y)),
    ("3 − x", lambda x: 3 - x, (X,)),
    ("x · x", lambda x: x * x, (X,)),
    ("x · (−2)", lambda x: x * -2, (X,)),
    ("x / y", lambda x, y: x / y, (X, Y)),
    ("floor(x / 2)", lambda x: torch.div(x, 2, rounding_mode="floor"), (X,)),
    ("−x", lambda x: -x, (X,)),
    ("1 / x", torch.reciprocal, (X,)),
    ("x²", lambda x: x**2, (X,)),
    ("x^0.5", lambda x: x**0.5, (X,)),
    ("x^y", lambda x, y: x**y, (X, Y)),
    ("2^x", lambda x: 2**x, (X,)),
    ("exp(x)", torch.exp, (X,)),
    ("relu(x)", torch.relu_, (X.clone(),)),
    ("relu6(x)", nn.functional.relu6, (X,)),
    ("leaky_relu(x, 0.01)", nn.functional.leaky_relu, (X,)),
    ("clamp(x, min=0, max=1)", lambda x: x.clamp(0, 1), (X,)),
    ("clamp(x, max=1)", lambda x: x.clamp(max=1), (X,)),
    ("maximum(x, y)", torch.maximum, (X, Y)),
    ("where(…, x, y)", lambda x, y: torch.where(X > 0, x, y), (X, Y)),
    ("masked_fill(x, …, 0)", lambda x: x.masked_fill(X > 0, 0.0), (X,)),
    ("lerp(x, y, 0.3)", lambda x, y: torch.lerp(x, y, 0.3), (X, Y)),
    ("x + 2·y·z", lambda x, y, z: torch.addcmul(x, y, z, value=2), (X, Y, Y.clone())),
    ("x + y/z", torch.addcdiv, (X, Y, Y.clone())),
    ("sum(x)", torch.sum, (X,)),
    ("mean(x, dim=1)", lambda x: x.mean(1), (X,)),
    ("sum(x, dim=(0, 1))", lambda x: x.sum((0, 1)), (X,)),
    ("norm(x)", torch.linalg.vector_norm, (X,)),
    ("x @ y", lambda x, y: x @ y, (X, W)),
    ("y @ z + x", torch.addmm, (torch.ones(2), X, W)),
    ("2·(y @ z) + 0.5·x", lambda x, y, z: torch.addmm(x, y, z, alpha=2, beta=0.5), (torch.ones(2), X, W)),
    ("x @ y", torch.dot, (torch.ones(3), torch.ones(3))),
    ("xᵀ", lambda x: x.T, (X,)),
    ("xᵀ", torch.t, (X,)),
    ("transpose(x, 1, 2)", lambda x: x.transpose(1, 2), (torch.ones(2, 3, 4),)),
    ("view(x, (6,))", lambda x: x.reshape(6), (X,)),
    ("x[1]", lambda x: x[1], (X,)),
    ("x[:, −1]", lambda x: x[:, -1], (X,)),
    ("x[1:]", lambda x: x[1:], (X,)),
    ("x[:, :2]", lambda x: x[:, :2], (X,)),
    ("x[…]", lambda x: x[PLACES], (X,)),
    ("cat(x, y, dim=0)", lambda x, y: torch.cat([x, y]), (X, Y)),
    ("to(x, float64)", lambda x: x.double(), (X,)),
    ("softmax(x, dim=1)", lambda x: x.softmax(1), (X,)),
    ("log_softmax(x, dim=1)", lambda x: x.log_softmax(1), (X,)),
    ("mse_loss(x, y)", nn.functional.mse_loss, (X, Y)),
    ("nll_loss(x, …)", lambda x: nn.functional.nll_loss(x, PLACES), (X,)),
    ("conv2d(x, y)", nn.functional.conv2d, (IMAGE, KERNEL)),
    ("conv1d(x, y)", nn.functional.conv1d, (torch.ones(1, 2, 5), torch.ones(3, 2, 3))),
    ("conv_transpose2d(x, y)", nn.functional.conv_transpose2d, (IMAGE, torch.ones(2, 1, 3, 3))),
    ("max_pool2d(x)", lambda x: nn.functional.max_pool2d(x, 2), (IMAGE,)),
    ("batch_norm(x)", lambda x: nn.functional.batch_norm(x, None, None, training=True), (IMAGE,)),
    ("layer_norm(x, y)", lambda x, y: nn.functional.layer_norm(x, (3,), y), (X, torch.ones(3))),
    ("embedding(x, …)", lambda x: nn.functional.embedding(PLACES, x), (X,)),
    (
        "scaled_dot_product_attention(x, y, z)",
        nn.functional.scaled_dot_product_attention,
        tuple(torch.ones(1, 1, 2, 3) for _ in "qkv"),
    ),
    ("inv(x)", torch.linalg.inv, (torch.eye(2),)),
]


@pytest.mark.parametrize(("text", "fn", "operands"), sampled(TEXTS), ids=[text for text, _, _ in TEXTS])
def test_texts(text: str, fn: Callable[..., object], operands: tuple[Tensor, ...]) -> None:
    one = [each for each in operations(fn, *operands, labels=["x", "y", "z"][: len(operands)]) if each.edges][-1]
    assert describe(one.ran) == text


def test_operands_without_a_name_are_dots() -> None:
    (one,) = operations(lambda x, y: x * y, X, Y)
    assert describe(one.ran) == "(…) · (…)"
    (one,) = operations(torch.exp, X)
    assert describe(one.ran) == "exp(…)"


def test_operands_that_are_formulas_stand_in_parentheses() -> None:
    (one,) = operations(lambda x: x * 2, X, labels=["y · y"])
    assert describe(one.ran) == "(y · y) · 2"
    (one,) = operations(torch.exp, X, labels=["y · y"])
    assert describe(one.ran) == "exp(y · y)"


def test_a_long_list_is_cut() -> None:
    many = [X + i for i in range(6)]
    (one,) = operations(lambda *given: torch.cat(given), *many, labels=list("abcdef"))
    assert describe(one.ran) == "cat(a, b, c, …, dim=0)"


def test_an_unknown_operation_is_a_call() -> None:
    held = Held(None, (2,), torch.float32, "a"), Held(None, (2,), torch.float32, None)
    assert describe(Ran("swirl", "default", (*held, 3), ("self", "other", "n"), (held[0],))) == "swirl(a, …)"
    assert short_op("swirl") == "swirl"


@pytest.mark.parametrize(
    ("op", "short"),
    [
        ("_log_softmax", "log_softmax"),
        ("convolution", "conv2d"),
        ("max_pool2d_with_indices", "max_pool2d"),
        ("native_batch_norm", "batch_norm"),
        ("cudnn_batch_norm", "batch_norm"),
        ("_native_batch_norm_legit", "batch_norm"),
        ("native_layer_norm", "layer_norm"),
        ("nll_loss_forward", "nll_loss"),
        ("_scaled_dot_product_flash_attention_for_cpu", "scaled_dot_product_attention"),
        ("linalg_vector_norm", "norm"),
        ("_linalg_det", "det"),
        ("linalg_cholesky_ex", "cholesky"),
        ("special_erfcx", "erfcx"),
        ("_log_softmax_backward_data", "log_softmax_backward"),
        ("_to_copy", "to"),
        ("mm", "matmul"),
        ("mul", "mul"),
    ],
)
def test_short_names(op: str, short: str) -> None:
    assert short_op(op) == short


@pytest.mark.parametrize(
    "text", ["x", "a + b", "f(x)", "(a)·(b)", "x²", "x[0]", "−2", "Wᵀ", "f(g(x), 2)", "1×10⁻⁵", "(a + b)"]
)
def test_grouping_twice_is_grouping_once(text: str) -> None:
    once = grouped(text)
    assert grouped(once) == once
    assert once in (text, f"({text})")


def test_signs_and_turning_are_undone_by_themselves() -> None:
    assert minus(minus("x")) == "x"
    assert transposed(transposed("W")) == "W"
    assert filled("{a}²", lambda _: "x²") == "(x²)²"
