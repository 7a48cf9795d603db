"""A hook on a tensor on the way is told, and only where it changes something."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import fallline as fl
from backprop_graphs import traced
from fallline._backprop._values import value_of
from fallline._explain._backprop import check_sentences, node_sentence
from fallline._records import ChangedByHook, NodeMark
from fallline._wording import written

X = torch.tensor([1.0, 2.0, 3.0])


def hooked(factor: float) -> list[str]:
    """Remarks of a program with a hook that multiplies."""

    def fn(x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        y.register_hook(lambda gradient: gradient * factor)
        return (y + y.sin()).sum()

    return list(traced(fn, X).remarks)


def test_a_hook_that_changes_a_gradient_is_told() -> None:
    (told,) = hooked(10.0)
    assert told == "A hook on x · 2 changed its gradient: times 10."


def test_a_hook_that_only_looks_is_not() -> None:
    assert hooked(1.0) == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_rounding_is_no_hook(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(40, dtype=dtype)
    graph = traced(lambda x: sum((x * k - x.tanh() * k for k in range(30)), x * 2).pow(3).sum(), x)
    assert graph.remarks == ()


def test_several_outputs_are_compared_apart() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        a, b = x.view(1, 3).expand(2, 3).unbind(0)
        return (a * b * b).sum()

    assert traced(fn, X).remarks == ()


Hook = Callable[[torch.Tensor], torch.Tensor]


def with_parameter(hook: Hook, size: int = 3) -> fl.Backprop:
    """A product with a parameter that has a hook."""
    w = torch.arange(1.0, size + 1).requires_grad_()
    w.register_hook(hook)
    return traced(lambda x: (x * w).sum(), torch.linspace(-1.0, 3.0, size))


@pytest.mark.parametrize("size", [3, 2000])
@pytest.mark.parametrize("factor", [0.5, -2.0, 0.0])
def test_what_a_hook_on_a_parameter_did_is_in_the_record(size: int, factor: float) -> None:
    graph = with_parameter(lambda gradient: gradient * factor, size)
    node = graph.node("w")
    assert NodeMark.HOOK in node.marks
    assert node.hook is not None
    assert node.hook.factor == pytest.approx(factor, rel=1e-5)
    assert node.hook.before is not None
    assert node.hook.before.greatest == pytest.approx(3.0)
    assert NodeMark.HOOK not in graph.node("x").marks
    assert graph.remarks == node.notes
    assert node.notes == (f"A hook on w changed its gradient: times {written(factor, 5)}.",)
    assert node.notes[0] in node_sentence(graph, node.id)


def test_a_hook_that_does_something_else_has_no_factor() -> None:
    node = with_parameter(lambda gradient: gradient.clamp(max=1.5)).node("w")
    assert node.hook is not None
    assert node.hook.factor is None
    assert node.notes == ("A hook on w changed its gradient: by no single factor.",)


def test_a_hook_on_the_result() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        made = x.sum()
        made.register_hook(lambda gradient: gradient * 3)
        return made

    graph = traced(fn, X)
    assert graph.nodes[graph.result].hook == ChangedByHook(value_of(torch.tensor(1.0)), pytest.approx(3.0))


def test_of_a_large_parameter_used_twice_nobody_can_tell() -> None:
    w = torch.ones(2000, requires_grad=True)
    w.register_hook(lambda gradient: gradient * 0.5)
    graph = traced(lambda x: (x * w * w).sum(), torch.ones(2000))
    assert graph.remarks == ("w: a hook of yours may change the gradient on its way.",)


def test_a_hook_on_what_was_handed_in_does_not_run() -> None:
    x = torch.ones(3, requires_grad=True)
    x.register_hook(lambda gradient: gradient * 0.5)
    graph = traced(lambda x: (x * x).sum(), x)
    assert graph.gradients["x"].tolist() == [2, 2, 2]
    assert graph.remarks == ("x: differentiated as a copy, so the hook you registered on it did not run.",)


def test_with_a_hook_on_the_way_the_check_is_of_the_gradient_before_it() -> None:
    def run(x: torch.Tensor) -> torch.Tensor:
        hidden = x * 3
        hidden.register_hook(lambda gradient: gradient * 2)
        return (hidden**2).sum()

    graph = fl.backprop(run, torch.ones(2))
    np.testing.assert_allclose(graph.gradients["x"], 36.0)
    assert graph.check is not None
    assert (graph.check.wrong, graph.check.agrees, graph.check.hooked) == (False, False, ("x",))
    assert graph.check.inputs[0].differences == pytest.approx(18.0)


def test_a_full_backward_hook_of_a_module_is_named() -> None:
    layer = torch.nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda _, sent, __: (sent[0] * 0.5,))
    graph = fl.backprop(lambda x: layer(x).pow(2).sum(), torch.ones(1, 2))
    assert any(each.startswith("A backward hook of a module changes the gradient") for each in check_sentences(graph))
