"""The door: what it takes, what it refuses and how it says so."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import numbers, traced

X = torch.tensor([1.0, 2.0, 3.0])


def test_a_module_with_its_loss() -> None:
    target = torch.tensor([1.0])
    graph = fl.backprop(nn.Linear(3, 1), X, loss=lambda made: nn.functional.mse_loss(made, target))
    assert graph.title == "Linear"
    assert graph.check is not None
    assert graph.check.agrees
    assert list(graph.gradients) == ["input", "weight", "bias"]
    assert [node.name for node in graph.nodes if node.name == "target"] == ["target"]


def test_an_expression_with_its_values() -> None:
    graph = fl.backprop("(a*x).sum()", at={"a": 2, "x": X})
    assert graph.expression == graph.title == "(a*x).sum()"
    assert graph.gradients["a"] == 6.0
    assert graph.vector is None
    assert graph.check is not None
    assert graph.check.agrees


def test_the_whole_matrix_of_derivatives() -> None:
    graph = traced(lambda x: x * x, X, vector=torch.ones(3), jacobian=True)
    assert graph.jacobians is not None
    assert graph.jacobians["x"].tolist() == [[2, 0, 0], [0, 4, 0], [0, 0, 6]]


REFUSED: list[tuple[Callable[..., Any], str]] = [
    (lambda: fl.backprop(3, X), "takes a function, a module or an expression; this is of type int"),
    (lambda: traced(lambda x: (x, x), X), "a tuple of 2 parts; a backward pass begins at one"),
    (lambda: traced(lambda x: {"loss": x}, X), "a dict of 1 part; a backward pass begins at one"),
    (lambda: traced(lambda x: x.sum().item(), X), "gives back a float, not a tensor"),
    (lambda: traced(lambda _: None, X), r"gives back nothing \(None\): its return is missing"),
    (lambda: traced(lambda x: {"loss": x}, X), r"as in loss=lambda made: made\['loss'\]\.sum"),
    (lambda: traced(lambda x: x * 2, torch.tensor([1, 2])), r"hand them in as decimals: x\.float"),
    (lambda: traced(lambda x: (x, (x, x)), X), r"gives back a tuple of 2 parts; .*loss=lambda made: made\[0\]"),
    (lambda: traced(lambda x: x.argmax(), X), "of int64: whole numbers and truth values have no slope"),
    (lambda: traced(lambda x: x.sum() * 1j, X), "is complex"),
    (lambda: traced(lambda: torch.ones(()).sum()), "depends on no tensor that was handed in"),
    (lambda: traced(lambda x: x.sum(), X, at={"x": 1}), "at= gives the values of an expression"),
    (lambda: traced(lambda x: x.sum(), X, loss=3), "loss must be a function"),
    (lambda: traced(lambda x: x.sum(), X, names=["a", "b"]), "names has 2 names for 1 input: each"),
    (lambda: fl.backprop("x*2", X), "go by name"),
    (lambda: fl.backprop("x*2", at={"x": 1}, loss=torch.sum), "write the loss into it"),
    (lambda: fl.backprop("x*2", at={"y": 1}), '"?y"?'),
]


@pytest.mark.parametrize(("call", "sentence"), REFUSED)
def test_what_cannot_be_answered_is_one_sentence(call: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(fl.OptionError, match=sentence):
        call()


def test_the_surroundings_of_the_caller_do_not_matter() -> None:
    plain = traced(lambda x: (x * x).sum(), X).gradients["x"].tolist()
    with torch.no_grad():
        assert traced(lambda x: (x * x).sum(), X).gradients["x"].tolist() == plain
    with torch.inference_mode():
        assert traced(lambda x: (x * x).sum(), X * 1).gradients["x"].tolist() == plain


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions(dtype: torch.dtype) -> None:
    graph = fl.backprop(lambda x: (x * x).sum(), X.to(dtype))
    assert graph.gradients["x"].tolist() == [2, 4, 6]
    assert graph.check is not None
    assert graph.check.agrees
    assert graph.nodes[0].value is not None
    assert graph.nodes[0].value.dtype == str(dtype).removeprefix("torch.")


def test_the_check_runs_with_float32_constants_buffers_and_factories() -> None:
    torch.manual_seed(0)
    norm, listed, bias = nn.BatchNorm1d(3).eval(), [torch.ones(3)], nn.Parameter(torch.ones(3))

    def fn(x: torch.Tensor) -> torch.Tensor:
        made = torch.zeros(4, 3)
        made[:2] = norm(x) @ torch.eye(3)
        return (made.float() @ listed[0] + torch.randn(4) * bias.sum()).pow(2).sum()

    graph = fl.backprop(fn, torch.randn(2, 3))
    assert graph.check is not None
    assert graph.check.agrees
    assert {each.name for each in graph.check.inputs} == set(graph.gradients) >= {"x", "bias", "norm.weight"}
    assert bias.dtype is torch.float32
    assert listed[0].dtype is torch.float32


def test_a_hook_of_the_users_is_told() -> None:
    weight = torch.ones(3, requires_grad=True)
    weight.register_hook(lambda gradient: gradient * 2)
    graph = traced(lambda x: (x * weight).sum(), X)
    assert graph.remarks == ("A hook on weight changed its gradient: times 2.",)
    assert graph.gradients["weight"].tolist() == [2, 4, 6]


def test_gradients_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        traced(lambda x: x.sum(), X).gradients["x"][0] = 3


def test_a_division_by_zero_is_shown_and_not_refused() -> None:
    graph = fl.backprop("(1/x).sum()", at={"x": [0.0, 1.0]})
    assert numbers(graph.nodes[graph.result].value) == float("inf")


def test_a_parameter_that_is_also_met_under_no_grad() -> None:
    made = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(3, 3))
    seen = fl.backprop(made, torch.randn(4, 3), loss=lambda out: out.mean(), check=False)
    assert "bias" in seen.gradients


def test_a_tensor_handed_back_as_it_was_is_one_sentence() -> None:
    captured = torch.ones((), requires_grad=True)
    with pytest.raises(fl.OptionError, match="did not compute"):
        fl.backprop(lambda _: captured, torch.randn(3))


def test_no_float64_run_is_no_measure_of_float32() -> None:
    """A function that turns to float32 itself gives the same numbers in both runs: nothing is told by that."""
    turned = fl.backprop(lambda x: x.float().exp().sum(), torch.tensor([1.0, 2.0]))
    plainly = fl.backprop(lambda x: x.exp().sum(), torch.tensor([1.0, 2.0]))
    assert turned.check is not None
    assert plainly.check is not None
    assert (turned.check.low_precision, plainly.check.low_precision is None) == (None, False)
