"""Numbers that were changed where autograd does not see it: marked, told, and the value that was really used shown."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import numbers, only, ops, traced
from fallline._explain._backprop import node_sentence
from fallline._records import NodeKind, NodeMark

Fn = Callable[[torch.Tensor], torch.Tensor]
X = torch.tensor([1.0, 2.0, 3.0])


def detached(x: torch.Tensor) -> torch.Tensor:
    """Through an alias that shares the count of changes."""
    y = x + 2
    y.detach().mul_(2)
    return (y * 1.0).sum()


def data(x: torch.Tensor) -> torch.Tensor:
    """Through one with a count of its own."""
    y = x + 2
    y.data.mul_(2)
    return (y * 1.0).sum()


def without_grad(x: torch.Tensor) -> torch.Tensor:
    """The tensor itself, where nothing is recorded."""
    y = x + 2
    with torch.no_grad():
        y.mul_(2)
    return (y * 1.0).sum()


def by_numpy(x: torch.Tensor) -> torch.Tensor:
    """By no operation of PyTorch's."""
    y = x + 2
    y.detach().numpy()[:] *= 2
    return (y * 1.0).sum()


def data_anew(x: torch.Tensor) -> torch.Tensor:
    """Other memory altogether."""
    y = x + 2
    y.data = y.detach() * 2
    return (y * 1.0).sum()


def by_a_part(x: torch.Tensor) -> torch.Tensor:
    """A view of an alias."""
    y = x + 2
    y.data[:2].copy_(2 * y.detach()[:2])
    return (y * 1.0).sum()


def seen_before(x: torch.Tensor) -> torch.Tensor:
    """Used before and after."""
    y = x + 2
    z = y * 3
    y.data.mul_(2)
    return (z + y).sum()


@pytest.mark.parametrize(
    ("fn", "how"),
    [
        (detached, "mul_ wrote to x + 2 past autograd, through a detached alias (.detach() or .data): "),
        (data, "mul_ wrote to x + 2 past autograd, through a detached alias (.detach() or .data): "),
        (without_grad, "mul_ wrote to x + 2 past autograd, under torch.no_grad(): "),
        (by_numpy, "x + 2 was written to past autograd, outside of PyTorch (NumPy, or .data set anew): "),
        (data_anew, "x + 2 was written to past autograd, outside of PyTorch (NumPy, or .data set anew): "),
        (by_a_part, "copy_ wrote to x + 2 past autograd, through a detached alias (.detach() or .data): "),
        (seen_before, "mul_ wrote to x + 2 past autograd, through a detached alias (.detach() or .data): "),
    ],
)
def test_the_node_is_marked_and_shows_what_was_used(fn: Fn, how: str) -> None:
    graph = traced(fn, X)
    node = next(node for node in graph.nodes if node.text == "x + 2")
    assert NodeMark.WRITTEN_PAST in node.marks
    assert numbers(node.value).tolist() == ([6, 8, 5] if fn is by_a_part else [6, 8, 10])
    expected = f"{how}autograd does not know of it, so the gradient is of the old formula, x + 2."
    assert node.notes == (expected,)
    assert graph.remarks == (expected,)
    assert expected in node_sentence(graph, node.id)
    assert [each.id for each in graph.nodes if NodeMark.WRITTEN_PAST in each.marks] == [node.id]


@pytest.mark.parametrize("fn", [detached, data, without_grad])
def test_a_large_tensor_is_marked_too(fn: Fn) -> None:
    graph = traced(fn, torch.linspace(0.0, 1.0, 2000))
    node = only(graph, "add")
    assert NodeMark.WRITTEN_PAST in node.marks
    assert node.value is not None
    assert node.value.greatest == pytest.approx(6.0)


def test_a_write_behind_the_last_use_reaches_the_step_back_alone() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        y = x + 2
        made = (y * y).sum()
        y.data.mul_(2)
        return made

    node = traced(fn, X).nodes[1]
    assert NodeMark.WRITTEN_PAST in node.marks
    assert numbers(node.value).tolist() == [3, 4, 5]
    assert node.notes == (
        "mul_ wrote to x + 2 past autograd, through a detached alias (.detach() or .data), after it was used: a step "
        "back that kept it worked with the new numbers.",
    )


def test_an_input_and_a_parameter_are_leaves() -> None:
    w = torch.ones(3, requires_grad=True)

    def fn(x: torch.Tensor) -> torch.Tensor:
        x.data.mul_(2)
        with torch.no_grad():
            w.add_(1)
        return (x * w).sum()

    graph = traced(fn, X)
    x, parameter = graph.node("x"), graph.node("w")
    assert NodeMark.WRITTEN_PAST in x.marks & parameter.marks
    assert numbers(x.value).tolist() == [2, 4, 6]
    assert x.notes[0].endswith("the gradient is as if the new numbers had been there from the beginning.")
    assert (X.tolist(), w.tolist()) == ([1, 2, 3], [1, 1, 1])


def seen_by_autograd(x: torch.Tensor) -> torch.Tensor:
    """In place, as a whole, through views, and into what had no gradient."""
    y = x * 2
    v, w = y[1:], y.view(3, 1)
    v.mul_(3)
    y.add_(1)
    out = torch.zeros(4)
    out[:2] = w[:2, 0]
    out[3] = v[1]
    return (out * out).sum() + torch.relu_(y * 1.0).sum()


def nothing_changed(x: torch.Tensor) -> torch.Tensor:
    """A write of the same numbers."""
    y = x * 2
    y.data.mul_(1)
    return y.sum()


def another_memory(x: torch.Tensor) -> torch.Tensor:
    """Tensors come and go, and are written to without a gradient."""
    total = x.sum()
    for k in range(20):
        total = total + (x * k).sum()
        mask = torch.zeros(3)
        mask.fill_(k).add_(1)
        total = total + (x * mask).sum()
    return total


@pytest.mark.parametrize("fn", [seen_by_autograd, nothing_changed, another_memory])
def test_what_autograd_sees_is_not_marked(fn: Fn) -> None:
    graph = fl.backprop(fn, X)
    assert not [node for node in graph.nodes if NodeMark.WRITTEN_PAST in node.marks]
    assert graph.check is not None
    assert graph.check.agrees


def test_networks_write_to_nothing_past_autograd() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten())
    head = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3))
    graph = traced(lambda x: head(net(x)).logsumexp(1).sum(), torch.randn(4, 1, 4, 4))
    assert not [node for node in graph.nodes if NodeMark.WRITTEN_PAST in node.marks]


class Square(torch.autograd.Function):
    """Writes over its operand, and says so."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor) -> torch.Tensor:
        """In place."""
        ctx.save_for_backward(x.clone())
        ctx.mark_dirty(x)
        return x.mul_(x.clone())

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: torch.Tensor) -> torch.Tensor:
        """Twice."""
        made: torch.Tensor = 2 * ctx.saved_tensors[0] * grad  # type: ignore[attr-defined]  # PyTorch's own has it
        return made


def test_a_custom_function_may_write_over_its_operand() -> None:
    graph = traced(lambda x: Square.apply(x * 1.0).sum(), X)  # type: ignore[no-untyped-call]  # PyTorch has no types
    np.testing.assert_allclose(graph.gradients["x"], 2 * X.numpy())
    assert not [node for node in graph.nodes if NodeMark.WRITTEN_PAST in node.marks]
    assert [node.kind for node in graph.nodes].count(NodeKind.OPERATION) == len(ops(graph))
