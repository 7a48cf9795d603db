"""Parameters as one flat vector, and back: the only such pair in fallline."""

from collections.abc import Iterable, Sequence
from itertools import chain

import torch
from torch import Tensor


def flatten(tensors: Iterable[Tensor]) -> Tensor:
    """All entries of the tensors, one after the other, as a detached copy of shape [P].

    >>> flatten([torch.tensor([[1.0, 2.0]]), torch.tensor([3.0])])
    tensor([1., 2., 3.])
    """
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def numbers(tensors: Iterable[Tensor]) -> tuple[float, ...]:
    """The entries of the tensors as P Python floats, in the order of :func:`flatten`.

    For the handful of parameters of a neuron this is faster than one concatenated tensor.

    >>> numbers([torch.tensor([[1.0, 2.0]]), torch.tensor([3.0])])
    (1.0, 2.0, 3.0)
    """
    return tuple(chain.from_iterable(tensor.detach().reshape(-1).tolist() for tensor in tensors))


def unflatten(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Views of a vector [P] with the shapes of ``like``: the inverse of :func:`flatten`.

    >>> [part.shape for part in unflatten(torch.arange(3.0), [torch.zeros(1, 2), torch.zeros(1)])]
    [torch.Size([1, 2]), torch.Size([1])]
    """
    parts = torch.split(vector, [tensor.numel() for tensor in like])
    return [part.view(tensor.shape) for part, tensor in zip(parts, like, strict=True)]
