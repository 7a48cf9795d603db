"""Rules of products, carried out as they are written, give autograd's gradients; their shapes are the ones formed."""

import re
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

from aten_operations import operations
from fallline._backprop._rules import local_derivatives
from fallline._records import LocalDerivative

D = torch.float64
DRAWN = torch.Generator().manual_seed(5)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=D, generator=DRAWN)


A, B, C = drawn(4, 3), drawn(3, 2), drawn(4, 2)
V, U = drawn(3), drawn(4)
STACK_A, STACK_B, STACK_C = drawn(2, 4, 3), drawn(2, 3, 5), drawn(2, 4, 5)

PRODUCTS: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "mm": (torch.mm, (A, B)),
    "bmm": (torch.bmm, (STACK_A, STACK_B)),
    "mv": (torch.mv, (A, V)),
    "addmm": (torch.addmm, (C, A, B)),
    "addmm scaled": (lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=-2), (C, A, B)),
    "addmm broadcast": (torch.addmm, (drawn(2), A, B)),
    "baddbmm": (lambda c, a, b: torch.baddbmm(c, a, b, beta=2, alpha=0.5), (STACK_C, STACK_A, STACK_B)),
    "addmv": (lambda c, a, b: torch.addmv(c, a, b, beta=2, alpha=0.5), (U, A, V)),
    "addr": (lambda c, a, b: torch.addr(c, a, b, beta=2, alpha=0.5), (drawn(4, 3), U, V)),
}
"""Operation → how it is called, and operands called by their letters."""


def locals_of(fn: Callable[..., object], *operands: Tensor, labels: tuple[str, ...]) -> list[LocalDerivative]:
    one = [each for each in operations(fn, *operands, labels=labels) if each.edges][-1]
    found = [local for local in local_derivatives(one.ran, one.edges) if local is not None]
    assert len(found) == len(one.edges)
    return found


def carried_out(rule: str, named: Mapping[str, Tensor]) -> Tensor:
    """A rule as it is written: "2·grad @ Bᵀ", "Aᵀ @ grad", "grad ⊗ v"."""
    scale, _, rest = rule.rpartition("·")
    factor = float(scale.strip("()").replace("−", "-")) if scale else 1.0
    left, sign, right = re.fullmatch(r"(\S+) ([@⊗]) (\S+)", rest).groups()
    first, second = (named[word.rstrip("ᵀ")].mT if word.endswith("ᵀ") else named[word] for word in (left, right))
    return factor * (torch.outer(first, second) if sign == "⊗" else first @ second)


def shapes_in(product: str) -> list[tuple[int, ...]]:
    return [tuple(int(n) for n in re.findall(r"\d+", part)) for part in re.findall(r"\([\d, ]*\)", product)]


@pytest.mark.parametrize("case", PRODUCTS)
def test_products_carried_out_as_written_give_the_gradients(case: str) -> None:
    fn, operands = PRODUCTS[case]
    letters = ("C", "A", "B")[-len(operands) :]
    arrived = drawn(*fn(*operands).shape)
    given = [each.clone().requires_grad_() for each in operands]
    expected = torch.autograd.grad(fn(*given), given, arrived)
    named = dict(zip(letters, operands, strict=True)) | {"grad": arrived}
    for local, gradient in zip(locals_of(fn, *operands, labels=letters), expected, strict=True):
        if local.product is None:  # what is added: elementwise
            slope = torch.from_numpy(local.value.numbers.copy())
            assert slope.shape == arrived.shape
            torch.testing.assert_close((arrived * slope).sum_to_size(gradient.shape), gradient)
            continue
        torch.testing.assert_close(carried_out(local.rule, named), gradient, rtol=1e-12, atol=1e-13)
        left, right, made = shapes_in(local.product)
        assert made == tuple(gradient.shape)
        word, _, other = local.rule.rpartition("·")[2].split(" ")
        assert [left, right] == [
            tuple(named[name.rstrip("ᵀ")].mT.shape if name.endswith("ᵀ") else named[name].shape)
            for name in (word, other)
        ]


