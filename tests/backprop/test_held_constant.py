"""What autograd holds constant: sparse tensors too; and in which precision a function computes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import fallline as fl
from fallline._backprop._held_constant import _same
from fallline._records import GradientCheck

NEIGHBOURS = torch.tensor([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0], [0.0, 0.0, 1.0]])
SPARSE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "coo": torch.Tensor.to_sparse,
    "csr": torch.Tensor.to_sparse_csr,
}


def checked(fn: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> GradientCheck:
    check = fl.backprop(fn, *inputs).check
    assert check is not None
    return check


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.parametrize("layout", SPARSE)
def test_a_sparse_constant_is_one(layout: str) -> None:
    adjacency = SPARSE[layout](NEIGHBOURS)
    x = torch.arange(6.0).reshape(3, 2) / 3
    check = checked(lambda x: (torch.sparse.mm(adjacency, x).sin() * x.detach()).sum(), x)
    assert check.agrees
    assert check.inputs[0].entries == 6


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta", "ignore:Sparse CSC")
@pytest.mark.parametrize(
    "sparse", [*SPARSE.values(), torch.Tensor.to_sparse_csc, lambda x: x.to_sparse_bsr((1, 1)), lambda x: x]
)
def test_which_tensors_are_the_same(sparse: Callable[[torch.Tensor], torch.Tensor]) -> None:
    one = sparse(NEIGHBOURS)
    assert _same(one, sparse(NEIGHBOURS))
    assert not _same(one, sparse(NEIGHBOURS * 2))
    assert not _same(one, sparse(NEIGHBOURS.T.contiguous()))
    assert not _same(one, sparse(NEIGHBOURS[:2]))
    assert not _same(NEIGHBOURS.to_sparse(), NEIGHBOURS)


class Sine(torch.autograd.Function):
    """By NumPy, in float32."""

    factor = 1.0

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.from_numpy(np.sin(x.detach().numpy().astype(np.float32)))

    @classmethod
    def backward(cls, ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return gradient * x.cos() * cls.factor


class Wrong(Sine):
    factor = 1.1


def test_numpy_inside_of_a_function_rounds_to_float32() -> None:
    x = torch.tensor([0.3, -1.2, 0.7])
    check = checked(lambda x: Sine.apply(x).square().sum(), x)
    assert check.agrees
    assert any("computes in float32" in each for each in check.remarks)
    assert checked(lambda x: Wrong.apply(x).square().sum(), x).wrong
