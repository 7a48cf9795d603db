"""Slopes of steps back, which a derivative of a derivative goes through, against PyTorch's own second derivatives."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import fallline as fl
from aten_operations import operation
from fallline._backprop._rules import local_derivatives
from rules_as_written import as_written
from sampled import sampled

D = torch.float64
ATEN = torch.ops.aten


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=D)


G, X, INNER = tensor(0.7, -1.2, 2.1, 0.4), tensor(-1.3, 0.4, 2.2, -0.2), tensor(0.2, 0.6, 0.9, 0.3)
TARGET, WEIGHT = tensor(0.5, 0.1, 0.8, 0.6), tensor(0.5, 2.0, 1.5, 1.0)
NONE, MEAN = 0, 1
BUFFER = ATEN.log_sigmoid_forward(X)[1]

ELEMENTWISE: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = {
    "tanh": (ATEN.tanh_backward, (G, INNER)),
    "sigmoid": (ATEN.sigmoid_backward, (G, INNER)),
    "softplus": (lambda g, x: ATEN.softplus_backward(g, x, 1, 20), (G, X)),
    "softplus steep": (lambda g, x: ATEN.softplus_backward(g, x, 1.5, 20), (G, X)),
    "softplus straight": (lambda g, x: ATEN.softplus_backward(g, x, 1.5, 2), (G, X)),
    "log_sigmoid": (lambda g, x: ATEN.log_sigmoid_backward(g, x, BUFFER), (G, X)),
    "gelu": (ATEN.gelu_backward, (G, X)),
    "gelu tanh": (lambda g, x: ATEN.gelu_backward(g, x, approximate="tanh"), (G, X)),
    "elu": (lambda g, x: ATEN.elu_backward(g, 1.5, 1.1, 0.9, False, x), (G, X)),
    "elu plain": (lambda g, x: ATEN.elu_backward(g, 1, 1, 1, False, x), (G, X)),
    "hardswish": (ATEN.hardswish_backward, (G, 2 * X)),
    "threshold": (lambda g, x: ATEN.threshold_backward(g, x, 0.1), (G, X)),
    "hardtanh": (lambda g, x: ATEN.hardtanh_backward(g, x, -0.5, 0.5), (G, X)),
    "leaky_relu": (lambda g, x: ATEN.leaky_relu_backward(g, x, 0.2, False), (G, X)),
    "hardshrink": (lambda g, x: ATEN.hardshrink_backward(g, x, 0.5), (G, X)),
    "softshrink": (lambda g, x: ATEN.softshrink_backward(g, x, 0.5), (G, X)),
    "rrelu at rest": (lambda g, x: ATEN.rrelu_with_noise_backward(g, x, TARGET, 0.1, 0.3, False, False), (G, X)),
    "dropout": (lambda g: ATEN.native_dropout_backward(g, torch.tensor([True, False, True, True]), 1.25), (G,)),
    "mse": (lambda x, t: ATEN.mse_loss_backward(G, x, t, NONE), (X, TARGET)),
    "mse mean": (lambda x, t: ATEN.mse_loss_backward(G[0], x, t, MEAN), (X, TARGET)),
    "smooth_l1": (lambda x, t: ATEN.smooth_l1_loss_backward(G[0], x, t, MEAN, 0.9), (X, TARGET)),
    "huber": (lambda x, t: ATEN.huber_loss_backward(G[0], x, t, MEAN, 0.9), (X, TARGET)),
    "soft_margin": (lambda x: ATEN.soft_margin_loss_backward(G[0], x, TARGET, MEAN), (X,)),
    "bce": (lambda x, t: ATEN.binary_cross_entropy_backward(G[0], x, t, None, MEAN), (INNER, TARGET)),
    "bce weight": (lambda x: ATEN.binary_cross_entropy_backward(G, x, TARGET, WEIGHT, NONE), (INNER,)),
}
SENTENCES = {
    "elu": None,
    "softplus straight": "g·1.5·σ(1.5·x)·(1 − σ(1.5·x))",
    "hardswish": "g·(1/3 where −3 < x < 3, else 0)",
    "gelu tanh": "g·gelu″(x) by its tanh formula",
    "dropout": "1.25 where kept, 0 where dropped",
}
"""Rules that are no formula, or in which constants are rounded."""
LETTERS = {"mse": "xt", "smooth_l1": "xt", "huber": "xt", "bce": "xt", "soft_margin": "x", "dropout": "g"}


def _found(case: str) -> tuple[list[str], list[Tensor], list[Tensor]]:
    """The rules of a case, their numbers, and what autograd says."""
    fn, operands = ELEMENTWISE[case]
    letters = LETTERS.get(case.split(" ", maxsplit=1)[0], "gx")[: len(operands)]
    one = operation(fn, *operands, labels=list(letters))
    found = local_derivatives(one.ran, one.edges)
    given = [each.clone().requires_grad_() for each in operands]
    expected = torch.autograd.grad(fn(*given).sum(), given, materialize_grads=True)
    order = sorted(range(len(operands)), key=lambda i: one.edges[i])
    told = dict(zip(one.edges, found, strict=True))
    rules, values = [], []
    for place in sorted(told):
        local = told[place]
        assert local is not None
        assert local.value is not None
        assert local.value.numbers is not None
        rules.append(local.rule)
        values.append(torch.from_numpy(local.value.numbers.copy()))
    return rules, values, [expected[i] for i in order]


@pytest.mark.parametrize("case", sampled(ELEMENTWISE, 2))
def test_numbers_are_pytorchs_second_derivatives(case: str) -> None:
    _, values, expected = _found(case)
    for value, wanted in zip(values, expected, strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("case", sampled(ELEMENTWISE, 2, 1))
def test_rules_say_what_their_numbers_are(case: str) -> None:
    operands = ELEMENTWISE[case][1]
    rules, values, _ = _found(case)
    if case in SENTENCES:
        assert SENTENCES[case] in (None, rules[-1])
        return
    letters = LETTERS.get(case.split(" ", maxsplit=1)[0], "gx")[: len(operands)]
    named = dict(zip(letters, operands, strict=True))
    unnamed = {"left": G if "mean" not in case else G[0], "target": TARGET, "weight": WEIGHT}
    one = G if case in ("mse", "bce weight") else G[0]
    for rule, value in zip(rules, values, strict=True):
        shown = re.sub(r"g·\((.*) where (.*), else (.*)\)(/\d+)?", r"g·(\1)\4 where \2, else g·(\3)\4", rule)
        shown = re.sub(r"(−?)(left|input)·\((.*) where (.*), else 0\)/4", r"\1\2·(\3)/4 where \4, else 0", shown)
        written = as_written(shown, unnamed | {"left": one, "input": one} | named).expand(value.shape)
        torch.testing.assert_close(written, value, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("log", [False, True])
def test_softmax_once_more(log: bool) -> None:
    g, x, arrived = (torch.randn(2, 3, dtype=D, generator=torch.Generator().manual_seed(i)) for i in range(3))
    fn = ATEN._log_softmax_backward_data if log else ATEN._softmax_backward_data
    out = (torch.log_softmax(x, 1) if log else torch.softmax(x, 1)).requires_grad_()
    given = g.clone().requires_grad_()
    to_g, to_out = torch.autograd.grad(fn(given, out, 1, D), (given, out), arrived)
    one = operation(lambda g, out: fn(g, out, 1, D), g, out.detach(), labels=["g", "p"])
    rules = [local.rule for local in local_derivatives(one.ran, one.edges)]
    p, across = out.detach(), {"dim": 1, "keepdim": True}
    if log:
        assert rules == ["grad − Σ grad·exp(p)", "−exp(p)·grad·Σ g"]
        torch.testing.assert_close(arrived - (arrived * p.exp()).sum(**across), to_g)
        torch.testing.assert_close(-p.exp() * arrived * g.sum(**across), to_out)
    else:
        assert rules == ["p·(grad − Σ grad·p)", "grad·g − grad·Σ g·p − g·Σ grad·p"]
        torch.testing.assert_close(p * (arrived - (arrived * p).sum(**across)), to_g)
        torch.testing.assert_close(
            arrived * g - arrived * (g * p).sum(**across) - g * (arrived * p).sum(**across), to_out
        )


def test_a_convolution_once_more() -> None:
    """The step back is linear in what arrived and in the weight, each with the other held."""
    drawn = torch.Generator().manual_seed(3)
    x, w, g = (torch.randn(*shape, dtype=D, generator=drawn) for shape in ((1, 2, 5), (3, 2, 2), (1, 3, 4)))
    to_image, to_weight = torch.randn_like(x), torch.randn_like(w)

    def back(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        made: tuple[Tensor, Tensor, Tensor] = ATEN.convolution_backward(
            g, x, w, None, [1], [0], [1], False, [0], 1, [True, True, False]
        )
        return made

    given = [each.clone().requires_grad_() for each in (g, x, w)]
    out = back(*given)[:2]
    to_g, to_x, to_w = torch.autograd.grad(out, given, (to_image, to_weight))
    one = operation(lambda g, x, w: back(g, x, w)[0], g, x, w, labels=["g", "x", "w"])
    assert [local.rule for local in local_derivatives(one.ran, one.edges)] == [
        "J @ grad, J the Jacobian of the convolution",
        "as the convolution's own step back to its input, with grad in the weight's place",
        "as the convolution's own step back to its weight, with grad in the input's place",
    ]
    along = nn.functional.conv1d(to_image, w) + nn.functional.conv1d(x, to_weight)
    torch.testing.assert_close(along, to_g)
    torch.testing.assert_close(back(g, x, to_weight)[0], to_x)
    torch.testing.assert_close(back(g, to_image, w)[1], to_w)


def test_a_step_of_a_derivative_of_a_derivative_has_its_slope() -> None:
    x = torch.tensor([0.3, 0.7])
    graph = fl.backprop(
        lambda a: torch.autograd.grad(a.tanh().sum(), a, create_graph=True)[0].pow(2).sum(), x, names=["a"]
    )
    (edge,) = [each for each in graph.edges if graph.nodes[each.target].op == "tanh_backward" and each.local]
    assert edge.local.rule == "−2·tanh(a)"
    torch.testing.assert_close(torch.from_numpy(edge.local.value.numbers.copy()), -2 * x.double().tanh())


def test_a_pooling_once_more() -> None:
    x = torch.randn(1, 1, 4, 4, dtype=D, generator=torch.Generator().manual_seed(2))
    places = nn.functional.max_pool2d(x, 2, return_indices=True)[1]

    def back(g: Tensor, x: Tensor) -> Tensor:
        made: Tensor = ATEN.max_pool2d_with_indices_backward(g, x, [2, 2], [2, 2], [0, 0], [1, 1], False, places)
        return made

    g, arrived = torch.ones(1, 1, 2, 2, dtype=D), torch.randn_like(x)
    given = [g.clone().requires_grad_(), x.clone().requires_grad_()]
    to_g, to_x = torch.autograd.grad(back(*given), given, arrived, materialize_grads=True)
    one = operation(back, g, x, labels=["g", "x"])
    first, second = (local for local in local_derivatives(one.ran, one.edges) if local is not None)
    assert (first.rule, first.product) == ("J @ grad, J the Jacobian of max_pool2d", "(1, 1, 4, 4) → (1, 1, 2, 2)")
    torch.testing.assert_close(arrived.flatten()[places.flatten()].reshape(g.shape), to_g)
    assert second.rule == "0"
    assert not to_x.any()