def test_a_layers_product_reads_as_in_a_book() -> None:
    """x @ Wᵀ + b: the weights arrive transposed, so that twice transposed they stand there as they are."""
    found = locals_of(torch.addmm, drawn(2), drawn(4, 3), drawn(3, 2), labels=("b", "x", "Wᵀ"))
    assert [(local.rule, local.product) for local in found] == [
        ("1", None),
        ("grad @ W", "(4, 2) @ (2, 3) → (4, 3)"),
        ("xᵀ @ grad", "(3, 4) @ (4, 2) → (3, 2)"),
    ]


def test_unnamed_factors_are_left_and_right() -> None:
    found = locals_of(torch.mm, A, B, labels=())
    assert [local.rule for local in found] == ["grad @ rightᵀ", "leftᵀ @ grad"]


CONVOLUTIONS: dict[str, tuple[Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]] = {
    "conv1d": (nn.functional.conv1d, (2, 3, 7), (4, 3, 3)),
    "conv2d": (nn.functional.conv2d, (2, 3, 6, 5), (4, 3, 3, 2)),
    "conv3d": (nn.functional.conv3d, (1, 2, 4, 4, 4), (3, 2, 2, 2, 2)),
}
BACK = {1: nn.functional.conv_transpose1d, 2: nn.functional.conv_transpose2d, 3: nn.functional.conv_transpose3d}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolutions_spread_the_gradient_back_and_add_windows(case: str) -> None:
    fn, image, kernel = CONVOLUTIONS[case]
    x, w, b = drawn(*image), drawn(*kernel), drawn(kernel[0])
    arrived = drawn(*fn(x, w, b).shape)
    given = [each.clone().requires_grad_() for each in (x, w, b)]
    to_x, to_w, to_b = torch.autograd.grad(fn(*given), given, arrived)
    back, weights, bias = locals_of(fn, x, w, b, labels=("x", "W", "b"))
    assert back.rule.startswith("grad spread back through W")
    torch.testing.assert_close(BACK[len(image) - 2](arrived, w), to_x)
    assert weights.rule == "Σ over places: grad there times the window of x that made it"
    torch.testing.assert_close(_windows(x, kernel, arrived), to_w)
    assert bias.rule == "Σ grad over all but the channels"
    torch.testing.assert_close(arrived.transpose(0, 1).flatten(1).sum(1), to_b)
    for local, gradient in ((back, to_x), (weights, to_w), (bias, to_b)):
        assert shapes_in(local.product)[-1] == tuple(gradient.shape)
        assert tuple(arrived.shape) in shapes_in(local.product)


def _windows(x: Tensor, kernel: tuple[int, ...], arrived: Tensor) -> Tensor:
    """Σ over rows and places of grad there times the window there."""
    windows = x
    for axis, size in enumerate(kernel[2:], start=2):
        windows = windows.unfold(axis, size, 1)
    places = arrived.dim() - 2
    summed = [0, *range(2, 2 + places)]
    return torch.tensordot(arrived, windows, dims=(summed, summed))


def test_a_transposed_convolution_sends_back_a_convolution() -> None:
    x, w = drawn(1, 3, 4, 4), drawn(3, 2, 3, 3)
    arrived = drawn(*nn.functional.conv_transpose2d(x, w).shape)
    leaf = x.clone().requires_grad_()
    (to_x,) = torch.autograd.grad(nn.functional.conv_transpose2d(leaf, w), leaf, arrived)
    back, _ = locals_of(nn.functional.conv_transpose2d, x, w, labels=("x", "W"))
    assert back.rule == "grad convolved with W"
    torch.testing.assert_close(nn.functional.conv2d(arrived, w), to_x)


@pytest.mark.parametrize("log", [False, True])
def test_softmax_as_written(log: bool) -> None:
    x, arrived = drawn(3, 4).requires_grad_(), drawn(3, 4)
    fn = torch.log_softmax if log else torch.softmax
    out = fn(x, 1)
    (expected,) = torch.autograd.grad(out, x, arrived)
    (local,) = locals_of(lambda x: fn(x, 1), x.detach(), labels=("x",))
    assert local.rule == ("grad − exp(out)·Σ grad" if log else "out·(grad − Σ grad·out)")
    written = arrived - out.exp() * arrived.sum(1, True) if log else out * (arrived - (arrived * out).sum(1, True))
    torch.testing.assert_close(written, expected)


