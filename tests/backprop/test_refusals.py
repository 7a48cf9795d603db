"""What arrives in place of a tensor, and what cannot be gone back through: one sentence that says what to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import fallline as fl
from backprop_graphs import traced

X = torch.tensor([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (3.0, "x is a float, not a tensor: hand in torch.tensor(3.0)."),
        (3, "x is an int, not a tensor: hand in torch.tensor(3.0)."),
        ([1.0, 2.0], "x is a list of 2 numbers, not a tensor: hand in torch.tensor([1.0, 2.0])."),
        ([[1, 2], [3, 4]], "x is a list of 4 numbers, not a tensor: hand in torch.tensor(x, dtype=torch.float32)."),
        (np.ones(2), "x is a NumPy array of shape (2,), not a tensor: hand in torch.as_tensor(x)."),
        (np.arange(2), "hand in torch.as_tensor(x, dtype=torch.float32)."),
    ],
)
@pytest.mark.parametrize("fn", [lambda x: x**2, lambda x: x.sum(), lambda x: (torch.as_tensor(x) * 1.0).sum()])
def test_what_is_no_tensor_is_told_with_what_to_hand_in(fn: Callable[[Any], Any], given: object, told: str) -> None:
    with pytest.raises(fl.OptionError, match=r"^Only tensors have a gradient\. x is an? ") as error:
        fl.backprop(fn, given)
    assert told in str(error.value)


def test_a_module_that_is_handed_an_array() -> None:
    with pytest.raises(fl.OptionError, match=r"input is a NumPy array of shape \(1, 2\), not.* The function sa"):
        fl.backprop(nn.Linear(2, 1), np.ones((1, 2)))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (np.ones(3), "y is a NumPy array of shape (3,), not a tensor: hand in torch.as_tensor(y). The function said: "),
        ([1.0, 2.0, 3.0], "y is a list of 3 numbers, not a tensor: hand in torch.tensor([1.0, 2.0, 3.0]). The functi"),
    ],
)
@pytest.mark.parametrize("fn", [lambda x, y: (x * y).sum(), lambda x, y: (y * x).sum()])
def test_an_array_beside_a_tensor(fn: Callable[..., Any], given: object, told: str) -> None:
    with pytest.raises(fl.OptionError) as error:
        fl.backprop(fn, X, given)
    assert str(error.value).startswith(told)


def test_numbers_beside_a_tensor_stay_numbers() -> None:
    graph = traced(lambda x, k, shape: (x * k).reshape(shape).sum(), X, 2.0, [3, 1])
    assert graph.gradients["x"].tolist() == [2, 2, 2]
    w = torch.ones(3, requires_grad=True)
    assert traced(lambda k: (w * k).sum(), 2.0).gradients["w"].tolist() == [2, 2, 2]


def test_an_error_of_the_function_itself_stays_its_own() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        traced(lambda x, k: x + k, X, "two")
    with pytest.raises(fl.OptionError, match=r"^The shapes do not fit \(x \(3,\)\)\..* must match the size") as error:
        traced(lambda x: (x + torch.ones(2)).sum(), X)
    assert isinstance(error.value.__cause__, RuntimeError)


def going_backward(x: torch.Tensor) -> torch.Tensor:
    """As in a training step."""
    loss = (x * x).sum()
    loss.backward()
    return loss


class Square(torch.autograd.Function):
    """Its step back needs what it saved."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Square."""
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        """Twice."""
        made: torch.Tensor = 2 * ctx.saved_tensors[0] * grad
        return made


def custom_going_backward(x: torch.Tensor) -> torch.Tensor:
    """With an operation of its own."""
    loss = Square.apply(x).sum()
    torch.autograd.grad(loss, x)
    made: torch.Tensor = loss
    return made


@pytest.mark.parametrize("fn", [going_backward, custom_going_backward])
def test_a_function_that_goes_backward_itself(fn: Callable[..., Any]) -> None:
    with pytest.raises(fl.OptionError, match=r"^The function goes backward itself.* hand back the loss"):
        traced(fn, X)


def test_one_that_keeps_its_graph_is_fine() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        loss = (x * x).sum()
        loss.backward(retain_graph=True)
        return loss

    assert traced(fn, X).gradients["x"].tolist() == [2, 4, 6]


def test_a_graph_from_before_that_is_freed() -> None:
    w = torch.ones(3, requires_grad=True)
    before = w.exp()
    before.sum().backward()
    with pytest.raises(fl.OptionError, match=r"^A part of the graph was made before this call"):
        traced(lambda x: (x * before).sum(), X)


def written_after(x: torch.Tensor) -> torch.Tensor:
    """The product needs what y was."""
    y = x.exp()
    z = (y * y).sum()
    y.mul_(2)
    return z + y.sum()


def written_output(x: torch.Tensor) -> torch.Tensor:
    """The sigmoid needs what it gave."""
    made = x.sigmoid()
    made.add_(1)
    return made.sum()


def a_step_of_training(x: torch.Tensor) -> torch.Tensor:
    """The loss is what it was before the step."""
    w = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], 0.1)
    loss = (x * w).sum()
    loss.backward(retain_graph=True)  # type: ignore[no-untyped-call]  # PyTorch gives it no types
    optimizer.step()
    return loss


def custom_written(x: torch.Tensor) -> torch.Tensor:
    """What a custom operation saved."""
    y = x * 2
    made: torch.Tensor = Square.apply(y).sum()  # type: ignore[no-untyped-call]  # PyTorch gives it no types
    y.add_(1)
    return made


@pytest.mark.parametrize(
    ("fn", "told"),
    [
        (written_after, "mul_ writes over a tensor that mul needs as it was"),
        (
            written_output,
            "add_ writes over a tensor that sigmoid needs as it was (result) for its step back. Use add ",
        ),
    ],
)
def test_a_tensor_that_was_kept_and_written_over(fn: Callable[..., Any], told: str) -> None:
    with pytest.raises(fl.OptionError) as error:
        traced(fn, X)
    assert str(error.value).startswith(told)


def test_writing_to_what_was_taken_apart() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        first, *_ = y.unbind()
        y.mul_(3)
        return first

    with pytest.raises(fl.OptionError, match=r"that split, chunk or unbind made several views of"):
        traced(fn, X)


def test_writing_to_a_view_of_an_input() -> None:
    def fn(x: torch.Tensor) -> torch.Tensor:
        x[0] = 0.0
        return x.sum()

    with pytest.raises(fl.OptionError, match=r"^The function writes in place to an input"):
        traced(fn, X)


@pytest.mark.parametrize(
    ("fn", "told"),
    [
        (lambda x: (x // 0.3 + x).sum(), "PyTorch has no derivative of floor_divide, so no gradient goes back"),
        (lambda x: torch.special.gammainc(x, x).sum(), "PyTorch has no derivative of igamma to input, so no"),
    ],
)
def test_an_operation_that_pytorch_has_no_derivative_of(fn: Callable[..., Any], told: str) -> None:
    with pytest.raises(fl.OptionError) as error:
        traced(fn, X)
    assert str(error.value).startswith(told)


def test_a_size_changed_in_place_is_no_shape_that_does_not_fit() -> None:
    with pytest.raises(fl.OptionError, match=r"^The function changes the size of a tensor in place \(resize_\)"):
        traced(lambda x: x.clone().resize_(1).sum(), X)
