"""The inner product of a gradient with a change, of real and of complex numbers."""

import torch


def inner(one: torch.Tensor, other: torch.Tensor) -> float:
    """Σ of the products; of complex numbers Σ Re(conj(one) · other).

    PyTorch's gradient of a complex number is ∂/∂(its real part) + i · ∂/∂(its imaginary part), so this is what a real
    result changes by.

    >>> inner(torch.tensor([1 + 2j]), torch.tensor([3 + 1j])), inner(torch.tensor([2.0]), torch.tensor([3.0]))
    (5.0, 6.0)
    """
    return float((wide(one).conj() * wide(other)).sum().real)


def wide(tensor: torch.Tensor) -> torch.Tensor:
    """Dense, in double precision, with the imaginary part where there is one."""
    dense = tensor.to_dense() if tensor.layout is not torch.strided else tensor
    return dense.to(torch.complex128 if dense.is_complex() else torch.float64)