NORMS: dict[str, tuple[Callable[..., Tensor], tuple[int, ...], tuple[int, ...], str]] = {
    "batch": (
        lambda x, w, b: nn.functional.batch_norm(x, None, None, w, b, training=True),
        (0, 2),
        (1, 3, 1),
        "the batch, channel by channel",
    ),
    "layer": (lambda x, w, b: nn.functional.layer_norm(x, (3,), w, b), (2,), (1, 1, 3), "each row's own entries"),
    "group": (lambda x, w, b: nn.functional.group_norm(x, 1, w, b), (1, 2), (1, 3, 1), "each group of channels"),
}


@pytest.mark.parametrize("case", NORMS)
def test_normalisations_as_written(case: str) -> None:
    fn, dims, shape, over = NORMS[case]
    x, w, b = drawn(4, 3, 3), drawn(3), drawn(3)
    arrived = drawn(4, 3, 3)
    given = [each.clone().requires_grad_() for each in (x, w, b)]
    to_x, to_w, to_b = torch.autograd.grad(fn(*given), given, arrived)
    rule, weight, bias = locals_of(fn, x, w, b, labels=("x", "w", "b"))
    assert rule.rule == f"(g − mean(g) − x̂·mean(g·x̂))/σ, g = grad·w, x̂ = (x − mean)/σ, means over {over}"
    spread = (x.var(dims, correction=0, keepdim=True) + 1e-5).sqrt()
    standard = (x - x.mean(dims, keepdim=True)) / spread
    g = arrived * w.reshape(shape)
    back = (g - g.mean(dims, keepdim=True) - standard * (g * standard).mean(dims, keepdim=True)) / spread
    torch.testing.assert_close(back, to_x)
    assert (weight.rule, bias.rule) == (
        "Σ grad·x̂ over everything that shares the weight",
        "Σ grad over everything that shares the bias",
    )
    torch.testing.assert_close((arrived * standard).sum_to_size(shape).reshape(3), to_w)
    torch.testing.assert_close(arrived.sum_to_size(shape).reshape(3), to_b)
    assert weight.product == "(4, 3, 3) → (3,)"


def test_batch_norm_at_rest_only_scales() -> None:
    mean, variance, w = drawn(3), drawn(3).exp(), drawn(3)
    x, arrived = drawn(5, 3).requires_grad_(), drawn(5, 3)
    (to_x,) = torch.autograd.grad(nn.functional.batch_norm(x, mean, variance, w), x, arrived)
    (local,) = locals_of(lambda x: nn.functional.batch_norm(x, mean, variance, w), x.detach(), labels=("x",))
    assert local.rule == "grad·weight/√(running variance + ε): at rest the statistics are constants"
    torch.testing.assert_close(arrived * w / (variance + 1e-5).sqrt(), to_x)


def test_attention_as_written() -> None:
    q, k, v = (drawn(1, 2, 5, 4) for _ in range(3))
    arrived = drawn(1, 2, 5, 4)
    given = [each.clone().requires_grad_() for each in (q, k, v)]
    expected = torch.autograd.grad(nn.functional.scaled_dot_product_attention(*given), given, arrived)
    found = locals_of(nn.functional.scaled_dot_product_attention, q, k, v, labels=("Q", "K", "V"))
    inner = "dS = P·(dP − Σ dP·P), dP = grad @ Vᵀ, P the attention weights"
    assert [local.rule for local in found] == [
        f"scale·dS @ K, {inner}",
        f"scale·dSᵀ @ Q, {inner}",
        "Pᵀ @ grad, P the attention weights",
    ]
    p = (q @ k.mT / 2).softmax(-1)
    dp = arrived @ v.mT
    ds = p * (dp - (dp * p).sum(-1, keepdim=True))
    for written, gradient in zip((ds @ k / 2, ds.mT @ q / 2, p.mT @ arrived), expected, strict=True):
        torch.testing.assert_close(written, gradient)
