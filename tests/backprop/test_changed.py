"""A hook on a tensor on the way is told, and only where it changes something."""

import pytest
import torch

from backprop_graphs import traced

X = torch.tensor([1.0, 2.0, 3.0])


def hooked(factor: float) -> list[str]:
    """Remarks of a program with a hook that multiplies."""

    def fn(x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        y.register_hook(lambda gradient: gradient * factor)  # type: ignore[no-untyped-call]  # PyTorch gives it no types
        return (y + y.sin()).sum()

    return list(traced(fn, X).remarks)


def test_a_hook_that_changes_a_gradient_is_told() -> None:
    (told,) = hooked(10.0)
    assert told == "x · 2: what arrived is not what was handed on. A hook of your own changed the gradient there."


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
