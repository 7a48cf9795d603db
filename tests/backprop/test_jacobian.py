"""The whole matrix: closed forms, PyTorch's own as an oracle, and its limit."""

import numpy as np
import pytest
import torch

from fallline import OptionError
from fallline._backprop._jacobian import MOST_NUMBERS, jacobian


def test_linear_map_is_its_own_jacobian():
    matrix = torch.arange(6.0).reshape(2, 3)
    x = torch.ones(3, requires_grad=True)
    found = jacobian(matrix @ x, {"x": x})["x"]
    assert found.dtype == np.float64
    assert np.array_equal(found, matrix.numpy())


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w: torch.tanh(x @ w),
        lambda x, w: (x[0] * w.sum()).exp().view(1, -1),
        lambda x, w: (x.sum() * w).softmax(0).unbind(1)[0],
        lambda x, w: (x * x).sum() + w.prod(),
    ],
)
def test_equals_pytorchs(function):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    w = torch.randn(3, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    result = function(x, w)
    found = jacobian(result, {"x": x, "w": w})
    for name, leaf, truth in zip("xw", (x, w), torch.autograd.functional.jacobian(function, (x, w)), strict=True):
        assert found[name].shape == (result.numel(), leaf.numel())
        np.testing.assert_allclose(found[name], truth.reshape(result.numel(), leaf.numel()).numpy(), rtol=1e-12)


def test_graph_and_gradients_are_left_as_they_were():
    x = torch.ones(2, requires_grad=True)
    result = x * x
    jacobian(result, {"x": x})
    assert x.grad is None
    result.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_an_input_that_does_not_reach_the_result_has_zeros():
    x, y = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    found = jacobian(2 * x, {"x": x, "y": y})
    assert found["x"].tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert found["y"].tolist() == [[0.0] * 3] * 2


def test_the_input_itself_is_a_result():
    x = torch.ones(2, requires_grad=True)
    assert jacobian(x, {"x": x})["x"].tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_sparse_rows_are_filled_in():
    weight = torch.ones(4, 1, requires_grad=True)
    result = torch.nn.functional.embedding(torch.tensor([2]), weight, sparse=True)
    assert jacobian(result, {"weight": weight})["weight"].tolist() == [[0.0, 0.0, 1.0, 0.0]]


def test_limit():
    x = torch.ones(100, requires_grad=True)
    assert jacobian(x * 2, {"x": x})["x"].size == MOST_NUMBERS
    x = torch.ones(101, requires_grad=True)
    with pytest.raises(OptionError, match="The Jacobian of x would be 101 × 101, 10,201 numbers; at most 10,000"):
        jacobian(x * 2, {"x": x})
