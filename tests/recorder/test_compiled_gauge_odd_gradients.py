"""Gradients that are not as their parameters: of another layout, dtype or shape, or in the same memory."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from compiled_gauges import lent, parameters, shift
from fallline._recorder._compiled_gauge import COMPILED, CompiledGauge
from gauge_oracle import by_layer, numbers_of, step, sums

pytestmark = pytest.mark.skipif(not COMPILED, reason="fallline was installed without a C compiler")


def sparse(tensor: nn.Parameter) -> None:
    tensor.grad = torch.sparse_coo_tensor([[0, 2, 2]], [1.0, 2.0, 3.0], (4,), check_invariants=True)


def missing(tensor: nn.Parameter) -> None:
    tensor.grad = None


def strided(tensor: nn.Parameter) -> None:
    tensor.grad = torch.randn(8)[::2]


def spread(tensor: nn.Parameter) -> None:
    tensor.grad = torch.tensor(0.5).expand(4)


def wide(tensor: nn.Parameter) -> None:
    tensor.grad.data = torch.randn(4, dtype=torch.float64)


def half(tensor: nn.Parameter) -> None:
    tensor.grad.data = torch.randn(4, dtype=torch.bfloat16)


def of_another_shape(tensor: nn.Parameter) -> None:
    tensor.grad.data = torch.randn(2, 2)


def of_one_number(tensor: nn.Parameter) -> None:
    tensor.grad.data = torch.randn(1)


def in_a_graph(tensor: nn.Parameter) -> None:
    tensor.grad = (tensor * 2).clone()


def of_inference_mode(tensor: nn.Parameter) -> None:
    with torch.inference_mode():
        tensor.grad = torch.randn(4)


def negated(tensor: nn.Parameter) -> None:
    tensor.grad = torch.randn(4, dtype=torch.complex64).conj().imag
    assert tensor.grad.is_neg()


ODD = [
    sparse, missing, strided, spread, wide, half, of_another_shape, of_one_number, in_a_graph, of_inference_mode,
    negated,
]  # fmt: skip


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("odd", ODD)
def test_odd_gradients(odd: Callable[[nn.Parameter], None], keep: bool) -> None:
    tensors = parameters()
    odd(tensors[1])
    gradient = tensors[1].grad
    values = torch.zeros(4) if gradient is None else gradient.detach().to_dense().resolve_neg().double().reshape(-1)
    values = values.expand(4) if values.numel() == 1 else values
    gauge = CompiledGauge(tensors, [0, 1, 2], lend=True)
    gauge.remember()
    gauge.consume(None, keep=keep)
    shift(tensors)
    found = by_layer(gauge, gauge.read())
    assert found[0, 1] == pytest.approx(float(values.square().sum()), rel=1e-6)
    assert found[3, 1] == pytest.approx(-0.25 * float(values.sum()), rel=1e-5, abs=1e-6)


def test_one_number_of_a_conjugate() -> None:
    tensor = nn.Parameter(torch.ones(1))
    tensor.grad = torch.tensor([3.0 - 2.0j]).conj().imag
    assert tensor.grad.is_contiguous()
    assert tensor.grad.is_neg()
    _, found = lent([tensor])
    assert found is not None
    assert found[3, 0] == -0.5


def test_tied_parameters() -> None:
    whole = torch.randn(6)
    tensors = [nn.Parameter(whole[:4]), nn.Parameter(whole[2:])]
    for tensor in tensors:
        tensor.grad = torch.ones(4)
    before = numbers_of(tensors, tensors)
    _, found = lent(tensors)
    expected = sums(before, numbers_of([torch.ones(4)] * 2, tensors), numbers_of(tensors, tensors), [0, 1])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_one_tensor_may_be_both() -> None:
    tensor = nn.Parameter(torch.ones(300))
    tensor.grad = tensor.data
    gauge = CompiledGauge([tensor], [0])
    found, expected = step(gauge, [tensor], [0], lambda: shift([tensor]))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
