"""Flatten and unflatten are inverse."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from fallline._vectors import flatten, numbers, unflatten

SHAPES = st.lists(st.lists(st.integers(1, 3), max_size=3).map(tuple), min_size=1, max_size=5)


@given(shapes=SHAPES, seed=st.integers(0, 2**31))
def test_flatten_and_unflatten_are_inverse(shapes: list[tuple[int, ...]], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    tensors = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    vector = flatten(tensors)
    back = unflatten(vector, tensors)
    assert [part.shape for part in back] == [tensor.shape for tensor in tensors]
    assert all(torch.equal(part, tensor) for part, tensor in zip(back, tensors, strict=True))
    assert numbers(tensors) == tuple(vector.tolist())


def test_flatten_is_a_detached_copy() -> None:
    weight = torch.ones(2, requires_grad=True)
    vector = flatten([weight])
    vector[0] = 7
    assert not vector.requires_grad
    assert weight.tolist() == [1, 1]


def test_nan_and_infinity_survive() -> None:
    first, second = numbers([torch.tensor([float("nan"), float("-inf")])])
    assert first != first  # noqa: PLR0124  (NaN)
    assert second == float("-inf")
