"""Why there is no gradient: one sentence for each way of losing it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import leaf, numbers, only, ops, traced
from fallline._records import NodeKind, NodeMark

X = torch.tensor([1.0, 2.0, 3.0])
W = leaf(1.0, -1.0, 2.0)
Fn = Callable[[torch.Tensor], torch.Tensor]


def under_no_grad(x: torch.Tensor) -> torch.Tensor:
    """Its middle has no gradient."""
    with torch.no_grad():
        made = x * 2 + 1
    return (made * W).sum()


def without_create_graph(x: torch.Tensor) -> torch.Tensor:
    """A gradient used as a number."""
    (slope,) = torch.autograd.grad((x**3).sum(), x)
    return (slope * W).sum()


def used_in_vain(x: torch.Tensor) -> torch.Tensor:
    """What is made of x is thrown away."""
    _ = x * 3
    return W.sum()


def not_used(x: torch.Tensor) -> torch.Tensor:
    """Of something else."""
    return (W * 2).sum()


DETACHED = (
    "x was detached on its way to the result: detach(), .data or torch.tensor() of a tensor cuts the gradient off."
)
CUTS: list[tuple[Fn, str]] = [
    (lambda x: (x.detach() * W).sum(), DETACHED),
    (lambda x: (W * x.sum().item()).sum(), "x was turned into a Python number"),
    (lambda x: (x.argmax() * W).sum(), "x reaches the result only through argmax, whose whole numbers"),
    (
        lambda x: ((x > 1) * W).sum(),
        "x reaches the result only through the comparison >, whose whole numbers or truth values",
    ),
    (under_no_grad, "x reaches the result only through mul under torch.no_grad()"),
    (without_create_graph, "x reaches the result only through a backward pass without create_graph=True"),
    (used_in_vain, "x was used, but nothing that was made of it reaches the result."),
    (not_used, "x was used by no operation of PyTorch (NumPy, .tolist() and the like are not seen)."),
    (
        lambda x: (torch.tensor(x.tolist()) * W).sum(),
        "x was used by no operation of PyTorch (NumPy, .tolist() and the ",
    ),
    (lambda x: (x.data * W).sum(), DETACHED),
]


@pytest.mark.parametrize(("fn", "sentence"), CUTS)
def test_the_sentence_names_where_it_ended(fn: Fn, sentence: str) -> None:
    graph = traced(fn, X)
    x = graph.nodes[graph.inputs[0]]
    assert x.gradient is None
    assert "x" not in graph.gradients
    assert x.no_gradient is not None
    assert x.no_gradient.startswith(sentence)
    assert graph.gradients["W"].shape == (3,)


@pytest.mark.parametrize("fn", [lambda x: x.detach().sum(), lambda x: x.argmax() * 1.0, lambda _: torch.ones(3).sum()])
def test_a_result_without_any_gradient_is_refused_with_the_sentence(fn: Fn) -> None:
    with pytest.raises(fl.OptionError, match=r"^Nothing that was handed in has a gradient\. (x|_) (was|reaches)"):
        traced(fn, X)


def test_a_gradient_of_zero_is_a_gradient() -> None:
    x = traced(lambda x: (x.round() + x * 0).sum(), X).nodes[0]
    assert x.gradient is not None
    assert x.gradient.norm == 0
    assert x.no_gradient is None


def test_whole_numbers_are_handed_on_and_say_why_they_have_none() -> None:
    graph = traced(lambda x, target: nn.functional.cross_entropy(x[None], target), X, torch.tensor([1]))
    target = graph.nodes[graph.inputs[1]]
    assert target.kind is NodeKind.INPUT
    assert target.no_gradient is not None
    assert target.no_gradient.startswith("target is of int64: only floating-point numbers")


def test_what_cuts_is_shown_with_what_went_into_it() -> None:
    graph = traced(lambda x: (x.detach() * x).sum(), X)
    cut = only(graph, "detach")
    assert NodeMark.DETACHED in cut.marks
    assert cut.gradient is None
    assert cut.backward is None
    assert [(edge.source, edge.gradient) for edge in graph.edges if edge.target == cut.id] == [(0, None)]
    assert numbers(cut.value).tolist() == X.tolist()


def test_a_long_way_without_gradient_is_not_all_shown() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        made = x.detach()
        for _ in range(100):
            made = made * 1.01
        return (made * x).sum()

    assert ops(traced(fn, X)).count("mul") <= 32


def test_a_mask_made_of_shapes_alone_is_a_constant() -> None:
    graph = traced(lambda x: (x * torch.ones_like(x)).sum(), X)
    assert ops(graph) == ["mul", "sum"]
    assert [node.kind for node in graph.nodes].count(NodeKind.CONSTANT) == 1


def test_frozen_and_unused_parameters_are_told() -> None:
    net = nn.ModuleDict({"used": nn.Linear(3, 1), "idle": nn.Linear(3, 1)})
    net["used"].bias.requires_grad_(False)
    graph = traced(lambda x: net["used"](x).sum(), X[None])
    bias = graph.node("net.used.bias")
    assert bias.kind is NodeKind.CONSTANT
    assert bias.no_gradient == "net.used.bias does not ask for a gradient (requires_grad is False)."
    assert graph.remarks == ("net.idle.weight, net.idle.bias do not reach the result: no gradient.",)


class Doubled(torch.autograd.Function):
    """Runs without gradients inside, which is no cut."""

    @staticmethod
    def forward(_ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Of any shape."""
        return x * 2

    @staticmethod
    def backward(_ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """Of the same shape."""
        return gradients[0] * 2


def test_the_inside_of_a_custom_function_is_no_cut() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = Doubled.apply(x)
        return (made.argmax() * W).sum()

    reason = traced(fn, X).nodes[0].no_gradient
    assert reason is not None
    assert reason.startswith("x reaches the result only through argmax")


def constants(graph: fl.Backprop) -> list[str]:
    """What each constant is called: its name, else how it was made."""
    return [node.name or node.text for node in graph.nodes if node.kind is NodeKind.CONSTANT]


def frozen(module: nn.Module) -> nn.Module:
    """Without a gradient of its own."""
    return module.requires_grad_(False)


def test_frozen_parameters_have_their_names_and_the_reason() -> None:
    net = nn.Sequential(frozen(nn.Linear(3, 2)), nn.Tanh(), nn.Linear(2, 1))
    graph = traced(net, X[None], loss=torch.sum)
    assert constants(graph) == ["0.bias", "0.weightᵀ"]
    assert only(graph, "tanh").text == "tanh(input @ 0.weightᵀ + 0.bias)"
    reasons = [node.no_gradient for node in graph.nodes if node.kind is NodeKind.CONSTANT]
    assert reasons == [
        "0.bias does not ask for a gradient (requires_grad is False).",
        "0.weightᵀ does not ask for a gradient (requires_grad is False).",
    ]


def test_a_frozen_module_that_has_only_indices_says_what_is_frozen() -> None:
    with pytest.raises(fl.OptionError) as error:
        traced(frozen(nn.Embedding(4, 2)), torch.tensor([1]), loss=torch.sum)
    assert str(error.value).endswith("weight: no gradient is asked of it (requires_grad is False).")


def with_default(x: torch.Tensor, goal: torch.Tensor = torch.zeros(3)) -> torch.Tensor:  # noqa: B008 - what is tested
    """A target as people write it for a notebook."""
    return ((x - goal) ** 2).sum()


@pytest.mark.parametrize(
    ("fn", "named"),
    [
        (with_default, ["goal"]),
        (partial(nn.functional.mse_loss, target=torch.ones(3)), ["target"]),
        (lambda x: nn.functional.cross_entropy(x[None], torch.tensor([1])), ["target"]),
        (lambda x: torch.where(x > 1, x * x, torch.zeros_like(x)).sum(), ["zeros_like(x)"]),
        (lambda x: (x * torch.tensor(2.5)).sum(), ["2.5"]),
        (lambda x: (x * torch.ones(3)).sum(), ["constant (3,)"]),
        (lambda x: nn.LSTM(3, 2)(x[None])[0].sum(), ["hx", "cx"]),
    ],
)
def test_constants_have_the_name_that_somebody_gave_them(fn: Fn, named: list[str]) -> None:
    assert constants(traced(fn, X)) == named


def test_a_single_number_is_written_where_it_is_used() -> None:
    graph = traced(lambda x: torch.where(x > 1, x.log(), 0.0).sum(), X)
    assert only(graph, "where").text == "where(x > 1, log(x), 0)"
